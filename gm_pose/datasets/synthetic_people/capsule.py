"""What a person is built of."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Capsule:
    """A tapered capsule from `start` to `end` (3,), in statures.

    `near` is the colour from `start` up to the share `split` of the way, `far` the
    colour after it; `stripes` > 0 draws that many bands of `far` over the length.
    `tag` names the body part, for deciding which joints it may cover.
    """

    tag: str
    start: np.ndarray
    end: np.ndarray
    radii: tuple[float, float]
    near: np.ndarray
    far: np.ndarray
    split: float = 1.0
    stripes: float = 0.0
