"""What must fit together around a heatmap codec in a config: plain values in, problems out.

A problem is (place in the config, what is wrong, how to fix it).
"""

from collections.abc import Mapping
from typing import Any

Problem = tuple[str, str, str]

ALIGNED_FLIP = 'AlignedFlipTopdownPoseEstimator'
PLAIN_FLIP = 'TopdownPoseEstimator'


def needs_heatmap_shift(grid: str, estimator: str) -> bool:
    """Grid, type of the model -> what its ``test_cfg.shift_heatmap`` should be.

    On the stride grid a mirrored map comes back (s - 1) / s cells too far left, and
    1 / s too far right when shifted by a cell: the lesser error, at s input px per cell.
    The udp grid mirrors onto itself. The aligned estimator moves the picture instead.
    """
    return grid == 'stride' and estimator != ALIGNED_FLIP


def find_grid_problems(
    grid: str,
    use_udp: Mapping[str, bool],
    estimator: str = PLAIN_FLIP,
    test_cfg: Mapping[str, Any] | None = None,
) -> list[Problem]:
    """A codec's grid and what surrounds it -> where they disagree.

    Args:
        grid: 'stride' or 'udp', see `gm_pose.ops.grids`.
        use_udp: place of each `TopdownAffine` that runs -> its `use_udp`.
        estimator: ``model.type``.
        test_cfg: ``model.test_cfg``.
    """
    udp = grid == 'udp'
    problems = [
        (
            f'{place}.use_udp',
            f"{value} with a codec on the '{grid}' grid: predictions are off by half an "
            'input px and more',
            f"codec.grid='{'udp' if value else 'stride'}', or use_udp={udp}",
        )
        for place, value in use_udp.items()
        if bool(value) != udp
    ]
    if udp and estimator == ALIGNED_FLIP:
        problems.append(
            (
                'model.type',
                f"{ALIGNED_FLIP} with a codec on the 'udp' grid, which needs no moved "
                'picture',
                f'model.type={PLAIN_FLIP}, test_cfg.shift_heatmap=False',
            )
        )
    elif (test_cfg or {}).get('flip_test'):
        shift = bool((test_cfg or {}).get('shift_heatmap', False))
        needed = needs_heatmap_shift(grid, estimator)
        if shift != needed:
            problems.append(
                (
                    'model.test_cfg.shift_heatmap',
                    f"{shift} with {estimator} and a codec on the '{grid}' grid: the "
                    'two maps of the flip test are a cell apart',
                    f'shift_heatmap={needed}',
                )
            )
    return problems


def find_visibility_problems(head: str, scales_weights: bool) -> list[Problem]:
    """Type of the head, whether joints' weights differ -> where they disagree.

    MMPose's `VisPredictHead` takes ``keypoint_weights`` as the visibilities, 0 or 1, that
    it learns to predict.
    """
    if head != 'VisPredictHead' or not scales_weights:
        return []
    return [
        (
            'model.head.type',
            'VisPredictHead, which learns keypoint_weights as visibilities of 0 or 1, with '
            'weights that differ by joint',
            'leave balance_weights and use_dataset_keypoint_weights out',
        )
    ]
