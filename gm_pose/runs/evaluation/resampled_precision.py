"""Keypoint AP of images drawn anew, with replacement, from one matching of all of them."""

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.evaluation.matched_people import MatchedPeople, MatchingRules

__all__ = ['draw_image_counts', 'resample_precision']

BLOCK = 32
"""Samples looked at together; their arrays stay in the processor's cache."""


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
    last copy's precision is the one that any recall reached inside the block has. Precision
    only falls between right ones, so only theirs are looked at.

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
        drawn = np.flatnonzero(totals)
        for start in range(0, len(drawn), BLOCK):
            block = drawn[start : start + BLOCK]
            numbers[category, block] = _average_precision(
                image_counts[block][:, images],
                counting,
                is_right,
                totals[block],
                rules.recalls,
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
    times: NDArray[np.int64],
    counting: NDArray[np.bool_],
    is_right: NDArray[np.bool_],
    totals: NDArray[np.int64],
    recalls: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Detections, best first -> mean precision (S,) at recalls and thresholds.

    Args:
        times: (S, D) that each occurs.
        counting: (T, D) whether it counts.
        is_right: (T, D).
        totals: (S,) people to be found.
        recalls: (R,).
    """
    sums = np.zeros(len(times))
    made = np.cumsum(times, axis=1)
    for counts, hits in zip(counting, is_right, strict=True):
        at, void_at = np.flatnonzero(hits), np.flatnonzero(~counts)
        right = np.cumsum(times[:, at], axis=1)
        voids = np.zeros((len(times), len(void_at) + 1), int)
        np.cumsum(times[:, void_at], axis=1, out=voids[:, 1:])
        counted = made[:, at] - voids[:, np.searchsorted(void_at, at)]
        precisions = right / (counted + np.spacing(1))
        best = np.zeros((len(times), len(at) + 1))  # the last: a recall not reached
        best[:, :-1] = np.maximum.accumulate(precisions[:, ::-1], axis=1)[:, ::-1]
        rates = right / totals[:, None]
        for sample, rate in enumerate(rates):
            sums[sample] += best[sample, np.searchsorted(rate, recalls)].sum()
    return sums / (len(recalls) * len(is_right))
