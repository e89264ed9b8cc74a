"""Empty distribution named opencv-python that brings the headless build of the same
version: mmcv-lite, mmengine and mmpose require the name, and the full build does not
import on a machine without libGL (servers, containers)."""

from setuptools import setup

VERSION = '4.11.0.86'

setup(
    name='opencv-python',
    version=VERSION,
    py_modules=[],
    description='empty placeholder for opencv-python-headless',
    install_requires=['opencv-python-headless==' + VERSION],
)
