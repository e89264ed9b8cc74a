"""Object keypoint similarity (OKS) of many pairs of a detection and an annotation."""

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.evaluation.people import DetectedPeople, TruePeople

__all__ = ['compute_oks', 'list_pairs']

# A chunk's arrays, of 17 joints and 8 bytes, stay in a core's own cache.
_PAIRS_AT_ONCE = 4096


def list_pairs(
    truth_groups: NDArray[np.int64], detection_groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted group numbers (G,), (D,) -> row of the detection, of the annotation (P,).

    All pairs within a group, ordered by detection, then by annotation.
    """
    first = np.searchsorted(truth_groups, detection_groups)
    counts = np.searchsorted(truth_groups, detection_groups, side='right') - first
    starts = np.cumsum(counts) - counts
    detection_rows = np.repeat(np.arange(len(counts)), counts)
    truth_rows = np.arange(counts.sum()) + np.repeat(first - starts, counts)
    return detection_rows, truth_rows


def compute_oks(
    truth: TruePeople,
    detections: DetectedPeople,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    sigmas: np.ndarray,
) -> NDArray[np.float64]:
    """OKS (P,) of the pairs (row of the detection, row of the annotation).

    ``mean over labelled joints of exp(-d^2 / (2 (2 sigma)^2 area))``; of a person without
    labelled joints the distances to the middle 3 x 3 boxes, over all K. Joints are
    compressed before they are summed, so that the sums round as xtcocotools' do: the
    doubles are equal, not only close.

    Args:
        truth: G people.
        detections: D people.
        pairs: two arrays (P,) of rows.
        sigmas: (K,), in the dtype that the caller has: (2 sigma)^2 is rounded in it.
    """
    detection_rows, truth_rows = pairs
    variances = (np.asarray(sigmas) * 2) ** 2
    is_labelled = truth.keypoints[..., 2] > 0
    counts = is_labelled.sum(1)
    # Labelled joints of each person first, in their order. A point is one complex number,
    # so that it is fetched at once.
    joints = np.argsort(~is_labelled, axis=1, kind='stable')
    wanted = np.take_along_axis(_to_complex(truth.keypoints), joints, axis=1)
    parts = variances[joints]
    places = _to_complex(detections.keypoints)
    oks = np.empty(len(truth_rows))
    pair_counts = counts[truth_rows]
    for count in np.unique(pair_counts):
        members = np.flatnonzero(pair_counts == count)
        for start in range(0, len(members), _PAIRS_AT_ONCE):
            chunk = members[start : start + _PAIRS_AT_ONCE]
            d, g = detection_rows[chunk], truth_rows[chunk]
            if count:
                used = joints[g, :count] + d[:, None] * len(variances)
                gaps = places.take(used) - wanted[g, :count]
                part = parts[g, :count]
            else:
                gaps = _measure_gaps_to_boxes(
                    detections.keypoints[d, :, :2], truth.bboxes[g]
                )
                part = variances
            exponents = gaps.real**2 + gaps.imag**2
            exponents /= part
            exponents /= (truth.areas[g] + np.spacing(1))[:, None]
            exponents /= -2
            np.exp(exponents, out=exponents)
            oks[chunk] = exponents.sum(1) / exponents.shape[1]
    return oks


def _to_complex(keypoints: np.ndarray) -> NDArray[np.complex128]:
    """(N, K, 3) -> x + iy (N, K)."""
    return keypoints[..., 0] + 1j * keypoints[..., 1]


def _measure_gaps_to_boxes(points: np.ndarray, bboxes: np.ndarray) -> np.ndarray:
    """Points (P, K, 2), boxes (P, 4) -> x + iy (P, K) to the box three times as large."""
    low = (bboxes[:, :2] - bboxes[:, 2:])[:, None]
    high = (bboxes[:, :2] + bboxes[:, 2:] * 2)[:, None]
    gaps = np.maximum(0, low - points) + np.maximum(0, points - high)
    return gaps[..., 0] + 1j * gaps[..., 1]
