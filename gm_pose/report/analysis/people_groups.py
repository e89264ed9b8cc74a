"""People by size, number of visible joints and crowding; how far scores can be trusted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gm_pose.report.analysis.estimates import Estimate, estimate, resample_means
from gm_pose.report.analysis.person_errors import PersonErrors
from gm_pose.report.reading.annotated_data import AnnotatedData

__all__ = [
    'Group',
    'ScoreBins',
    'assign_crowding',
    'assign_sizes',
    'assign_visible',
    'bin_scores',
    'measure_groups',
]

SIZES = ('small (< 32² px)', 'medium (to 96² px)', 'large')
CROWDING = ('nobody overlaps', '1 or 2 overlap', '3 or more overlap')
OVERLAP = 0.1
"""IoU of two boxes from which people overlap (Ronchi and Perona, section 5)."""


@dataclass(frozen=True)
class Group:
    """People with something in common.

    Attributes:
        name: what they have in common.
        count: people.
        oks: their mean OKS, 0 for who was not found.
        recall: part of them with an OKS of at least 0.5.
    """

    name: str
    count: int
    oks: Estimate
    recall: Estimate


@dataclass(frozen=True)
class ScoreBins:
    """What was right at which score.

    Attributes:
        scores: (B,) mean score of each bin; bins hold equally many.
        values: OKS of people, or part of joints that were right, of each bin.
        rank_correlation: Spearman's, of scores and OKS; NaN for fewer than three.
        gap: mean over all of the distance between score and value of their bin.
    """

    scores: NDArray[np.float64]
    values: list[Estimate]
    rank_correlation: float
    gap: float


def assign_sizes(areas: NDArray[np.float64]) -> tuple[NDArray[np.int64], list[str]]:
    """Areas (N,) in px^2 -> group (N,) by COCO's limits, names."""
    return np.digitize(areas, [32**2, 96**2]), list(SIZES)


def assign_visible(
    is_labelled: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], list[str]]:
    """Labels (N, K) -> group (N,) by their number, in quarters of K, names."""
    total = is_labelled.shape[1]
    ends = np.unique(np.ceil(np.array([0.25, 0.5, 0.75, 1]) * total).astype(int))
    groups = np.searchsorted(ends, is_labelled.sum(1))
    firsts = [1, *(ends[:-1] + 1)]
    names = [
        f'{a} to {b} joints' if a < b else f'{b} joint{"s" if b > 1 else ""}'
        for a, b in zip(firsts, ends, strict=True)
    ]
    return groups, names


def assign_crowding(
    data: AnnotatedData, truth_rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[str]]:
    """Rows (N,) of people -> group (N,) by how many of their image overlap them, names."""
    truth = data.truth
    counts = np.zeros(len(truth.areas), int)
    order = np.argsort(truth.image_ids, kind='stable')
    starts = np.flatnonzero(np.diff(truth.image_ids[order], prepend=-1))
    for members in np.split(order, starts[1:]):
        boxes = truth.bboxes[members]
        low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        ends = boxes[:, :2] + boxes[:, 2:]
        high = np.minimum(ends[:, None], ends[None])
        common = np.clip(high - low, 0, None).prod(-1)
        areas = boxes[:, 2:].prod(1)
        union = areas[:, None] + areas - common
        counts[members] = (common > OVERLAP * union).sum(1) - (areas > 0)
    return np.digitize(counts[truth_rows], [1, 3]), list(CROWDING)


def measure_groups(
    errors: PersonErrors,
    assigned: tuple[NDArray[np.int64], list[str]],
    image_counts: NDArray[np.int64],
) -> list[Group]:
    """Errors of N people, their group (N,) -> measures of each group that has people."""
    numbers, names = assigned
    is_found = (errors.oks >= 0.5).astype(float)
    groups = []
    for number, name in enumerate(names):
        members = np.flatnonzero(numbers == number)
        if not members.size:
            continue
        oks, recall = (
            estimate(
                float(values[members].mean()),
                resample_means(values[members], errors.images[members], image_counts),
            )
            for values in (errors.oks, is_found)
        )
        groups.append(Group(name, len(members), oks, recall))
    return groups


def bin_scores(
    scores: NDArray[np.float64],
    values: NDArray[np.float64],
    images: NDArray[np.int64],
    image_counts: NDArray[np.int64],
    num_bins: int = 10,
) -> ScoreBins | None:
    """Scores (M,), what was right (M,), images (M,) -> bins of equal numbers; None of few.

    Args:
        scores: of people or joints.
        values: OKS, or 1 for right and 0 for wrong.
        images: number of each one's image.
        image_counts: (S, I) bootstrap samples.
        num_bins: at most; a bin holds at least 10.
    """
    num_bins = min(num_bins, len(scores) // 10)
    if num_bins < 2:
        return None
    parts = np.array_split(np.argsort(scores, kind='stable'), num_bins)
    centers = np.array([scores[part].mean() for part in parts])
    estimates = [
        estimate(
            float(values[part].mean()),
            resample_means(values[part], images[part], image_counts),
        )
        for part in parts
    ]
    gaps = [
        abs(c - e.value) * len(p)
        for c, e, p in zip(centers, estimates, parts, strict=True)
    ]
    varied = np.ptp(scores) > 0 and np.ptp(values) > 0
    rank = float(stats.spearmanr(scores, values).statistic) if varied else float('nan')
    return ScoreBins(centers, estimates, rank, float(sum(gaps) / len(scores)))
