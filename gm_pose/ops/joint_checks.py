"""What a codec refuses of the joints it is given, and how it names them (pure numpy)."""

from collections.abc import Sequence

import numpy as np

from gm_pose.ops.sigma_tables import describe_count_mismatch

__all__ = [
    'format_per_joint',
    'require_finite_joints',
    'require_joint_count',
    'require_one_person',
]


def require_one_person(keypoints: np.ndarray, visible: np.ndarray, who: str) -> None:
    """Raise unless joints are (1, K, 2) and visibilities (1, K); `who` is asking."""
    if keypoints.ndim != 3 or keypoints.shape[0] != 1 or keypoints.shape[2] != 2:
        raise ValueError(
            f'keypoints are {keypoints.shape}; {who} encodes one instance with 2-D '
            'joints, (1, K, 2)'
        )
    if visible.shape != keypoints.shape[:2]:
        raise ValueError(
            f'keypoints_visible is {visible.shape} for keypoints {keypoints.shape}; '
            'expected (1, K)'
        )


def require_joint_count(
    num_joints: int, num_sigmas: int, joint_names: tuple[str, ...] | None
) -> None:
    """Raise unless there is a sigma for every joint."""
    if num_joints != num_sigmas:
        raise ValueError(describe_count_mismatch(num_sigmas, num_joints, joint_names))


def require_finite_joints(
    keypoints: np.ndarray, labelled: np.ndarray, joint_names: tuple[str, ...] | None
) -> None:
    """Raise where a labelled joint of (K, 2) is NaN or infinite."""
    wrong = ~np.isfinite(keypoints).all(1) & labelled
    if wrong.any():
        joint = int(wrong.argmax())
        name = f'{joint} ({joint_names[joint]})' if joint_names else str(joint)
        raise ValueError(
            f'visible joint {name} is at {keypoints[joint].tolist()}; expected finite px. '
            'Fix: mark it invisible or repair the annotation'
        )


def format_per_joint(
    values: Sequence[float] | np.ndarray, joint_names: tuple[str, ...] | None
) -> str:
    """Values (K,) -> '{nose: 1.1, ...}', or the value itself where it is one for all.

    Example:
        >>> format_per_joint([1.1, 2.0], ('nose', 'left_eye'))
        '{nose: 1.1, left_eye: 2}'
    """
    if len(values) == 1:
        return f'{values[0]:g}'
    pairs = zip(joint_names or range(len(values)), values, strict=True)
    return '{' + ', '.join(f'{name}: {value:.4g}' for name, value in pairs) + '}'
