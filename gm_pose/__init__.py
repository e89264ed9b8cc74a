"""Joint-adaptive heatmap targets and the Gaussian Mixture Block for MMPose 1.x.

Importing this package registers its parts in MMPose's registries; in a config:
``custom_imports = dict(imports=['gm_pose'])``.
"""

import sys

from gm_pose.version import __version__

# `python -m gm_pose doctor` imports this package before its own module, and has to run
# in the very environments that `prepare_stack` refuses.
# While Python looks for the module to run, argv[0] is '-m', and what stands before the
# rest on the command line is 'gm_pose', or '-mgm_pose' in one word.
_IS_DOCTOR = sys.argv[:2] == ['-m', 'doctor'] and (
    sys.orig_argv[-len(sys.argv)].endswith('gm_pose')
)

if not _IS_DOCTOR:
    from gm_pose.compat import prepare_stack

    prepare_stack()  # before anything below imports mmpose.models

    from gm_pose import codecs, datasets, engine, models

    __all__ = ['__version__', 'codecs', 'datasets', 'engine', 'models']
