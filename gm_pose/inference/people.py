"""The people found in one image, and what can be made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference import people_formats
from gm_pose.inference.overlay import draw_people
from gm_pose.inference.people_fields import PeopleFields
from gm_pose.runs.count_words import count_words

if TYPE_CHECKING:
    import pandas
    import supervision
    from PIL.Image import Image

__all__ = ['People']


@dataclass(frozen=True, eq=False)
class People(PeopleFields):
    """N people with K joints each, in px of their image. Shows itself in a notebook.

    The arrays are those of `PeopleFields`: keypoints_px (N, K, 2), keypoint_scores (N, K),
    covariances_px2 (N, K, 2, 2), presence (N, K), scores (N,), bboxes_px (N, 4).
    """

    def __getitem__(self, rows: Any) -> People:
        """The people at an index, a slice, indices or a mask (N,)."""
        picked = np.atleast_1d(np.arange(len(self))[rows])
        names = [*people_formats.ARRAYS, 'track_ids']
        arrays = {name: getattr(self, name) for name in names}
        return replace(
            self, **{n: a[picked] for n, a in arrays.items() if a is not None}
        )

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
        joints = count_words(self.description.joint_count, 'joint')
        return f'People({len(self)} with {joints}: {where})'
