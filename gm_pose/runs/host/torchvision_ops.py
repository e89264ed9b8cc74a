"""Operators of mmcv's compiled extension that have an equal in torchvision.

mmcv-lite ships the Python side of `mmcv.ops` without the extension below it. For `nms`,
`soft_nms`, `batched_nms` and RoIAlign that side runs unchanged on the functions here, which
have the extension's names and arguments; so MMDetection's detectors (RTMDet, Faster R-CNN)
run on mmcv-lite. Boxes are (N, 4), [x1, y1, x2, y2] in px.
"""

import types
from typing import Any

import torch
from torch import Tensor

__all__ = ['EXTENSION']


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes kept, best first; `offset` is added to widths and heights."""
    from torchvision import ops

    grown = boxes + boxes.new_tensor([0, 0, offset, offset])
    return ops.nms(grown, scores, iou_threshold)


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Soft-NMS (Bodla et al., ICCV 2017, section 3) -> indices kept, best first.

    Args:
        boxes: (N, 4).
        scores: (N,); each is lowered by the overlap with better boxes.
        dets: (N, 5), filled in place with boxes and lowered scores, in the order kept.
        iou_threshold: overlap from which 'naive' and 'linear' act.
        sigma: of 'gaussian', ``exp(-iou^2 / sigma)``.
        min_score: boxes below it are dropped.
        method: 0 naive, 1 linear, 2 gaussian.
        offset: added to widths and heights.
    """
    from torchvision import ops

    grown = boxes + boxes.new_tensor([0, 0, offset, offset])
    left, scores = torch.arange(len(boxes)), scores.clone()
    kept: list[int] = []
    while len(left):
        best = int(left[scores[left].argmax()])
        dets[len(kept)] = torch.cat([boxes[best], scores[best : best + 1]])
        kept.append(best)
        left = left[left != best]
        iou = ops.box_iou(grown[best : best + 1], grown[left])[0]
        if method == 2:
            factor = torch.exp(-(iou**2) / sigma)
        else:
            reduced = 1 - iou if method == 1 else torch.zeros_like(iou)
            factor = torch.where(iou >= iou_threshold, reduced, torch.ones_like(iou))
        scores[left] *= factor
        left = left[scores[left] >= min_score]
    return torch.tensor(kept, dtype=torch.long)


def roi_align_forward(
    features: Tensor, rois: Tensor, output: Tensor, *_argmax: Tensor, **options: Any
) -> None:
    """RoIAlign by averages: rois (R, 5) of maps (B, C, H, W) -> `output` (R, C, h, w)."""
    from torchvision import ops

    _require_average(options)
    size = (options['aligned_height'], options['aligned_width'])
    output.copy_(
        ops.roi_align(
            features,
            rois,
            size,
            options['spatial_scale'],
            options['sampling_ratio'],
            options['aligned'],
        )
    )


def roi_align_backward(
    gradient: Tensor,
    rois: Tensor,
    _y: Tensor,
    _x: Tensor,
    result: Tensor,
    **options: Any,
) -> None:
    """Gradient of `roi_align_forward`, (R, C, h, w) -> `result` (B, C, H, W)."""
    import torchvision  # noqa: F401  registers the operator

    _require_average(options)
    result.copy_(
        torch.ops.torchvision._roi_align_backward(
            gradient,
            rois,
            options['spatial_scale'],
            options['aligned_height'],
            options['aligned_width'],
            *result.shape,
            options['sampling_ratio'],
            options['aligned'],
        )
    )


def _require_average(options: dict[str, Any]) -> None:
    if options['pool_mode'] != 1:
        raise ImportError(
            "RoIAlign(pool_mode='max') needs the compiled operators of full mmcv, and "
            "mmcv-lite is installed. Fix: pool_mode='avg'"
        )


class _Extension(types.ModuleType):
    """Stands for `mmcv._ext`; functions that are not served raise when called."""

    nms = staticmethod(nms)
    softnms = staticmethod(softnms)
    roi_align_forward = staticmethod(roi_align_forward)
    roi_align_backward = staticmethod(roi_align_backward)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)

        def refuse(*_args: Any, **_kwargs: Any) -> None:
            raise ImportError(
                f'the operator {name} needs full mmcv, and mmcv-lite is installed'
            )

        return refuse


EXTENSION = _Extension('mmcv._ext')
