"""The package's codec with a second, wider Gaussian below each joint's own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmpose.registry import KEYPOINT_CODECS

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.batch_targets import BatchTargets
from gm_pose.ops.target_drawing import make_drawer


@KEYPOINT_CODECS.register_module()
class FootHeatmap(JointAdaptiveMSRAHeatmap):
    """Targets ``(1 - share) G(s) + share G(factor s)``.

    The narrow Gaussian places the joint, the wide one is found from further away; decoding
    fits the narrow one. It won nowhere (docs/study-runs.md).

    Args:
        foot: ``dict(share=0.4, factor=2.0)``.

    Raises:
        ValueError: keys other than share and factor, a value out of range, or biased
            targets.
    """

    def __init__(self, *args: Any, foot: Mapping[str, float], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if set(foot) != {'share', 'factor'}:
            raise ValueError(f'foot is {foot!r}; expected dict(share=0.4, factor=2.0)')
        if not 0 < foot['share'] < 1 or not foot['factor'] > 1:
            raise ValueError(
                f'foot is {foot!r}; expected a share between 0 and 1 and a factor above 1'
            )
        if not self.unbiased:
            raise ValueError('foot is set with unbiased=False. Fix: unbiased=True')
        self.share = float(foot['share'])
        wide = (self.sigmas_cells * foot['factor']).tolist()
        self._draw_wide = make_drawer(wide, self.heatmap_size, 'exact')
        self._batch_wide = BatchTargets(
            wide, self.heatmap_size, self.scale_factor, 'exact'
        )

    def encode(
        self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """As the parent's, with the foot."""
        encoded = super().encode(keypoints, keypoints_visible)
        narrow = encoded['heatmaps']
        # a joint whose own Gaussian lies outside the map has no foot either
        drawn = narrow.max((1, 2)) > 0
        wide, _ = self._draw_wide(keypoints[0] / self.scale_factor, drawn)
        encoded['heatmaps'] = narrow * (1 - self.share) + wide * self.share
        return encoded

    def encode_batch(
        self, keypoints: torch.Tensor, keypoints_visible: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As the parent's, with the foot."""
        narrow, weights = super().encode_batch(keypoints, keypoints_visible)
        drawn = narrow.amax((2, 3), keepdim=True) > 0
        wide, _ = self._batch_wide(keypoints, keypoints_visible)
        return narrow * (1 - self.share) + wide * drawn * self.share, weights
