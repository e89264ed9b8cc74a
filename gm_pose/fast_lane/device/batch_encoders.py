"""A codec of MMPose -> one that draws the targets of a whole batch on its device."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from mmengine.registry import DefaultScope
from mmpose.codecs import MSRAHeatmap, UDPHeatmap
from mmpose.registry import KEYPOINT_CODECS

from gm_pose.ops.batch_targets import BatchTargets, copy_to_device

__all__ = ['BatchEncoder', 'make_batch_encoder']

BatchEncoder: TypeAlias = Callable[
    [torch.Tensor, torch.Tensor, torch.device], tuple[torch.Tensor, torch.Tensor]
]
"""Joints (B, K, 2) in input px, visible (B, K), both on any device, and a device ->
maps (B, K, H, W), weights (B, K) there."""


def make_batch_encoder(encoder: Any) -> BatchEncoder:
    """Config of `GenerateTarget.encoder`, or a codec -> the same for batches of tensors.

    `JointAdaptiveMSRAHeatmap` and every codec whose class defines `encode_batch` beside
    `encode` bring their own, with or without its argument `device`. `MSRAHeatmap` and
    ``UDPHeatmap(heatmap_type='gaussian')`` get one here, with equal weights and maps equal
    to 2e-7 (UDPHeatmap's to 3.5e-7: numpy 1 rounds its place in the patch).

    Raises:
        ValueError: another codec, by name; or arguments that the codec refuses.
    """
    codec = _build(encoder) if isinstance(encoder, Mapping) else encoder
    kind = type(codec)
    own = next((c for c in kind.__mro__ if 'encode_batch' in vars(c)), None)
    if own is not None and own is next(c for c in kind.__mro__ if 'encode' in vars(c)):
        takes_device = 'device' in inspect.signature(codec.encode_batch).parameters
        return codec.encode_batch if takes_device else _copy_first(codec.encode_batch)
    if kind is MSRAHeatmap:
        return _draw_like(codec, 'unbiased_msra' if codec.unbiased else 'legacy_msra')
    if kind is UDPHeatmap and codec.heatmap_type == 'gaussian':
        return _draw_like(codec, 'udp')
    if kind is UDPHeatmap:
        raise ValueError(f'codec UDPHeatmap with heatmap_type={codec.heatmap_type!r}')
    if isinstance(codec, (list, tuple)):
        raise ValueError(f'{len(codec)} codecs at once; expected one')
    raise ValueError(f'codec {kind.__name__}')


def _copy_first(
    encode: Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]],
) -> BatchEncoder:
    def encode_there(
        keypoints: torch.Tensor, visible: torch.Tensor, device: torch.device
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return encode(
            copy_to_device(keypoints, device), copy_to_device(visible, device)
        )

    return encode_there


def _build(config: Mapping[str, Any]) -> Any:
    with DefaultScope.overwrite_default_scope('mmpose'):
        return KEYPOINT_CODECS.build(dict(config))


def _draw_like(codec: MSRAHeatmap | UDPHeatmap, placement: str) -> BatchEncoder:
    return BatchTargets(
        [codec.sigma], tuple(codec.heatmap_size), codec.scale_factor, placement
    )
