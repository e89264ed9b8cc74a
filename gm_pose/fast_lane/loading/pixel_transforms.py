"""MMPose's transforms of a crop's pixels, each sample with random numbers of its own."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmpose.registry import TRANSFORMS
from torch.utils.data import get_worker_info

from gm_pose.runs.resume.rng_state import preserve_rng, seed_rng

__all__ = ['PixelTransforms']


class PixelTransforms:
    """Transforms of the registry, built once and seeded for each sample.

    Args:
        configs: in the order in which they are applied.
    """

    def __init__(self, configs: Sequence[dict[str, Any]]) -> None:
        self._transforms = [TRANSFORMS.build(dict(config)) for config in configs]

    def __len__(self) -> int:
        return len(self._transforms)

    def apply(self, crop: np.ndarray, words: tuple[int, int]) -> None:
        """Change a crop (h, w, 3) uint8 in place.

        Args:
            crop: in BGR.
            words: two of 32 bits, which python's, numpy's and torch's generators are
                seeded with; in the main process they go on afterwards as before.

        Raises:
            ValueError: a transform returns another shape or type.
        """
        in_worker = get_worker_info() is not None
        with contextlib.nullcontext() if in_worker else preserve_rng():
            seed_rng(words)
            changed, results = crop, dict(img=crop, img_shape=crop.shape[:2])
            for transform in self._transforms:
                # Newer versions of Albumentations draw from generators of their own.
                own: Any = getattr(transform, 'aug', None)
                if hasattr(own, 'set_random_seed'):
                    own.set_random_seed(words[0])
                results = transform(results)
                # A view with swapped channels is nothing that OpenCV takes.
                changed = results['img'] = np.ascontiguousarray(results['img'])
                if changed.shape != crop.shape or changed.dtype != crop.dtype:
                    raise ValueError(
                        f'{type(transform).__name__} made {changed.shape} '
                        f'{changed.dtype} of a crop; expected {crop.shape} uint8'
                    )
        if changed is not crop:
            crop[...] = changed
