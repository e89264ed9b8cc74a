"""Keypoint AP of images drawn anew, with replacement, from one matching of all of them."""

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.evaluation.matched_people import MatchedPeople, MatchingRules

__all__ = ['draw_image_counts', 'resample_precision']


def draw_image_counts(
    num_images: int, num_samples: int, seed: int = 0
) -> NDArray[np.int64]:
    """How often each image stands in each bootstrap sample: (S, I), rows add up to I.

    Images are drawn, each with everybody in it: people of one image depend on each other.
    """
    rng = np.random.default_rng(seed)
    parts = np.full(num_images, 1 / max(num_images, 1))
    return rng.multinomial(num_images, parts, size=num_samples)


def resample_precision(
    matched: MatchedPeople,
    image_counts: NDArray[np.int64],
    rules: MatchingRules,
    area: int = 0,
) -> NDArray[np.float64]:
    """Matches, counts (S, I) -> AP (S,) of each sample, mean over thresholds.

    Equal to evaluating the sample with copies of its images, because matching goes on
    within an image: a detection counts as often as its image. Its copies stand next to each
    other in the order of scores; copies of a right one raise precision step by step, so the
    last copy's precision is the one that any recall reached inside the block has.

    Args:
        matched: of all images.
        image_counts: times that each image occurs, columns in the order of sorted ids.
        rules: as for the matching.
        area: of `rules.area_ranges`.

    Returns:
        NaN for a sample that has nobody to be found.
    """
    numbers = np.full((matched.num_categories, len(image_counts)), np.nan)
    for category in range(matched.num_categories):
        is_wanted = (matched.truth_categories == category) & ~matched.truth_ignored[
            :, area
        ]
        wanted = np.bincount(
            matched.truth_images[is_wanted], minlength=image_counts.shape[1]
        )
        totals = image_counts @ wanted
        rows = matched.order_by_score(category)
        counting = ~matched.is_void[rows, area].T
        is_right = matched.is_matched[rows, area].T & counting
        images = matched.images[rows]
        for sample in np.flatnonzero(totals):
            times = image_counts[sample, images]
            numbers[category, sample] = _average_precision(
                is_right * times, counting * times, totals[sample], rules.recalls
            )
    has_people = np.isfinite(numbers)
    sums = np.where(has_people, numbers, 0).sum(0)
    return np.divide(
        sums,
        has_people.sum(0),
        out=np.full(len(sums), np.nan),
        where=has_people.any(0),
    )


def _average_precision(
    right: np.ndarray, made: np.ndarray, total: int, recalls: np.ndarray
) -> float:
    """Right and counted detections (T, D), best first -> mean precision at `recalls`."""
    if not made.shape[1]:
        return 0.0
    right = np.cumsum(right, axis=1, dtype=float)
    precisions = right / (np.cumsum(made, axis=1, dtype=float) + np.spacing(1))
    best = np.maximum.accumulate(precisions[:, ::-1], axis=1)[:, ::-1]
    best = np.pad(best, ((0, 0), (0, 1)))  # 0 where a recall is not reached
    right /= total
    at = [
        row[np.searchsorted(rate, recalls)]
        for row, rate in zip(best, right, strict=True)
    ]
    return float(np.mean(at))
