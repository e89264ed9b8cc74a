"""Loading an image, or saying which one cannot be loaded and why."""

import os.path as osp
from typing import Any

import numpy as np
from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from gm_pose.runs.data_checks.unreadable_image import (
    MAX_PIXELS,
    UnreadableImage,
    check_image_header,
    check_pixels,
)


@TRANSFORMS.register_module()
class LoadReadableImage(LoadImage):
    """`LoadImage` that looks at the header first and names what it cannot read.

    `LoadImage` decodes whatever size a header claims, and its errors have as many types
    as there are decoders. Here every one is an `UnreadableImage`, which `SeededDataset`
    counts and skips, and which ends an evaluation with the image's name.

    Args:
        max_pixels: largest image accepted (W x H).
        kwargs: `LoadImage`'s arguments; an unknown one is refused there.
    """

    def __init__(self, max_pixels: int = MAX_PIXELS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if max_pixels < 1:
            raise ValueError(f'max_pixels must be at least 1, got {max_pixels}')
        self.max_pixels = max_pixels

    def transform(self, results: dict) -> dict | None:
        """Add img (h, w, 3) to `results`.

        Raises:
            UnreadableImage: 'path: reason'.
        """
        path = results.get('img_path')
        if 'img' in results or path is None:
            return super().transform(results)
        if '://' not in str(path):
            check_image_header(path, self.max_pixels)
        try:
            loaded = super().transform(results)
        except Exception as error:
            raise UnreadableImage(f'{path}: {_shorten(error)}') from error
        if loaded is not None and not isinstance(loaded.get('img'), np.ndarray):
            size = osp.getsize(path) if osp.isfile(path) else 0
            raise UnreadableImage(f'{path}: cannot be decoded ({size} bytes)')
        if loaded is not None:
            check_pixels(str(path), loaded['img'].shape[1::-1], self.max_pixels)
        return loaded


def _shorten(error: Exception) -> str:
    """First line of a decoder's message."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
