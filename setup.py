"""Fills `gm_pose/.mim`, where OpenMIM looks for tools and configs; see pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_CONTENT = ('tools', 'configs', 'model-index.yml')


class BuildWithMim(build_py):
    """Adds `.mim/{tools,configs,model-index.yml}` to the package that is built."""

    def run(self):
        # An earlier build's files would end up in the wheel after their source is gone.
        shutil.rmtree(Path(self.build_lib) / 'gm_pose', ignore_errors=True)
        super().run()
        if not self.editable_mode:
            fill_mim(Path(self.build_lib) / 'gm_pose' / '.mim')


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


setup(cmdclass={'build_py': BuildWithMim})
