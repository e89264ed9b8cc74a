"""MMPose's augmentation of a crop: its settings, and what they make of uniform numbers.

`RandomFlip` (horizontal), `RandomHalfBody` and `RandomBBoxTransform` with their arguments
and their distributions, for a whole batch. Which generator draws the uniform numbers is
the caller's choice; `augmented_crops.py` applies what is drawn.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ['NUM_UNIFORMS', 'CropAugmentation', 'CropDraws']

NUM_UNIFORMS = 10
"""Uniform numbers that a sample takes."""


@dataclass(frozen=True)
class CropAugmentation:
    """Arguments of MMPose's transforms; a step with probability 0 never happens.

    Args:
        flip_prob: `RandomFlip.prob`.
        min_total_keypoints, min_upper_keypoints, min_lower_keypoints,
            upper_prioritized_prob: of `RandomHalfBody`.
        half_body_padding, half_body_prob: its `padding` and `prob`.
        shift_factor, shift_prob, scale_factor, scale_prob, rotate_factor, rotate_prob: of
            `RandomBBoxTransform`; degrees.

    Raises:
        ValueError: a probability outside [0, 1], or a scale that is not above 0.

    Example:
        >>> augmentation = CropAugmentation(rotate_prob=0.6, rotate_factor=80)
        >>> draws = augmentation.draw(np.full((1, NUM_UNIFORMS), 0.5))
        >>> draws.rotations_deg, draws.flipped
        (array([0.], dtype=float32), array([False]))
    """

    flip_prob: float = 0.0
    min_total_keypoints: int = 9
    min_upper_keypoints: int = 2
    min_lower_keypoints: int = 3
    half_body_padding: float = 1.5
    half_body_prob: float = 0.0
    upper_prioritized_prob: float = 0.7
    shift_factor: float = 0.16
    shift_prob: float = 0.0
    scale_factor: tuple[float, float] = (0.5, 1.5)
    scale_prob: float = 0.0
    rotate_factor: float = 80.0
    rotate_prob: float = 0.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if name.endswith('_prob') and not 0 <= value <= 1:
                raise ValueError(f'{name} is {value}; expected 0 to 1')
        if not min(self.scale_factor) > 0:
            raise ValueError(
                f'scale_factor is {self.scale_factor}; expected two numbers above 0'
            )

    def draw(self, uniforms: NDArray[np.floating]) -> 'CropDraws':
        """Uniforms (B, `NUM_UNIFORMS`) in [0, 1) -> what happens to each sample."""
        u = np.asarray(uniforms)
        normals = _truncate_normal(u[:, :4])
        low, high = self.scale_factor
        scaled = normals[:, 2] * np.float32((high - low) * 0.5) + np.float32(
            (high + low) * 0.5
        )
        return CropDraws(
            flipped=u[:, 4] < self.flip_prob,
            halved=u[:, 5] < self.half_body_prob,
            prefers_upper=u[:, 6] < self.upper_prioritized_prob,
            shifts=_where(
                u[:, 7:8] < self.shift_prob,
                normals[:, :2] * np.float32(self.shift_factor),
            ),
            scales=_where(u[:, 8] < self.scale_prob, scaled, otherwise=1),
            rotations_deg=_where(
                u[:, 9] < self.rotate_prob,
                normals[:, 3] * np.float32(self.rotate_factor),
            ),
        )


@dataclass(frozen=True)
class CropDraws:
    """What happens to each of B samples.

    Args:
        flipped: (B,) bool.
        halved: (B,) bool, half the body where enough of it is labelled.
        prefers_upper: (B,) bool, the upper half where both can be taken.
        shifts: (B, 2) float32, in units of the box's padded size.
        scales: (B,) float32, factors of the box's size.
        rotations_deg: (B,) float32.
    """

    flipped: NDArray[np.bool_]
    halved: NDArray[np.bool_]
    prefers_upper: NDArray[np.bool_]
    shifts: NDArray[np.float32]
    scales: NDArray[np.float32]
    rotations_deg: NDArray[np.float32]


def _truncate_normal(uniforms: NDArray[np.floating]) -> NDArray[np.float32]:
    """Uniforms -> standard normal numbers within one sigma, by the inverse CDF."""
    from scipy.special import ndtri  # only training needs it, and `ops` must not

    low = 0.15865525393145707  # CDF(-1)
    return ndtri(low + (1 - 2 * low) * uniforms).astype(np.float32)


def _where(
    happens: NDArray[np.bool_], values: NDArray[np.float32], otherwise: float = 0
) -> NDArray[np.float32]:
    return np.where(happens, values, np.float32(otherwise))
