"""Which detection takes which annotated person, at all sizes and thresholds at once."""

import numpy as np
from numpy.typing import NDArray

__all__ = ['match']

# Above the number of people in any image: lifts a person who counts over one who does not.
_PREFERRED = np.int32(1 << 24)


def match(
    pairs: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    ranks: NDArray[np.int64],
    truth_ignored: NDArray[np.bool_],
    is_crowd: NDArray[np.bool_],
    limits: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pairs (P,) -> (D, A, T): is the detection matched, and with an ignored person.

    Each detection in its turn takes, of the people whose OKS reaches the limit and who are
    free, the one of largest OKS, of equal ones the last; one who is ignored only if none
    who counts is left. Crowds stay free. Detections of one rank (all best ones, all second
    ones, ...) belong to different images, so that none takes what another wants: they take
    their turn together.

    Args:
        pairs: row of the detection (non-decreasing), row of the person, OKS.
        ranks: (D,) place of each detection in its image and category, best first.
        truth_ignored: (G, A), A areas.
        is_crowd: (G,).
        limits: (T,) OKS.
    """
    areas, thresholds = truth_ignored.shape[1], len(limits)
    is_matched = np.zeros((len(ranks), areas, thresholds), bool)
    is_void = np.zeros_like(is_matched)
    is_free = np.ones((len(is_crowd), areas, thresholds), bool)
    detection_rows, truth_rows, oks = pairs
    # by rank, detection, OKS, person: the last one that fits is the one to take
    order = np.lexsort((truth_rows, oks, detection_rows, ranks[detection_rows]))
    detection_rows, truth_rows, oks = (
        a[order] for a in (detection_rows, truth_rows, oks)
    )
    pair_ranks = ranks[detection_rows]
    turns = np.flatnonzero(np.diff(pair_ranks, prepend=-1))
    for start, end in zip(turns, [*turns[1:], len(oks)], strict=False):
        d, g = detection_rows[start:end], truth_rows[start:end]
        firsts = np.flatnonzero(np.diff(d, prepend=-1))
        fits = oks[start:end, None, None] >= limits
        fits = fits & is_free[g]
        if len(firsts) == len(d):  # one candidate each, the usual case
            row, area, threshold = np.nonzero(fits)
            person = g[row]
            detection = d[row]
        else:
            places = np.arange(1, len(d) + 1, dtype=np.int32)[:, None]
            places = places + _PREFERRED * ~truth_ignored[g]
            best = np.maximum.reduceat(places[:, :, None] * fits, firsts, axis=0)
            row, area, threshold = np.nonzero(best)
            person = g[best[row, area, threshold] % _PREFERRED - 1]
            detection = d[firsts[row]]
        is_matched[detection, area, threshold] = True
        is_void[detection, area, threshold] = truth_ignored[person, area]
        is_free[person, area, threshold] = is_crowd[person]
    return is_matched, is_void
