"""What a model must offer to be predicted with, whatever runs it (numpy alone)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.uncertainty.calibration import Calibration

__all__ = ['ModelDescription', 'PeopleArrays', 'PoseBackend', 'concatenate_people']

Array = NDArray[np.float32]


@dataclass(frozen=True)
class ModelDescription:
    """What is known of a model besides its weights. K joints; sizes are (W, H).

    Attributes:
        name: for messages and results, such as the checkpoint's file name.
        joint_names: K names.
        skeleton_links: pairs of joint indices that are drawn as a line.
        flip_indices: K indices; the joint that a horizontal flip makes of each.
        oks_sigmas: K constants of OKS, fractions of sqrt(area); None where none are known.
        input_size: (w, h) px of the crops that the network sees.
        heatmap_size: (W, H) cells.
        joint_colours: K colours RGB, () for the default ones.
        link_colours: a colour RGB for each link, () for the default ones.
        dataset: name of the data set whose joints these are, '' where it is not known.
        calibration: of the uncertainty; the arrays that a backend gives have it applied.
    """

    name: str
    joint_names: tuple[str, ...]
    skeleton_links: tuple[tuple[int, int], ...]
    flip_indices: tuple[int, ...]
    oks_sigmas: tuple[float, ...] | None
    input_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    joint_colours: tuple[tuple[int, int, int], ...] = ()
    link_colours: tuple[tuple[int, int, int], ...] = ()
    dataset: str = ''
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        joints = len(self.joint_names)
        if joints == 0:
            raise ValueError(f'{self.name} has no joints; expected their names')
        for field, wanted in (
            ('flip_indices', joints),
            ('oks_sigmas', joints),
            ('joint_colours', joints),
            ('link_colours', len(self.skeleton_links)),
        ):
            values = getattr(self, field)
            if values is None or (field.endswith('colours') and not values):
                continue
            if len(values) != wanted:
                raise ValueError(
                    f'{self.name}: {field} has {len(values)} entries; expected {wanted}'
                )
        wrong_sigmas = [s for s in self.oks_sigmas or () if not 0 <= s < math.inf]
        if wrong_sigmas:
            raise ValueError(
                f'{self.name}: oks_sigmas has {wrong_sigmas[0]}; expected numbers >= 0'
            )
        indices = [
            *self.flip_indices,
            *(k for link in self.skeleton_links for k in link),
        ]
        wrong = [k for k in indices if not 0 <= k < joints]
        if wrong:
            raise ValueError(
                f'{self.name}: joint {wrong[0]} in flip_indices or skeleton_links; '
                f'expected 0 to {joints - 1}'
            )

    @property
    def joint_count(self) -> int:
        """K."""
        return len(self.joint_names)


@dataclass(frozen=True)
class PeopleArrays:
    """The N people of one image, as a backend reads them.

    Attributes:
        keypoints_px: (N, K, 2) [x, y] px of the image.
        keypoint_scores: (N, K), the largest value of each map.
        covariances_px2: (N, K, 2, 2) of the joints' positions, px^2 of the image.
        presence: (N, K) probability that the joint is there.
    """

    keypoints_px: Array
    keypoint_scores: Array
    covariances_px2: Array
    presence: Array

    def __len__(self) -> int:
        return len(self.keypoints_px)

    def __getitem__(self, rows: Any) -> 'PeopleArrays':
        return PeopleArrays(*(array[rows] for array in self.list_arrays()))

    def list_arrays(self) -> tuple[Array, Array, Array, Array]:
        """The four arrays, in the order of the fields."""
        return (
            self.keypoints_px,
            self.keypoint_scores,
            self.covariances_px2,
            self.presence,
        )

    @staticmethod
    def make_empty(joint_count: int) -> 'PeopleArrays':
        """Of an image without people."""
        shapes = ((joint_count, 2), (joint_count,), (joint_count, 2, 2), (joint_count,))
        return PeopleArrays(*(np.zeros((0, *shape), np.float32) for shape in shapes))


def concatenate_people(parts: Sequence[PeopleArrays]) -> PeopleArrays:
    """At least one part -> all their people, one after the other."""
    columns = zip(*(part.list_arrays() for part in parts), strict=True)
    return PeopleArrays(*(np.concatenate(column) for column in columns))


class PoseBackend(Protocol):
    """A model that is ready to predict."""

    description: ModelDescription

    def estimate(
        self,
        images: Sequence[NDArray[np.uint8]],
        boxes_px: Sequence[NDArray[np.floating]],
    ) -> list[PeopleArrays]:
        """Images with boxes -> their people, one entry for each image.

        People of several images go through the network in full batches.

        Args:
            images: (h, w, 3) uint8 BGR.
            boxes_px: of each image (n, 4) as x1, y1, x2, y2 in px, finite, of positive
                width and height, n may be 0; the caller has seen to it
                (`gm_pose.inference.boxes`).
        """
        ...
