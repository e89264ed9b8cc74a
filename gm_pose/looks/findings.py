"""What is wrong, or good to know, about targets (pure numpy)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.looks.samples import Person, Setup
from gm_pose.runs.data_checks.joint_sides import find_counterparts

__all__ = ['KINDS', 'Finding', 'find_in_person', 'find_in_setup']

KINDS = {
    'unlabelled': 'no target: the joint is not annotated',
    'outside': 'annotated, and outside of the crop: no target',
    'cut': 'a tenth or more of the target lies beyond the border of the map',
    'overlap': "the target is half or more the same as another joint's",
    'narrow': 'the sigma is too small for the cells',
    'wide': 'the sigma is too large for the map',
    'flip': 'names say left and right, and the joints do not change places when mirrored',
}
CUT = 0.9  # least part of a Gaussian that is in the map
OVERLAP = 0.5
"""Least cosine of two maps. It is exp(-d^2 / (4 s^2)) for Gaussians of one sigma d apart:
0.5 at 1.67 sigma, from where on the sum of both has one peak in place of two (it has for
d < 2 s)."""
NARROW_CELLS = 0.7
"""With a joint half-way between four cells, the highest is exp(-1 / (4 s^2)): below 0.6 for
a smaller sigma, while it is 1 where the joint is on a cell."""
WIDE_PART = 1 / 12  # of the shorter side: 3 sigma to each side are half of the map


@dataclass(frozen=True)
class Finding:
    """Something about the target of one joint.

    Attributes:
        kind: of KINDS.
        joint: its index.
        text: a few words, '' where the kind says all.
        other: index of the joint that it overlaps.
    """

    kind: str
    joint: int
    text: str = ''
    other: int | None = None

    def __str__(self) -> str:
        return f'{self.kind}: {self.text}' if self.text else self.kind


def find_in_setup(setup: Setup) -> list[Finding]:
    """Sigmas and sides that are wrong for every person."""
    found = []
    bound = min(setup.heatmap_size) * WIDE_PART
    sigmas = [] if setup.sigmas_cells is None else setup.sigmas_cells.tolist()
    for k, sigma in enumerate(sigmas):
        if sigma < NARROW_CELLS:
            peak = float(np.exp(-1 / (4 * sigma**2)))
            text = f'sigma {sigma:.2f} cells: between cells its peak is {peak:.2f}'
            found.append(Finding('narrow', k, text))
        elif sigma > bound:
            text = (
                f'sigma {sigma:.2f} cells, above {bound:.1f}: 6 sigma fill half the map'
            )
            found.append(Finding('wide', k, text))
    for a, b in find_counterparts(setup.names).items():
        if setup.flip_indices[a] != b:
            other = setup.names[setup.flip_indices[a]]
            text = f'becomes {other} when mirrored; by name {setup.names[b]}'
            found.append(Finding('flip', a, text))
    return found


def find_in_person(person: Person, setup: Setup) -> list[Finding]:
    """Joints of one crop without a target, with a cut one or one like another's."""
    found = []
    sums = person.heatmaps.sum((1, 2), dtype=np.float64)
    has_target = (person.weights > 0) & (sums > 0)
    full = 2 * np.pi * _get_sigmas(person, setup, has_target) ** 2
    for k in range(len(setup.names)):
        if not person.labelled[k]:
            found.append(Finding('unlabelled', k))
        elif not has_target[k]:
            found.append(Finding('outside', k))
        elif sums[k] < CUT * full[k] and _is_near_border(person.joints_px[k], setup):
            text = f'{sums[k] / full[k]:.0%} in the map'
            found.append(Finding('cut', k, text))
    likeness = _measure_likeness(person.heatmaps, has_target)
    for k in range(len(setup.names)):
        other = int(likeness[k].argmax())
        if likeness[k, other] >= OVERLAP:
            text = f'{likeness[k, other]:.0%} like {setup.names[other]}'
            found.append(Finding('overlap', k, text, other))
    return sorted(found, key=lambda f: f.joint)


def _get_sigmas(
    person: Person, setup: Setup, has_target: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(K,) in cells; of a codec that states none, the one by which most targets add up."""
    if setup.sigmas_cells is not None:
        return setup.sigmas_cells
    sums = person.heatmaps[has_target].sum((1, 2), dtype=np.float64)
    middle = float(np.sqrt(np.median(sums) / (2 * np.pi))) if len(sums) else 1.0
    return np.full(len(setup.names), middle)


def _is_near_border(joint_px: NDArray[np.float64], setup: Setup) -> bool:
    """Only a border cuts; a target truncated at 3 sigma or rounded is no finding."""
    cell = joint_px / np.asarray(setup.cell_px)
    sigma = 2.0 if setup.sigmas_cells is None else float(setup.sigmas_cells.max())
    reach = 3 * sigma + 1
    size = np.asarray(setup.heatmap_size)
    return bool((cell < reach).any() or (cell > size - 1 - reach).any())


def _measure_likeness(
    heatmaps: NDArray[np.float32], has_target: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(K, K): cosine of each two maps, 0 on the diagonal and without a target."""
    flat = heatmaps.reshape(len(heatmaps), -1).astype(np.float64)
    norms = np.linalg.norm(flat, axis=1)
    flat = flat / np.where(norms > 0, norms, 1)[:, None]
    likeness = flat @ flat.T
    likeness[~has_target] = likeness[:, ~has_target] = 0
    np.fill_diagonal(likeness, 0)
    return likeness


def count_kinds(findings: Sequence[Finding]) -> dict[str, int]:
    """Findings -> how many of each kind there are, in the order of KINDS."""
    kinds = [finding.kind for finding in findings]
    return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}
