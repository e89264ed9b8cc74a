"""Empty distribution named xtcocotools: mmpose requires it, and it has no wheel for
Python 3.12 and newer. `gm_pose.runs.host.xtcocotools` stands in for its modules."""

from setuptools import setup

setup(
    name='xtcocotools', version='1.14.3', py_modules=[], description='empty placeholder'
)
