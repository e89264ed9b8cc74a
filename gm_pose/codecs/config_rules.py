"""What must fit together around a codec in a config."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmpose.registry import MODELS

from gm_pose.codecs.base_codec import get_type
from gm_pose.runs.problem import Problem

if TYPE_CHECKING:
    from gm_pose.runs.checks.outline import Outline

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
        Problem(
            f'{place}.use_udp',
            f"is {value} with a codec on the '{grid}' grid: predictions are off by half "
            'an input px and more',
            f"codec.grid='{'udp' if value else 'stride'}', or use_udp={udp}",
        )
        for place, value in use_udp.items()
        if value != udp
    ]
    if udp and estimator == ALIGNED_FLIP:
        problems.append(
            Problem(
                'model.type',
                f"is {ALIGNED_FLIP} with a codec on the 'udp' grid, which mirrors onto "
                'itself',
                f'model.type={PLAIN_FLIP}, test_cfg.shift_heatmap=False',
            )
        )
    elif test_cfg is not None and test_cfg.get('flip_test'):
        shift = bool(test_cfg.get('shift_heatmap', False))
        needed = needs_heatmap_shift(grid, estimator)
        if shift != needed:
            problems.append(
                Problem(
                    'model.test_cfg.shift_heatmap',
                    f"is {shift} with {estimator} and a codec on the '{grid}' grid: the "
                    'maps of the flip test do not coincide',
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
        Problem(
            'model.head.type',
            'is VisPredictHead, which learns keypoint_weights as visibilities of 0 or 1, '
            'with weights that differ by joint',
            'leave balance_weights and use_dataset_keypoint_weights out',
        )
    ]


def find_count_problems(
    place: str, num_sigmas: int, count: int | None
) -> list[Problem]:
    """Place of the codec, its sigmas, the head's channels (None: unknown)."""
    if count in (None, num_sigmas):
        return []
    return [
        Problem(
            f'{place}.sigmas',
            f'has {num_sigmas} values; expected {count}, one for each channel of '
            'model.head',
            'give one sigma for each keypoint',
        )
    ]


def find_loss_problems(place: str, loss: Any) -> list[Problem]:
    """Place of a codec with balanced weights, the head's loss."""
    if not ignores_weights(loss):
        return []
    return [
        Problem(
            f'{place}.balance_weights',
            f'is True; {loss["type"]}(use_target_weight=False) ignores weights',
            'set model.head.loss.use_target_weight=True',
        )
    ]


def ignores_weights(loss: Any) -> bool:
    """Whether a loss's config leaves the weights of the joints out."""
    kind = loss.get('type') if isinstance(loss, dict) else None
    kind = MODELS.get(kind.removeprefix('mmpose.')) if isinstance(kind, str) else None
    option = (
        inspect.signature(kind).parameters.get('use_target_weight') if kind else None
    )
    return option is not None and not loss.get(option.name, option.default)


def find_problems(
    outline: 'Outline', grid: str, balance_weights: bool, num_sigmas: int | None
) -> list[Problem]:
    """A config around a codec -> all that does not fit it.

    Args:
        outline: the config; ``outline.codec.path`` is the codec's place.
        grid: the codec's.
        balance_weights: the codec's.
        num_sigmas: the codec's, None where one number stands for any count.
    """
    place = outline.codec.path
    problems = []
    if num_sigmas is not None:
        problems += find_count_problems(place, num_sigmas, outline.num_keypoints)
    if balance_weights:
        problems += find_loss_problems(place, outline.get('model.head.loss'))
    head, test_cfg = outline.get('model.head'), outline.get('model.test_cfg')
    if isinstance(head, dict):
        weighs_joints = balance_weights or any(
            part.get('use_dataset_keypoint_weights') for part in outline.typed
        )
        problems += find_visibility_problems(get_type(head), weighs_joints)
    return problems + find_grid_problems(
        grid,
        use_udp=_read_use_udp(outline),
        estimator=str(outline.model.get('type')).rpartition('.')[2],
        test_cfg=test_cfg if isinstance(test_cfg, dict) else None,
    )


def _read_use_udp(outline: 'Outline') -> dict[str, bool]:
    """Place of each `TopdownAffine` that the run uses -> its `use_udp`."""
    running = tuple(f'{split.name}_dataloader.' for split in outline.splits)
    if outline.trains:
        running += ('custom_hooks.',)  # the later pipeline of a PipelineSwitchHook
    return {
        part.path: bool(part.get('use_udp'))
        for part in outline.typed
        if part.path.startswith(running) and get_type(part.config) == 'TopdownAffine'
    }
