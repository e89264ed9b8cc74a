"""MMPose's LoadImage that decodes every file once per process."""

import numpy as np
from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CachedLoadImage(LoadImage):
    """``results['img_path']`` -> ``results['img']`` (h, w, 3) uint8, kept in memory.

    Decoding a JPEG takes a sixth of a training step of the study. The kept array is
    read-only, so that a transform that worked in place would raise, not spoil it.
    """

    _images: dict[str, np.ndarray] = {}

    def transform(self, results: dict) -> dict:
        path = results['img_path']
        image = self._images.get(path)
        if image is not None:
            results['img'] = image
            return super().transform(results)
        results = super().transform(results)
        results['img'].setflags(write=False)
        self._images[path] = results['img']
        return results
