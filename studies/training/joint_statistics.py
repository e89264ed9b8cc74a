"""Predicted and true joints -> per-joint numbers of one run (pure numpy)."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

SCORE_THRESHOLD = 0.2  # CocoMetric's keypoint_score_thr


def compute_oks(distances: Array, areas: Array, oks_sigmas: Array) -> Array:
    """Distances (N, K) in image px -> per-joint similarity (N, K) in [0, 1].

    ``exp(-d^2 / (2 area (2 sigma_k)^2))``, COCO's Object Keypoint Similarity before its
    mean over the joints (cocoeval.py).
    """
    variance = (2 * np.asarray(oks_sigmas)) ** 2
    return np.exp(-(distances**2) / (2 * np.asarray(areas)[:, None] * variance))


def compute_person_oks(
    predicted: Array,
    truth: Array,
    labelled: NDArray[np.bool_],
    areas: Array,
    oks_sigmas: Array,
) -> Array:
    """Joints of N people, as `summarize_joints` has them -> OKS (N,) of each person."""
    distances = np.linalg.norm(predicted - truth, axis=2)
    oks = np.where(labelled, compute_oks(distances, areas, oks_sigmas), 0)
    return oks.sum(1) / labelled.sum(1)


def score_people(joint_scores: Array) -> Array:
    """Scores of joints (N, K) -> of people (N,), as CocoMetric rescores ground-truth boxes.

    The mean of the joints above `SCORE_THRESHOLD`, 0 where there is none.
    """
    counted = joint_scores > SCORE_THRESHOLD
    total = np.where(counted, joint_scores, 0).sum(1)
    return total / np.maximum(counted.sum(1), 1)


def summarize_joints(
    predicted: Array,
    truth: Array,
    labelled: NDArray[np.bool_],
    areas: Array,
    scales: Array,
    scores: Array,
    oks_sigmas: Array,
) -> dict[str, list]:
    """Joints of N people -> lists over the K joints, rounded for a results file.

    Args:
        predicted: (N, K, 2) in image px, [x, y].
        truth: (N, K, 2) in image px, [x, y].
        labelled: (N, K) joints that count.
        areas: (N,) in image px^2.
        scales: (N, 2) input px per image px.
        scores: (N, K) peak values of the heatmaps.
        oks_sigmas: (K,).

    Returns:
        Per joint: ``mean_oks``, ``median_error``, ``mean_offset`` and ``median_offset``
        [x, y] (signed, predicted minus true, positive right and down), all but the first
        in input px, ``mean_score`` and ``count``. Joints without a label give None.
    """
    difference = predicted - truth
    oks = compute_oks(np.linalg.norm(difference, axis=2), areas, oks_sigmas)
    offsets = difference * np.asarray(scales)[:, None]
    errors = np.linalg.norm(offsets, axis=2)
    columns: dict[str, list] = {
        key: []
        for key in (
            'mean_oks',
            'median_error',
            'mean_offset',
            'median_offset',
            'mean_score',
            'count',
        )
    }
    for k in range(truth.shape[1]):
        mask = labelled[:, k]
        columns['count'].append(int(mask.sum()))
        if not mask.any():
            for key in columns.keys() - {'count'}:
                columns[key].append(None)
            continue
        columns['mean_oks'].append(round(float(oks[mask, k].mean()), 5))
        columns['median_error'].append(round(float(np.median(errors[mask, k])), 4))
        columns['mean_offset'].append(offsets[mask, k].mean(0).round(4).tolist())
        columns['median_offset'].append(
            np.median(offsets[mask, k], axis=0).round(4).tolist()
        )
        columns['mean_score'].append(round(float(scores[mask, k].mean()), 4))
    return columns
