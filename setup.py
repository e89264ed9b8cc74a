"""Adds to the wheel what pyproject.toml cannot name: `.mim`, and the start-up file.

OpenMIM looks for tools and configs in `gm_pose/.mim`. `gm_pose_host.pth` lies beside the
package, where Python reads it when it starts; see `gm_pose/runs/host/startup.py`.
"""

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_CONTENT = ('tools', 'configs', 'model-index.yml')


class BuildWithMim(build_py):
    """Adds `.mim/{tools,configs,model-index.yml}` and the start-up file to the build."""

    def run(self):
        # An earlier build's files would end up in the wheel after their source is gone.
        shutil.rmtree(Path(self.build_lib) / 'gm_pose', ignore_errors=True)
        super().run()
        if not self.editable_mode:
            fill_mim(Path(self.build_lib) / 'gm_pose' / '.mim')
        # An editable wheel leaves the package where it is: the folder of what it adds.
        install = self.get_finalized_command('install')
        write_startup(
            Path(install.install_lib if self.editable_mode else self.build_lib)
        )


def fill_mim(target: Path) -> None:
    """Copy what `mim` needs into `target`; raises if any of it is missing or empty."""
    for name in MIM_CONTENT:
        source = ROOT / name
        if not source.exists():
            raise FileNotFoundError(
                f'{source} is missing, so `mim train gm_pose` would not find it: '
                'build from a complete checkout'
            )
        if source.is_dir():
            shutil.copytree(
                source, target / name, ignore=shutil.ignore_patterns('__pycache__')
            )
        else:
            shutil.copy2(source, target / name)
    for pattern in ('tools/train.py', 'tools/test.py', 'configs/*.py'):
        if not list(target.glob(pattern)):
            raise FileNotFoundError(
                f'nothing matches {target / pattern} after the copy'
            )


def write_startup(target: Path) -> None:
    """Write `gm_pose_host.py` and `gm_pose_host.pth` into `target`."""
    source = ROOT / 'gm_pose' / 'runs' / 'host' / 'startup.py'
    values = runpy.run_path(str(source))
    shutil.copy2(source, target / 'gm_pose_host.py')
    (target / values['PTH_NAME']).write_text(values['PTH_LINE'])


setup(cmdclass={'build_py': BuildWithMim})
