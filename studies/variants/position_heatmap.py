"""The package's codec that hands the joints' positions to the loss, too."""

import numpy as np
from mmpose.registry import KEYPOINT_CODECS

from gm_pose.codecs import JointAdaptiveMSRAHeatmap


@KEYPOINT_CODECS.register_module()
class PositionHeatmap(JointAdaptiveMSRAHeatmap):
    """`JointAdaptiveMSRAHeatmap` plus ``keypoint_labels`` (1, K, 2), positions in cells.

    A head that learns sigmas draws its targets itself and needs to know where.
    """

    label_mapping_table = dict(
        keypoint_weights='keypoint_weights', keypoint_labels='keypoint_labels'
    )

    def encode(
        self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        encoded = super().encode(keypoints, keypoints_visible)
        cells = (keypoints / self.scale_factor).astype(np.float32)
        # an unlabelled joint may have any coordinates; its weight is 0
        encoded['keypoint_labels'] = np.nan_to_num(cells).clip(-1e4, 1e4)
        return encoded
