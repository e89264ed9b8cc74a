"""One sheet a person: the targets that the loss sees, or predictions beside them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from gm_pose.looks.findings import Finding
from gm_pose.looks.predicted_samples import Prediction
from gm_pose.looks.samples import Person, Setup
from gm_pose.visualization.heatmap_grid import (
    JointMaps,
    draw_heatmap_grid,
    overlay_heatmap,
)
from gm_pose.visualization.sheet import Panel, lay_out_panels, resize_crop
from gm_pose.visualization.target_panels import draw_joint_pair, draw_sides

__all__ = ['draw_prediction_sheet', 'draw_training_sheet', 'to_ascii']

FEW_JOINTS = 40  # up to here three pairs a row
MOST_NAMES = 8  # of joints without a target


def draw_training_sheet(
    person: Person, setup: Setup, findings: Sequence[Finding]
) -> np.ndarray:
    """Crop, skeleton, mirrored skeleton, all targets, then each joint's -> BGR picture.

    Joints without a target have no panel; the line below the title names them.
    """
    names = [to_ascii(name) for name in setup.names]
    shown = person.labelled
    skeletons = [
        draw_sides(
            person.image,
            person.joints_px,
            shown,
            setup.links,
            setup.flip_indices,
            mirror,
        )
        for mirror in (False, True)
    ]
    together = overlay_heatmap(person.image, person.heatmaps.max(0), setup.cell_px)
    width, height = setup.input_size
    panels = [
        Panel(
            np.hstack([resize_crop(person.image), skeletons[0]]),
            'crop',
            f'{width}x{height} px; left green, right orange',
        ),
        Panel(
            np.hstack([skeletons[1], together]),
            'mirrored; all targets',
            'its left is green again, on the other limb',
        ),
    ]
    kinds = {f.joint: f.kind for f in findings if f.kind in ('unlabelled', 'outside')}
    for k in range(len(names)):
        if k in kinds:
            continue
        sigma = None if setup.sigmas_cells is None else float(setup.sigmas_cells[k])
        picture = draw_joint_pair(
            person.image,
            person.heatmaps[k],
            person.joints_px[k],
            setup.cell_px,
            max(5.0, 3.5 * (sigma or 2.0)),
        )
        stated = '' if sigma is None else f'sigma {sigma:.2f} cells, '
        note = f'{stated}weight {person.weights[k]:.2f}'
        alert = '; '.join(to_ascii(str(f)) for f in findings if f.joint == k)
        panels.append(Panel(picture, names[k].replace('_', ' '), note, alert))
    legend = 'each pair: target over the crop, and enlarged around the joint (dot)'
    for kind in ('unlabelled', 'outside'):
        legend += _list_joints(kind, [names[k] for k in kinds if kinds[k] == kind])
    title = f'{to_ascii(person.name)}: {shown.sum()} of {len(names)} joints labelled'
    columns = 3 if len(names) <= FEW_JOINTS else 6
    return lay_out_panels(panels, title, legend, columns)


def _list_joints(kind: str, names: Sequence[str]) -> str:
    if not names:
        return ''
    more = f' and {len(names) - MOST_NAMES} more' if len(names) > MOST_NAMES else ''
    return f'; {kind}: {", ".join(names[:MOST_NAMES])}{more}'


def draw_prediction_sheet(
    person: Person, setup: Setup, prediction: Prediction
) -> np.ndarray:
    """Target and predicted map of each joint, with the error -> BGR picture."""
    notes = [
        f'{error:.1f} px off, OKS {oks:.2f}' if np.isfinite(error) else ''
        for error, oks in zip(prediction.errors_px, prediction.joint_oks, strict=True)
    ]
    sigmas = setup.sigmas_cells
    mean = prediction.describe()
    return draw_heatmap_grid(
        person.image,
        JointMaps(person.heatmaps, person.joints_px, person.labelled),
        JointMaps(prediction.heatmaps, prediction.joints_px, notes=notes),
        [to_ascii(name) for name in setup.names],
        None if sigmas is None else sigmas.tolist(),
        setup.cell_px,
        f'{to_ascii(person.name)}: {mean}',
    )


def to_ascii(text: str) -> str:
    """What OpenCV's fonts can draw: accents go, other letters become '?'."""
    plain = unicodedata.normalize('NFKD', text)
    plain = ''.join(c for c in plain if not unicodedata.combining(c))
    return plain.encode('ascii', 'replace').decode()
