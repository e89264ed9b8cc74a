"""Empty distribution named chumpy: mmpose requires it, never imports it, and its source
does not build under pip's build isolation."""

from setuptools import setup

setup(name='chumpy', version='0.70', py_modules=[], description='empty placeholder')
