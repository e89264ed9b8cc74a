"""Joint-adaptive heatmap targets and the Gaussian Mixture Block for MMPose 1.x.

Importing this package registers its parts in MMPose's registries; in a config:
``custom_imports = dict(imports=['gm_pose'])``.
"""

from gm_pose.compat import prepare_stack
from gm_pose.version import __version__

prepare_stack()  # before anything below imports mmpose.models

from gm_pose import codecs, datasets, engine, models  # noqa: E402

__all__ = ['__version__', 'codecs', 'datasets', 'engine', 'models']
