"""What a head reads of a training sample, without `PoseDataSample`'s checks."""

from typing import Any

from torch import Tensor

__all__ = ['LightSample', 'make_light_samples']


class _Light:
    """Says of what it has not what reads it otherwise."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f'a training sample of the fast lane has no {name}; it has gt_fields.heatmaps '
            "and gt_instance_labels.keypoint_weights, which MMPose's heads read. Fix: "
            "--no-fast trains with MMPose's own samples"
        )


class _Fields(_Light):
    """`gt_fields` of a sample: ``heatmaps`` (K, H, W)."""

    __slots__ = ('heatmaps',)

    def __init__(self, heatmaps: Tensor) -> None:
        self.heatmaps = heatmaps


class _Labels(_Light):
    """`gt_instance_labels` of a sample: ``keypoint_weights`` (1, K)."""

    __slots__ = ('keypoint_weights',)

    def __init__(self, keypoint_weights: Tensor) -> None:
        self.keypoint_weights = keypoint_weights


class LightSample(_Light):
    """A training sample as far as heads of heatmaps read it.

    A `PoseDataSample` takes 80 us to make and stores the same.

    Attributes:
        gt_fields: ``heatmaps`` (K, H, W), a view of the batch's.
        gt_instance_labels: ``keypoint_weights`` (1, K), a view too.
        metainfo: shared by the samples of a batch.
    """

    __slots__ = ('gt_fields', 'gt_instance_labels', 'metainfo')

    def __init__(
        self, heatmaps: Tensor, keypoint_weights: Tensor, metainfo: dict[str, Any]
    ) -> None:
        self.gt_fields = _Fields(heatmaps)
        self.gt_instance_labels = _Labels(keypoint_weights)
        self.metainfo = metainfo


def make_light_samples(
    heatmaps: Tensor, keypoint_weights: Tensor, metainfo: dict[str, Any]
) -> list[LightSample]:
    """Maps (B, K, H, W), weights (B, K), what holds for all -> B samples."""
    pairs = zip(heatmaps.unbind(), keypoint_weights[:, None].unbind(), strict=True)
    return [LightSample(maps, weights, metainfo) for maps, weights in pairs]
