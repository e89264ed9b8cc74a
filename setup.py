"""Builds gm_pose and fills `gm_pose/.mim`, where OpenMIM looks for tools and configs."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
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


def read_version() -> str:
    text = (ROOT / 'gm_pose' / 'version.py').read_text(encoding='utf-8')
    return re.search(r"__version__ = '([^']+)'", text).group(1)


setup(
    name='gm_pose',
    version=read_version(),
    description='Joint-adaptive heatmaps and the Gaussian Mixture Block for MMPose 1.x',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['gm_pose', 'gm_pose.*']),
    package_data={'gm_pose': ['py.typed']},
    python_requires='>=3.10',
    # mmcv is left out on purpose: mmcv and mmcv-lite write the same folder, and either
    # will do. `import gm_pose` names it if neither is there. requirements/stack.txt pins
    # the tested set.
    install_requires=[
        'mmdet>=3.3,<3.4',
        'mmengine>=0.10.4,<1',
        'mmpose>=1.3.1,<2',
        'numpy>=1.24,<3',
        'packaging',
        'pycocotools',
        # mmengine imports pkg_resources: gone in 81, broken on Python 3.12 before 66.1
        'setuptools<81',
        'setuptools>=66.1; python_version >= "3.12"',
        'torch>=2.1',
    ],
    cmdclass={'build_py': BuildWithMim},
    zip_safe=False,
    classifiers=[
        'License :: OSI Approved :: Apache Software License',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
)
