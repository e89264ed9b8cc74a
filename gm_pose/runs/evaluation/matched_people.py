"""Detections of a whole data set, and which of them is matched at which threshold."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.evaluation.keypoint_similarity import compute_oks, list_pairs
from gm_pose.runs.evaluation.matching import match
from gm_pose.runs.evaluation.people import DetectedPeople, TruePeople

__all__ = ['MatchedPeople', 'MatchingRules', 'match_people']


@dataclass(frozen=True)
class MatchingRules:
    """COCO's numbers for keypoints (cocodataset.org/#keypoints-eval), as xtcocotools'.

    Attributes:
        thresholds: (T,) OKS at which a detection matches.
        recalls: (R,) recalls at which precision is read.
        area_ranges: (A, 2) px^2, both ends included: all, medium, large.
        max_detections: of each image, the best ones.
    """

    thresholds: NDArray[np.float64] = field(
        default_factory=lambda: np.linspace(0.5, 0.95, 10)
    )
    recalls: NDArray[np.float64] = field(default_factory=lambda: np.linspace(0, 1, 101))
    area_ranges: NDArray[np.float64] = field(
        default_factory=lambda: np.array(
            [[0, 1e5**2], [32**2, 96**2], [96**2, 1e5**2]], float
        )
    )
    max_detections: int = 20


@dataclass(frozen=True)
class MatchedPeople:
    """All that precision and recall of the images, or of some of them, follow from.

    Matching goes on within an image, so it holds for any selection of images, and for a
    sample in which an image occurs several times.

    Attributes:
        images: (D,) number of each detection's image among the sorted ids; D detections by
            category, image and score.
        categories: (D,) number of each detection's category.
        scores: (D,).
        is_matched: (D, A, T), A areas, T thresholds.
        is_void: (D, A, T), does not count: matched with an ignored person, or of another
            size.
        truth_images: (G,) number of each person's image.
        truth_categories: (G,).
        truth_ignored: (G, A).
        num_categories: C.
    """

    images: NDArray[np.int64]
    categories: NDArray[np.int64]
    scores: NDArray[np.float64]
    is_matched: NDArray[np.bool_]
    is_void: NDArray[np.bool_]
    truth_images: NDArray[np.int64]
    truth_categories: NDArray[np.int64]
    truth_ignored: NDArray[np.bool_]
    num_categories: int

    def order_by_score(self, category: int) -> NDArray[np.int64]:
        """Rows of a category's detections, best first."""
        rows = np.flatnonzero(self.categories == category)
        # stable, as in xtcocotools: among equal scores the first image counts first
        return rows[np.argsort(-self.scores[rows], kind='stable')]


def match_people(
    truth: TruePeople,
    detections: DetectedPeople,
    sigmas: np.ndarray,
    image_ids: np.ndarray,
    category_ids: np.ndarray,
    rules: MatchingRules,
    is_ignored: NDArray[np.bool_] | None = None,
) -> MatchedPeople:
    """People, detections -> matches; arguments as of `compute_precision`.

    Raises:
        ValueError: K differs between people, detections and sigmas.
    """
    _check(truth, detections, sigmas)
    images, categories = np.unique(image_ids), np.unique(category_ids)
    if is_ignored is None:
        is_ignored = truth.is_crowd | ~(truth.keypoints[..., 2] > 0).any(1)

    groups, inside = _number_groups(truth, images, categories)
    order = np.flatnonzero(inside)
    order = order[np.argsort(groups[order], kind='stable')]
    truth, truth_groups, is_ignored = (
        truth.take(order),
        groups[order],
        is_ignored[order],
    )

    groups, inside = _number_groups(detections, images, categories)
    inside &= (detections.keypoints[..., 2] > 0).any(1)
    order = np.flatnonzero(inside)
    order = order[np.lexsort((-detections.scores[order], groups[order]))]
    ranks = _count_within(groups[order])
    order = order[ranks < rules.max_detections]
    detections, detection_groups = detections.take(order), groups[order]

    low, high = rules.area_ranges.T
    is_outside = (truth.areas[:, None] < low) | (truth.areas[:, None] > high)
    truth_ignored = is_ignored[:, None] | is_outside  # (G, A)
    pairs = list_pairs(truth_groups, detection_groups)
    oks = compute_oks(truth, detections, pairs, sigmas)
    limits = np.minimum(rules.thresholds, 1 - 1e-10)
    near = np.flatnonzero(oks >= limits.min(initial=1))  # others match nobody
    is_matched, is_void = match(
        (pairs[0][near], pairs[1][near], oks[near]),
        _count_within(detection_groups),
        truth_ignored,
        truth.is_crowd,
        limits,
    )
    areas = detections.areas[:, None]
    is_void |= ~is_matched & ((areas < low) | (areas > high))[:, :, None]
    num_images = max(len(images), 1)
    return MatchedPeople(
        detection_groups % num_images,
        detection_groups // num_images,
        detections.scores,
        is_matched,
        is_void,
        truth_groups % num_images,
        truth_groups // num_images,
        truth_ignored,
        len(categories),
    )


def _check(truth: TruePeople, detections: DetectedPeople, sigmas: np.ndarray) -> None:
    shapes = {truth.keypoints.shape[1], detections.keypoints.shape[1], len(sigmas)}
    if len(shapes) > 1:
        raise ValueError(
            f'annotations have {truth.keypoints.shape[1]} keypoints, detections '
            f'{detections.keypoints.shape[1]}, and there are {len(sigmas)} sigmas; '
            'expected the same number'
        )


def _number_groups(
    people: TruePeople | DetectedPeople, images: np.ndarray, categories: np.ndarray
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Number (N,) of each person's image and category, and whether both are evaluated."""
    inside = np.isin(people.image_ids, images)
    inside &= np.isin(people.category_ids, categories)
    groups = np.searchsorted(categories, people.category_ids) * len(images)
    return groups + np.searchsorted(images, people.image_ids), inside


def _count_within(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of each row in its group, from 0; groups are sorted."""
    return np.arange(len(groups)) - np.searchsorted(groups, groups)
