"""Coarse dropout of crops with what is installed anyway."""

from collections.abc import Sequence

import torch
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from torchvision.transforms import RandomErasing as ErasedBox


@TRANSFORMS.register_module()
class RandomErasing(BaseTransform):
    """Blacken a random rectangle of some crops, joints and targets as they were.

    torchvision's `RandomErasing` (Zhong et al., AAAI 2020, arXiv:1708.04896) in an MMPose
    pipeline, below `TopdownAffine`. MMPose's RTMPose configs have ``CoarseDropout`` of
    albumentations there, whose present versions MMPose cannot call.

    Args:
        prob: of a crop to lose a rectangle.
        scale: least and largest area of it, as a share of the crop. (0.04, 0.16) is that
            of RTMPose's sides of 0.2 to 0.4.
        ratio: least and largest height / width in px.

    Raises:
        ValueError: a value out of range.
    """

    def __init__(
        self,
        prob: float = 0.5,
        scale: Sequence[float] = (0.04, 0.16),
        ratio: Sequence[float] = (0.5, 2.0),
    ) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob is {prob}; expected 0 to 1')
        for name, pair, most in (('scale', scale, 1.0), ('ratio', ratio, float('inf'))):
            if len(pair) != 2 or not 0 < pair[0] <= pair[1] <= most:
                raise ValueError(
                    f'{name} is {tuple(pair)}; expected the least and the largest, above 0'
                )
        self.prob, self.scale, self.ratio = prob, list(scale), list(ratio)

    def transform(self, results: dict) -> dict:
        """Change img (h, w, 3) of `results` in place; torch's generator is drawn from."""
        if torch.rand(()) >= self.prob:
            return results
        crop = results['img']
        pixels = torch.from_numpy(crop).permute(2, 0, 1)
        # where no rectangle of this scale and ratio fits, all of the crop comes back
        y, x, h, w, _ = ErasedBox.get_params(pixels, self.scale, self.ratio, [0.0])
        if (h, w) != crop.shape[:2]:
            crop[y : y + h, x : x + w] = 0
        return results
