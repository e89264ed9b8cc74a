"""How well each joint is found: similarity, distance, offset, each with its interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.report.analysis.error_kinds import FOUND
from gm_pose.report.analysis.estimates import (
    Estimate,
    estimate,
    resample_means,
    resample_quantiles,
)
from gm_pose.report.analysis.person_errors import PersonErrors

__all__ = [
    'COSTLY_SAMPLES',
    'JointMeasures',
    'measure_cells',
    'measure_joints',
    'measure_pck',
]

QUANTILES = (0.5, 0.95)
COSTLY_SAMPLES = 200
"""Where each sample costs a pass over all people for every joint: quantiles, gains."""

BOX_PADDING = 1.25  # MMPose's GetBBoxCenterScale


@dataclass(frozen=True)
class JointMeasures:
    """One joint over all people.

    Attributes:
        name: of the joint.
        count: people in whom it is labelled.
        oks: mean similarity; 0 where the person was not found.
        found: part of the labelled joints with a similarity of at least 0.5.
        median_px, p95_px: distance, where the person was found.
        median_sigma, p95_sigma: likewise, in OKS sigmas.
        median_cells: likewise, in heatmap cells; None where the targets are not known.
        offsets: median of predicted minus annotated x and y, in cells, else in OKS sigmas.
        perfect_gain: AP if this joint were perfect, minus AP.
        target_sigma_cells: of the heatmaps that the run trained on, or None.
    """

    name: str
    count: int
    oks: Estimate
    found: Estimate
    median_px: Estimate
    p95_px: Estimate
    median_sigma: Estimate
    p95_sigma: Estimate
    median_cells: Estimate | None
    offsets: tuple[Estimate, Estimate]
    perfect_gain: Estimate
    target_sigma_cells: float | None


def measure_cells(
    bboxes: np.ndarray, input_size: tuple[int, int], heatmap_size: tuple[int, int]
) -> NDArray[np.float64]:
    """Boxes (N, 4) x, y, w, h -> side (N,) in image px of one heatmap cell of their crops.

    `GetBBoxCenterScale` pads the box, `TopdownAffine` widens it to the input's aspect.
    """
    width, height = input_size
    crops = BOX_PADDING * np.maximum(bboxes[:, 2], bboxes[:, 3] * width / height)
    return crops / heatmap_size[0]


def measure_joints(
    errors: PersonErrors,
    names: tuple[str, ...],
    image_counts: NDArray[np.int64],
    perfect_gains: list[Estimate],
    cells_px: NDArray[np.float64] | None = None,
    target_sigmas: list[float] | None = None,
) -> list[JointMeasures]:
    """Errors of N people -> measures of K joints.

    Args:
        errors: of the people who are to be found.
        names: K names.
        image_counts: (S, I) bootstrap samples.
        perfect_gains: K, of AP.
        cells_px: (N,) side of a heatmap cell, where the targets are known.
        target_sigmas: K, in cells.
    """
    images = errors.images
    similarities = errors.similarities
    found = np.where(errors.is_labelled, similarities >= FOUND, np.nan)
    mean_samples = [
        resample_means(v, images, image_counts) for v in (similarities, found)
    ]
    distances = [errors.distances_px, errors.distances_sigma]
    if cells_px is None:
        shifts = (
            errors.offsets_px
            / np.where(errors.sigmas_px > 0, errors.sigmas_px, np.nan)[..., None]
        )
    else:
        shifts = errors.offsets_px / cells_px[:, None, None]
        distances.append(errors.distances_px / cells_px[:, None])

    measured = []
    for k, name in enumerate(names):
        quantiles: list[Estimate] = []
        for values in distances:
            quantiles += _estimate_quantiles(
                values[:, k], images, image_counts, QUANTILES
            )
        offsets = [
            _estimate_quantiles(shifts[:, k, axis], images, image_counts, (0.5,))[0]
            for axis in range(2)
        ]
        means = [
            estimate(_mean(values[:, k]), samples[:, k])
            for values, samples in zip((similarities, found), mean_samples, strict=True)
        ]
        measured.append(
            JointMeasures(
                name,
                count=int(errors.is_labelled[:, k].sum()),
                oks=means[0],
                found=means[1],
                median_px=quantiles[0],
                p95_px=quantiles[1],
                median_sigma=quantiles[2],
                p95_sigma=quantiles[3],
                median_cells=quantiles[4] if cells_px is not None else None,
                offsets=(offsets[0], offsets[1]),
                perfect_gain=perfect_gains[k],
                target_sigma_cells=target_sigmas[k] if target_sigmas else None,
            )
        )
    return measured


def _mean(values: np.ndarray) -> float:
    """Mean without NaNs; NaN of nothing, without a warning."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float('nan')


def _estimate_quantiles(
    values: np.ndarray,
    images: np.ndarray,
    image_counts: np.ndarray,
    quantiles: tuple[float, ...],
) -> list[Estimate]:
    known = values[np.isfinite(values)]
    counts = image_counts[:COSTLY_SAMPLES]
    samples = resample_quantiles(values, images, counts, quantiles)
    return [
        estimate(
            float(np.quantile(known, q, method='inverted_cdf'))
            if known.size
            else float('nan'),
            samples[:, column],
        )
        for column, q in enumerate(quantiles)
    ]


def measure_pck(
    errors: PersonErrors, bboxes: np.ndarray, parts: np.ndarray
) -> NDArray[np.float64]:
    """Part (K, P) of joints within `parts` (P,) of the longer side of their person's box.

    As MMPose's PCKAccuracy with ``norm_item='bbox'``; a person who was not found counts.

    Args:
        errors: of N people.
        bboxes: (N, 4) x, y, w, h.
        parts: P.
    """
    sides = bboxes[:, 2:].max(1)
    ratios = errors.distances_px / np.where(sides > 0, sides, np.nan)[:, None]
    ratios = np.where(np.isfinite(ratios), ratios, np.inf)
    curves = np.full((ratios.shape[1], len(parts)), np.nan)
    for k, column in enumerate(ratios.T):
        known = np.sort(column[errors.is_labelled[:, k]])
        if known.size:
            curves[k] = np.searchsorted(known, parts, side='right') / known.size
    return curves
