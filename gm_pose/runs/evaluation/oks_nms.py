"""MMPose's `oks_nms` on all images at once."""

import numpy as np
from numpy.typing import NDArray

__all__ = ['keep_by_oks']

_PAIRS_AT_ONCE = 8192


def keep_by_oks(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    groups: NDArray[np.int64],
    threshold: float,
    sigmas: np.ndarray,
) -> NDArray[np.int64]:
    """Rows (kept,) that `mmpose.evaluation.functional.oks_nms` keeps in each image.

    By image, best first in each. Dtypes are kept and every operation rounds as MMPose's
    does, so the same rows are kept, in the same order. Most pairs are of people far apart:
    a few joints tell that their OKS cannot exceed the threshold, and the others are not
    looked at.

    Args:
        keypoints: (N, K, 2) px, in the dtype of MMPose's triplets of x, y and score.
        scores: (N,).
        areas: (N,) px^2.
        groups: (N,) number of the image, sorted.
        threshold: a person whose OKS with a better one is above it is dropped.
        sigmas: (K,).
    """
    order = _order_by_score(scores, groups)
    keypoints, areas = keypoints[order], areas[order]
    variances = (sigmas * 2) ** 2
    ends = np.searchsorted(groups, groups, side='right')
    rows = np.arange(len(groups))
    counts = ends - rows - 1  # the worse people of the same image
    is_kept = np.ones(len(groups), bool)
    totals = np.concatenate([[0], np.cumsum(counts)])
    start = 0
    while start < len(rows):
        stop = np.searchsorted(totals, totals[start] + _PAIRS_AT_ONCE, side='right') - 1
        stop = max(int(stop), start + 1)
        better = np.repeat(rows[start:stop], counts[start:stop])
        worse = np.arange(totals[start], totals[stop]) - np.repeat(
            totals[start:stop] - rows[start:stop] - 1, counts[start:stop]
        )
        near = _find_near(keypoints, areas, (better, worse), variances, threshold)
        # in the order of the better one, whose own fate is decided by then
        for i, j in zip(better[near].tolist(), worse[near].tolist(), strict=True):
            if is_kept[i]:
                is_kept[j] = False
        start = stop
    return order[is_kept]


def _order_by_score(scores: np.ndarray, groups: np.ndarray) -> NDArray[np.int64]:
    """Rows by image, each image's as `scores.argsort()[::-1]` has them.

    That sort is not stable: among equal scores the order depends on their number, so
    images of one size are sorted together and others apart.
    """
    order = np.arange(len(groups))
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    counts = np.diff(starts, append=len(groups))
    for count in np.unique(counts[counts > 1]):
        rows = starts[counts == count, None] + np.arange(count)
        best_first = np.argsort(scores[rows], axis=1)[:, ::-1]
        order[rows] = np.take_along_axis(rows, best_first, axis=1)
    return order


def _find_near(
    keypoints: np.ndarray,
    areas: np.ndarray,
    pairs: tuple[np.ndarray, np.ndarray],
    variances: np.ndarray,
    threshold: float,
) -> NDArray[np.int64]:
    """Which pairs have an OKS above the threshold."""
    num_keypoints = keypoints.shape[1]
    # Each joint adds at most 1 / K: below, all others are taken as perfect. 4 joints more
    # than may be wholly wrong; 1e-3 is far above the rounding of float32.
    looked_at = int(num_keypoints * (1 - threshold)) + 4
    candidates = np.arange(len(pairs[0]))
    if 0 < looked_at < num_keypoints // 2:
        part = _sum_similarities(
            keypoints[:, :looked_at], areas, pairs, variances[:looked_at]
        )
        rest = num_keypoints - looked_at
        candidates = np.flatnonzero(part + rest > (threshold - 1e-3) * num_keypoints)
        pairs = pairs[0][candidates], pairs[1][candidates]
    oks = _sum_similarities(keypoints, areas, pairs, variances) / num_keypoints
    return candidates[~(oks.astype(np.float32) <= threshold)]


def _sum_similarities(
    keypoints: np.ndarray,
    areas: np.ndarray,
    pairs: tuple[np.ndarray, np.ndarray],
    variances: np.ndarray,
) -> np.ndarray:
    """Sum (P,) over joints of exp(-d^2 / (2 (2 sigma)^2 mean area)), as `oks_iou`."""
    better, worse = pairs
    gaps = keypoints[worse] - keypoints[better]
    exponents = (gaps[..., 0] ** 2 + gaps[..., 1] ** 2) / variances
    scales = ((areas[better] + areas[worse]) / 2).astype(np.float64) + np.spacing(1)
    # MMPose divides by a float64 scalar: numpy 1 keeps the array's dtype, numpy 2 does not
    dtype = (np.ones(1, exponents.dtype) / np.float64(1)).dtype
    exponents = exponents / scales.astype(dtype)[:, None] / 2
    return np.exp(-exponents).sum(1)
