"""The people found in one image, and what can be made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference import people_formats
from gm_pose.inference.backends.pose_backend import ModelDescription

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    import pandas
    import supervision
    from PIL.Image import Image

__all__ = ['People']


@dataclass(frozen=True, eq=False)
class People:
    """N people with K joints each, in px of their image. Shows itself in a notebook.

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

    def __getitem__(self, rows: Any) -> People:
        """The people at an index, a slice, indices or a mask (N,)."""
        picked = np.atleast_1d(np.arange(len(self))[rows])
        names = [*people_formats.ARRAYS, 'track_ids']
        arrays = {name: getattr(self, name) for name in names}
        return replace(
            self, **{n: a[picked] for n, a in arrays.items() if a is not None}
        )

    @property
    def joint_names(self) -> tuple[str, ...]:
        """K names."""
        return self.description.joint_names

    @property
    def skeleton_links(self) -> tuple[tuple[int, int], ...]:
        """Pairs of joint indices."""
        return self.description.skeleton_links

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each joint: source, frame, person, joint, x_px, y_px, score, ...

        Raises:
            UserError: pandas is not installed.
        """
        return people_formats.make_dataframe([self])

    def to_coco(self, image_id: int | str | None = None) -> list[dict[str, Any]]:
        """COCO keypoint results, with each joint's covariance and presence beside.

        Args:
            image_id: in place of the people's own; 0 where there is none.
        """
        return people_formats.make_coco_results(self, image_id)

    def to_supervision(self) -> supervision.KeyPoints:
        """For supervision's annotators and trackers.

        Raises:
            UserError: supervision is not installed.
        """
        return people_formats.make_supervision_keypoints(self)

    def draw(
        self, threshold: float = 0.3, image: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """A picture of the people, BGR, enlarged where it is small.

        Args:
            threshold: joints with a lower score are hollow.
            image: (h, w, 3) uint8 BGR; None: the people's own, grey without one.
        """
        from gm_pose.inference.outputs.overlay import draw_people

        return draw_people(self, threshold, image)

    def plot(self, threshold: float = 0.3) -> Image:
        """The same as a PIL image, which notebooks show."""
        from PIL import Image

        return Image.fromarray(self.draw(threshold)[:, :, ::-1])

    def _repr_png_(self) -> bytes:
        import cv2

        return cv2.imencode('.png', self.draw())[1].tobytes()

    def __repr__(self) -> str:
        where = self.source or 'an array'
        if self.frame is not None:
            where += f', frame {self.frame}'
        return (
            f'People({len(self)} with {self.description.joint_count} joints: {where})'
        )
