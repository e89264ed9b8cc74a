"""Where MMPose's registries find the parts of this package.

MMPose's registries import the places that hold their parts when they are first asked for
one (`Registry.import_from_location`). Adding our rooms to those places registers them
without importing MMPose, which takes seconds, for `gm_pose --help` or `gm_pose.ops`.
"""

from importlib import import_module
from types import ModuleType

from gm_pose.runs.host.import_hooks import call_after_import

__all__ = ['register_rooms']

# registry of mmpose.registry -> rooms of this package that register in it
ROOMS = {
    'KEYPOINT_CODECS': ('gm_pose.codecs',),
    'MODELS': (
        'gm_pose.models',
        'gm_pose.fast_lane.device.fast_pose_data_preprocessor',
    ),
    'METRICS': (
        'gm_pose.fast_lane.evaluation.fast_coco_metric',
        'gm_pose.calibration.uncertainty_metric',
    ),
    'HOOKS': ('gm_pose.models.hooks', 'gm_pose.runs.hooks', 'gm_pose.fast_lane.hooks'),
    'DATASETS': (
        'gm_pose.runs.loading',
        'gm_pose.fast_lane.loading.fast_topdown_dataset',
    ),
    'DATA_SAMPLERS': (
        'gm_pose.runs.loading',
        'gm_pose.fast_lane.loading.node_shard_sampler',
    ),
    'TRANSFORMS': ('gm_pose.runs.loading', 'gm_pose.datasets.random_erasing'),
}


def register_rooms() -> None:
    """Register this package's parts as soon as `mmpose.registry` is imported."""
    call_after_import('mmpose.registry', _add_locations)


def _add_locations(registries: ModuleType) -> None:
    for name, rooms in ROOMS.items():
        registry = getattr(registries, name)
        for room in rooms:
            if room not in registry._locations:
                registry._locations.append(room)
        if registry._imported:  # asked for a part before this package was imported
            for room in rooms:
                import_module(room)
