"""Loading an image, or saying which one cannot be loaded and why."""

from typing import Any

import mmcv
import numpy as np
from mmengine import fileio
from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from gm_pose.runs.data_checks.unreadable_image import (
    MAX_PIXELS,
    UnreadableImage,
    check_image_content,
    check_image_header,
    check_pixels,
    is_local,
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
        path = str(path)
        content = self._read(path)
        check_image_content(path, content, self.max_pixels)
        try:
            image = mmcv.imfrombytes(
                content, flag=self.color_type, backend=self.imdecode_backend
            )
        except Exception as error:
            if self.ignore_empty:
                return None
            raise UnreadableImage(f'{path}: {_shorten(error)}') from error
        if not isinstance(image, np.ndarray):
            raise UnreadableImage(f'{path}: cannot be decoded ({len(content)} bytes)')
        check_pixels(path, (image.shape[1], image.shape[0]), self.max_pixels)
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _read(self, path: str) -> bytes:
        """The file's content, through the backend that `LoadImage` would use."""
        try:
            if self.file_client_args is not None:
                client = fileio.FileClient.infer_client(self.file_client_args, path)
                return client.get(path)
            return fileio.get(path, backend_args=self.backend_args)
        except Exception as error:
            if is_local(path):
                check_image_header(path, self.max_pixels)
            raise UnreadableImage(f'{path}: {_shorten(error)}') from error


def _shorten(error: Exception) -> str:
    """First line of a decoder's message."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
