"""Which of a sample's random numbers serve what.

A sample has one key (its words) and one stream of uniform numbers, of which each purpose
has a range. `STREAM_VERSION` changes with this table.

| numbers | purpose |
|---|---|
| 0 to 9 | flip, half body, shift, scale, rotation |
| 16, 17 | seed of transforms that draw random numbers themselves |
| 33 and on | other samples in place of unreadable ones |
"""

from collections.abc import Sequence

import numpy as np

from gm_pose.ops.counter_random import draw_uniforms
from gm_pose.ops.crop_augmentation import NUM_UNIFORMS, CropAugmentation, CropDraws

__all__ = ['draw_augmentation', 'draw_pixel_seeds', 'draw_replacement', 'read_words']

_PIXELS = 16
_REPLACEMENTS = 32


def read_words(indices: Sequence[int]) -> np.ndarray:
    """Indices -> keys (B, 3): the words that a `SeededIndex` brings.

    For an index without them numpy's global generator, which MMEngine seeds in every
    worker, draws three.
    """
    words = np.zeros((len(indices), 3), dtype=np.uint64)
    for row, index in zip(words, indices, strict=True):
        seed = getattr(index, 'seed', None)
        if seed is None:
            seed = np.random.randint(0, 1 << 32, 3, dtype=np.uint64)  # noqa: NPY002
        row[: len(seed)] = seed
    return words


def draw_augmentation(augmentation: CropAugmentation, words: np.ndarray) -> CropDraws:
    """Keys (B, 3) -> what happens to each sample."""
    return augmentation.draw(draw_uniforms(words, NUM_UNIFORMS))


def draw_pixel_seeds(words: np.ndarray) -> np.ndarray:
    """Keys (B, 3) -> seeds (B, 2) of 32 bits each."""
    return (draw_uniforms(words, 2, start=_PIXELS) * 2.0**32).astype(np.uint64)


def draw_replacement(words: np.ndarray, tries: int, count: int) -> int:
    """Key (3,) -> index below `count` of the sample to try in the place of another."""
    return int(draw_uniforms(words, 1, start=_REPLACEMENTS + tries)[0, 0] * count)
