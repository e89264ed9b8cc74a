"""Batch normalisation folded into the convolutions before it, for prediction."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ['fold_norms']

# Of the largest value: float32 rounds each of about 50 layers by 2^-24 and sums thousands
# of products; a norm that does not belong to the convolution before it changes everything.
_TOLERANCE = 1e-3


def fold_norms(model: Any, input_size: tuple[int, int]) -> Any:
    """A model in evaluation mode -> one with fewer layers and the same maps, or itself.

    MMCV's rule, a norm belongs to the convolution registered before it, holds for the
    backbones of MMPose; whether it holds here is tried on noise.

    Args:
        model: MMPose's estimator; stays as it is.
        input_size: (w, h) px.
    """
    from mmcv.cnn import fuse_conv_bn

    w, h = input_size
    device = next(model.parameters()).device
    noise = torch.randn(2, 3, h, w, generator=torch.Generator().manual_seed(0))
    noise = noise.to(device)
    with torch.inference_mode():
        expected = _predict(model, noise)
    folded = copy.deepcopy(model)
    try:
        fuse_conv_bn(folded)
        for module in list(folded.modules()):
            if isinstance(module, nn.Sequential):
                _fold_transposed(module)
        with torch.inference_mode():
            found = _predict(folded, noise)
    except RuntimeError:  # a norm of other channels than those of the convolution
        return model
    bound = _TOLERANCE * expected.abs().max()
    return folded if (found - expected).abs().max() <= bound else model


def _predict(model: Any, inputs: Tensor) -> Tensor:
    return model.head.forward(model.extract_feat(inputs))


def _fold_transposed(layers: nn.Sequential) -> None:
    """The transposed convolutions of heatmap heads, which MMCV leaves alone."""
    for k in range(len(layers) - 1):
        convolution, norm = layers[k], layers[k + 1]
        if isinstance(convolution, nn.ConvTranspose2d) and isinstance(
            norm, nn.BatchNorm2d
        ):
            layers[k] = fuse_conv_bn_eval(convolution, norm, transpose=True)
            layers[k + 1] = nn.Identity()
