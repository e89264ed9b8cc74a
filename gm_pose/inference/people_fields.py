"""The arrays of the people of one image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.backends.pose_backend import ModelDescription

__all__ = ['PeopleFields']


@dataclass(frozen=True, eq=False)
class PeopleFields:
    """N people with K joints each, in px of their image.

    Attributes:
        keypoints_px: (N, K, 2) [x, y].
        keypoint_scores: (N, K), the largest value of each joint's map.
        covariances_px2: (N, K, 2, 2) of the joints' positions.
        presence: (N, K) probability that the joint is there.
        scores: (N,) of the people, see `PoseEstimator`.
        bboxes_px: (N, 4) x1, y1, x2, y2: the boxes that were looked into.
        bbox_scores: (N,), 1 where the boxes came without.
        description: joint names, skeleton, colours.
        image_size: (w, h) px.
        source: path, or path of the video, '' for an array.
        frame: number of the frame in its video, None for a picture.
        track_ids: (N,) the same number for the same person of a video; None untracked, -1
            for a person whom the tracker has not confirmed.
        image_id: of the file that the boxes are from, None for no file.
        image: (h, w, 3) uint8 BGR, None where it is not kept.
    """

    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    covariances_px2: NDArray[np.float32]
    presence: NDArray[np.float32]
    scores: NDArray[np.float32]
    bboxes_px: NDArray[np.float32]
    bbox_scores: NDArray[np.float32]
    description: ModelDescription
    image_size: tuple[int, int]
    source: str = ''
    frame: int | None = None
    track_ids: NDArray[np.int64] | None = None
    image_id: int | str | None = None
    image: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.keypoints_px)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """K names."""
        return self.description.joint_names

    @property
    def skeleton_links(self) -> tuple[tuple[int, int], ...]:
        """Pairs of joint indices."""
        return self.description.skeleton_links
