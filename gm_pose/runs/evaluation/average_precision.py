"""COCO's keypoint AP and AR of a whole data set at once.

Equal to xtcocotools, which walks over images, sizes, thresholds, detections and annotations
in Python (benchmarks/evaluation_speed.md compares their speed).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.evaluation.keypoint_similarity import compute_oks, list_pairs
from gm_pose.runs.evaluation.matching import match
from gm_pose.runs.evaluation.people import DetectedPeople, TruePeople

__all__ = [
    'SUMMARY',
    'KeypointPrecision',
    'MatchingRules',
    'compute_precision',
    'print_summary',
]

SUMMARY = (
    *('AP', 'AP .5', 'AP .75', 'AP (M)', 'AP (L)'),
    *('AR', 'AR .5', 'AR .75', 'AR (M)', 'AR (L)'),
)
"""Names of the ten numbers, as MMPose's."""


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
class KeypointPrecision:
    """What was measured; -1 where no person is to be found.

    Attributes:
        precision: (T, R, C, A), C categories.
        recall: (T, C, A), the largest.
        scores: (T, R, C, A), the score at which a recall is reached.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    scores: NDArray[np.float64]

    def summarize(self, thresholds: np.ndarray) -> NDArray[np.float64]:
        """AP, AP50, AP75, AP medium, AP large, then the same five of AR: (10,)."""
        at = [slice(None), thresholds == 0.5, thresholds == 0.75]
        numbers = []
        for values in (self.precision, self.recall):
            chosen = [values[rows, ..., 0] for rows in at]
            chosen += [values[..., 1], values[..., 2]]
            chosen = [part[part > -1] for part in chosen]
            numbers += [np.mean(part) if part.size else -1.0 for part in chosen]
        return np.array(numbers)


def print_summary(numbers: NDArray[np.float64], max_detections: int = 20) -> None:
    """Print the ten numbers in pycocotools' lines."""
    for title, values in (
        ('Precision  (AP)', numbers[:5]),
        ('Recall     (AR)', numbers[5:]),
    ):
        for name, value in zip(SUMMARY, values, strict=False):
            oks = {'AP .5': '0.50', 'AP .75': '0.75'}.get(name, '0.50:0.95')
            area = {'AP (M)': 'medium', 'AP (L)': 'large'}.get(name, 'all')
            print(
                f' Average {title} @[ IoU={oks:<9} | area={area:>6s} | '
                f'maxDets={max_detections:>3d} ] = {value: 0.3f}'
            )


def compute_precision(
    truth: TruePeople,
    detections: DetectedPeople,
    sigmas: np.ndarray,
    image_ids: np.ndarray,
    category_ids: np.ndarray,
    rules: MatchingRules | None = None,
    is_ignored: NDArray[np.bool_] | None = None,
) -> KeypointPrecision:
    """People, detections -> precision and recall, equal to xtcocotools' doubles.

    One difference: a detection with a NaN coordinate matches nobody. In xtcocotools it
    matches whoever comes last.

    Args:
        truth: G annotated people.
        detections: D detected people.
        sigmas: (K,) OKS sigmas; their dtype is kept, see `compute_oks`.
        image_ids: images that are evaluated; people of others are left out.
        category_ids: categories that are evaluated, likewise.
        rules: thresholds and areas; None means COCO's.
        is_ignored: (G,), who need not be found; None means crowds and people without a
            labelled joint.

    Raises:
        ValueError: K differs between people, detections and sigmas.
    """
    rules = rules or MatchingRules()
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
    return _accumulate(
        (is_matched, is_void, detections.scores),
        detection_groups // max(len(images), 1),
        (truth_ignored, truth_groups // max(len(images), 1)),
        len(categories),
        rules,
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


def _accumulate(
    found: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]],
    categories: NDArray[np.int64],
    wanted: tuple[NDArray[np.bool_], NDArray[np.int64]],
    num_categories: int,
    rules: MatchingRules,
) -> KeypointPrecision:
    """Matches (D, A, T), void (D, A, T), scores (D,) -> precision and recall.

    Args:
        found: detections in the order of images, best first in each.
        categories: (D,) number of each detection's category.
        wanted: (G, A) is a person ignored, (G,) number of its category.
        num_categories: C.
        rules: thresholds and recalls.
    """
    is_matched, is_void, scores = found
    ignored, truth_categories = wanted
    shape = (
        len(rules.thresholds),
        len(rules.recalls),
        num_categories,
        ignored.shape[1],
    )
    precision, reached = -np.ones(shape), -np.ones(shape)
    recall = -np.ones((shape[0], *shape[2:]))
    for category in range(num_categories):
        rows = np.flatnonzero(categories == category)
        # stable, as in xtcocotools: among equal scores the first image counts first
        rows = rows[np.argsort(-scores[rows], kind='stable')]
        counts = (~ignored[truth_categories == category]).sum(0)
        for area in np.flatnonzero(counts):
            matched, counting = is_matched[rows, area].T, ~is_void[rows, area].T
            right = np.cumsum(matched & counting, axis=1, dtype=float)
            rates = right / counts[area]
            made = np.cumsum(counting, axis=1, dtype=float)
            precisions = right / (made + np.spacing(1))
            best = np.maximum.accumulate(precisions[:, ::-1], axis=1)[:, ::-1]
            recall[:, category, area] = rates[:, -1] if len(rows) else 0
            for t, rate in enumerate(rates):
                places = np.searchsorted(rate, rules.recalls, side='left')
                places = places[places < len(rows)]
                for out, values in ((precision, best[t]), (reached, scores[rows])):
                    out[t, :, category, area] = 0
                    out[t, : len(places), category, area] = values[places]
    return KeypointPrecision(precision, recall, reached)
