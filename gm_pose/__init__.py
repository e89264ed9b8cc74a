"""Joint-adaptive heatmaps and the Gaussian Mixture Block for MMPose 1.x.

In a config, ``custom_imports = dict(imports=['gm_pose'])`` registers every part. In Python,
the names in ``__all__`` can be imported from here; each is loaded when it is first used, so
``import gm_pose`` itself takes milliseconds and needs neither PyTorch nor MMPose.

Example:
    >>> from gm_pose import resolve_sigmas
    >>> resolve_sigmas('set2', heatmap_size=(48, 64)).cells[:3]
    array([0.85, 0.84, 0.84])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gm_pose import moved_modules
from gm_pose.registration import register_rooms
from gm_pose.runs.host import mend_host
from gm_pose.version import __version__

if TYPE_CHECKING:
    from gm_pose.codecs import JointAdaptiveMSRAHeatmap, load_skeleton, with_codec
    from gm_pose.fast_lane import apply_fast_lane, with_fast_lane
    from gm_pose.inference import People, PoseEstimator
    from gm_pose.models import (
        AlignedFlipTopdownPoseEstimator,
        ChannelsLastHook,
        GaussianMixture,
        GaussianMixtureBlock,
        GaussianMixtureHead,
        MixtureSettings,
        MixtureSigmaHook,
        read_mixtures,
    )
    from gm_pose.ops import (
        SIGMA_TABLES,
        Skeleton,
        decode_heatmaps,
        mirror_aligned,
        resolve_sigmas,
        smooth_gaussian,
    )

# room -> the public names it holds
_PUBLIC = {
    'gm_pose.codecs': ('JointAdaptiveMSRAHeatmap', 'load_skeleton', 'with_codec'),
    'gm_pose.fast_lane': ('apply_fast_lane', 'with_fast_lane'),
    'gm_pose.inference': ('People', 'PoseEstimator'),
    'gm_pose.models': (
        'AlignedFlipTopdownPoseEstimator',
        'ChannelsLastHook',
        'GaussianMixture',
        'GaussianMixtureBlock',
        'GaussianMixtureHead',
        'MixtureSettings',
        'MixtureSigmaHook',
        'read_mixtures',
    ),
    'gm_pose.ops': (
        'SIGMA_TABLES',
        'Skeleton',
        'decode_heatmaps',
        'mirror_aligned',
        'resolve_sigmas',
        'smooth_gaussian',
    ),
}
_ROOM_OF = {name: room for room, names in _PUBLIC.items() for name in names}

__all__ = [
    'SIGMA_TABLES',
    'AlignedFlipTopdownPoseEstimator',
    'ChannelsLastHook',
    'GaussianMixture',
    'GaussianMixtureBlock',
    'GaussianMixtureHead',
    'JointAdaptiveMSRAHeatmap',
    'MixtureSettings',
    'MixtureSigmaHook',
    'People',
    'PoseEstimator',
    'Skeleton',
    '__version__',
    'apply_fast_lane',
    'decode_heatmaps',
    'load_skeleton',
    'mirror_aligned',
    'read_mixtures',
    'resolve_sigmas',
    'smooth_gaussian',
    'with_codec',
    'with_fast_lane',
]

mend_host()
register_rooms()
moved_modules.install_finder()


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562).

    Raises:
        ImportError: the name needs MMPose, and the installed host packages are missing or
            outside the supported range.
    """
    if name not in _ROOM_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    # the others run without PyTorch and MMPose
    if _ROOM_OF[name] not in ('gm_pose.ops', 'gm_pose.inference'):
        from gm_pose.runs.host.versions import check_versions

        check_versions()
    value = getattr(import_module(_ROOM_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
