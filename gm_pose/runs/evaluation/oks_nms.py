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
    screen = _Screen(keypoints, areas, variances, threshold)
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
        near = screen.find_near(better, worse)
        better, worse = better[near], worse[near]
        oks = _sum_similarities(keypoints, areas, better, worse, variances)
        oks = (oks / len(variances)).astype(np.float32)
        is_near = ~(oks <= threshold)
        # in the order of the better one, whose own fate is decided by then
        for i, j in zip(better[is_near].tolist(), worse[is_near].tolist(), strict=True):
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


class _Screen:
    """Tells from a few joints that the OKS of two people cannot exceed a threshold.

    Each joint adds at most 1 / K. So of the first S, S above K (1 - threshold), the best
    must reach ``(S - K (1 - threshold)) / S``: a limit for the smallest distance.
    """

    def __init__(
        self,
        keypoints: np.ndarray,
        areas: np.ndarray,
        variances: np.ndarray,
        threshold: float,
    ) -> None:
        num_keypoints = len(variances)
        wrong = num_keypoints * (1 - threshold)
        looked_at = int(wrong) + 2
        self.is_used = 0 < looked_at <= num_keypoints
        if not self.is_used:
            return
        needed = (looked_at - wrong) / looked_at
        # 1 % is far above the rounding of float32, that of coordinates of 1e5 px included
        self.areas = areas * np.float32(-np.log(needed) * 1.01)
        columns = keypoints[:, :looked_at] / np.sqrt(variances[:looked_at])[:, None]
        self.columns = np.ascontiguousarray(columns.transpose(1, 2, 0))  # (S, 2, N)

    def find_near(self, better: np.ndarray, worse: np.ndarray) -> NDArray[np.int64]:
        """Pairs (P,) whose OKS may exceed the threshold."""
        if not self.is_used:
            return np.arange(len(better))
        limits = self.areas[better] + self.areas[worse]
        is_near = np.zeros(len(better), bool)
        for x, y in self.columns:
            gaps = x[better] - x[worse]
            gaps *= gaps
            others = y[better] - y[worse]
            others *= others
            gaps += others
            is_near |= gaps <= limits
        return np.flatnonzero(is_near)


def _sum_similarities(
    keypoints: np.ndarray,
    areas: np.ndarray,
    better: np.ndarray,
    worse: np.ndarray,
    variances: np.ndarray,
) -> np.ndarray:
    """Sum (P,) over joints of exp(-d^2 / (2 (2 sigma)^2 mean area)), as `oks_iou`."""
    gaps = keypoints[worse] - keypoints[better]
    exponents = (gaps[..., 0] ** 2 + gaps[..., 1] ** 2) / variances
    scales = ((areas[better] + areas[worse]) / 2).astype(np.float64) + np.spacing(1)
    # MMPose divides by a float64 scalar: numpy 1 keeps the array's dtype, numpy 2 does not
    dtype = (np.ones(1, exponents.dtype) / np.float64(1)).dtype
    exponents = exponents / scales.astype(dtype)[:, None] / 2
    return np.exp(-exponents).sum(1)
