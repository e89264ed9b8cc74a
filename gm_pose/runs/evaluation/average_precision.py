"""COCO's keypoint AP and AR of a whole data set at once.

Equal to xtcocotools, which walks over images, sizes, thresholds, detections and annotations
in Python (benchmarks/evaluation_speed.md compares their speed).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.evaluation.matched_people import (
    MatchedPeople,
    MatchingRules,
    match_people,
)
from gm_pose.runs.evaluation.people import DetectedPeople, TruePeople

__all__ = [
    'SUMMARY',
    'KeypointPrecision',
    'MatchingRules',
    'accumulate',
    'compute_precision',
    'print_summary',
]

SUMMARY = (
    *('AP', 'AP .5', 'AP .75', 'AP (M)', 'AP (L)'),
    *('AR', 'AR .5', 'AR .75', 'AR (M)', 'AR (L)'),
)
"""Names of the ten numbers, as MMPose's."""


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
    matched = match_people(
        truth, detections, sigmas, image_ids, category_ids, rules, is_ignored
    )
    return accumulate(matched, rules)


def accumulate(matched: MatchedPeople, rules: MatchingRules) -> KeypointPrecision:
    """Matched people -> precision and recall."""
    num_categories = matched.num_categories
    shape = (
        len(rules.thresholds),
        len(rules.recalls),
        num_categories,
        matched.truth_ignored.shape[1],
    )
    precision, reached = -np.ones(shape), -np.ones(shape)
    recall = -np.ones((shape[0], *shape[2:]))
    for category in range(num_categories):
        rows = matched.order_by_score(category)
        scores = matched.scores[rows]
        counts = (~matched.truth_ignored[matched.truth_categories == category]).sum(0)
        for area in np.flatnonzero(counts):
            is_matched = matched.is_matched[rows, area].T
            counting = ~matched.is_void[rows, area].T
            right = np.cumsum(is_matched & counting, axis=1, dtype=float)
            rates = right / counts[area]
            made = np.cumsum(counting, axis=1, dtype=float)
            precisions = right / (made + np.spacing(1))
            best = np.maximum.accumulate(precisions[:, ::-1], axis=1)[:, ::-1]
            recall[:, category, area] = rates[:, -1] if len(rows) else 0
            for t, rate in enumerate(rates):
                places = np.searchsorted(rate, rules.recalls, side='left')
                places = places[places < len(rows)]
                for out, values in ((precision, best[t]), (reached, scores)):
                    out[t, :, category, area] = 0
                    out[t, : len(places), category, area] = values[places]
    return KeypointPrecision(precision, recall, reached)
