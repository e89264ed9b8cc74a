"""What is wrong with joints: their names, flip pairs, coordinates, visibilities.

Table of annotations -> indices of those, or names of joints.
"""

from __future__ import annotations

import numpy as np

from gm_pose.runs.data_checks.annotation_table import (
    MISSING,
    AnnotationTable,
    Floats,
    Indices,
)
from gm_pose.runs.data_checks.explanations import explain_joints, explain_keypoints
from gm_pose.runs.data_checks.joint_sides import find_counterparts
from gm_pose.runs.data_checks.rule import Level, rule

__all__ = [
    'count_joints_outside_image',
    'crossed_people',
    'joints_not_finite',
    'joints_outside_image',
    'miscounted_people',
    'odd_visibilities',
    'other_names',
    'unlabelled_nan',
    'wrong_counts',
    'wrong_flip_pairs',
]

CROSSED = 0.25
"""Shoulders and hips count as crossed if both pairs' x differences have opposite signs
and exceed this fraction of the box width: no body turns that far."""


@rule(
    'people whose number of keypoints is not {K}',
    'training stops',
    Level.REFUSED,
    explain=explain_keypoints,
)
def wrong_counts(table: AnnotationTable) -> Indices:
    """People whose number of keypoints is not K."""
    return table.keypoints.wrong


@rule(
    "joints whose name is not the config's",
    'a joint is taken for another',
    Level.HARMFUL,
    kind='joint',
)
def other_names(table: AnnotationTable) -> list[str]:
    """Joints with another name in the file than in the config of as many joints."""
    own, names = table.own_names, table.config_names
    if names is None or len(own) != len(names):
        return []
    pairs = enumerate(zip(own, names, strict=True))
    return [f'{k}: {a} in the file, {b} in the config' for k, (a, b) in pairs if a != b]


@rule(
    'flip pairs that are no left and right',
    'mirrored images train wrong joints',
    Level.HARMFUL,
    kind='joint',
)
def wrong_flip_pairs(table: AnnotationTable) -> list[str]:
    """Joints whose partner in the config is not their left or right counterpart."""
    labels = table.own_names or table.config_names or []
    if table.flip_pairs is None or len(labels) != table.num_keypoints:
        return []
    mirror = {k: k for k in range(len(labels))}
    for a, b in table.flip_pairs:
        mirror[a], mirror[b] = b, a
    return [
        f'{labels[k]} with {labels[mirror[k]]}'
        for k, partner in find_counterparts(labels).items()
        if mirror[k] != partner
    ]


def _get_joints(table: AnnotationTable) -> tuple[Floats, Floats]:
    """Positions (R, K, 2) in px, visibilities (R, K)."""
    column = table.keypoints
    joints = column.values.reshape(len(column.at), table.num_keypoints or 0, 3)
    return joints[..., :2], joints[..., 2]


@rule(
    'people with NaN or infinite keypoints',
    'training stops',
    Level.HARMFUL,
    explain=explain_joints,
)
def joints_not_finite(table: AnnotationTable) -> Indices:
    """NaN or infinity, except NaN in the position of a joint that is not labelled."""
    points, visible = _get_joints(table)
    wrong = np.isinf(points).any(2) | (np.isnan(points).any(2) & (visible != 0))
    return table.keypoints.at[(wrong | ~np.isfinite(visible)).any(1)]


@rule(
    'people with NaN at unlabelled joints',
    'heatmap codecs skip them, others do not',
    Level.NOTED,
)
def unlabelled_nan(table: AnnotationTable) -> Indices:
    """NaN in the position of a joint that is not labelled."""
    points, visible = _get_joints(table)
    return table.keypoints.at[(np.isnan(points).any(2) & (visible == 0)).any(1)]


@rule(
    'people with visibilities that are not 0, 1 or 2',
    'a negative one switches the joint off, others weigh it',
    Level.HARMFUL,
)
def odd_visibilities(table: AnnotationTable) -> Indices:
    """Visibilities other than 0, 1 and 2."""
    _, visible = _get_joints(table)
    odd = (visible != 0) & (visible != 1) & (visible != 2) & np.isfinite(visible)
    return table.keypoints.at[odd.any(1)]


def _are_outside_image(table: AnnotationTable) -> np.ndarray:
    """(R, K): labelled joints beyond their image."""
    points, visible = _get_joints(table)
    size = table.image_sizes[table.keypoints.at][:, None]
    with np.errstate(invalid='ignore'):
        return (visible > 0) & ((points < 0) | (points > size)).any(2)


def count_joints_outside_image(table: AnnotationTable) -> int:
    """Number of labelled joints outside their image."""
    return int(_are_outside_image(table).sum())


@rule(
    'labelled joints outside the image',
    'their targets are cut',
    Level.NOTED,
    count=count_joints_outside_image,
)
def joints_outside_image(table: AnnotationTable) -> Indices:
    """People with a labelled joint outside their image."""
    return table.keypoints.at[_are_outside_image(table).any(1)]


@rule(
    'people whose num_keypoints is not their number of labelled joints',
    'with 0, MMPose drops the person',
    Level.NOTED,
)
def miscounted_people(table: AnnotationTable) -> Indices:
    """`num_keypoints` is not the number of labelled joints."""
    _, visible = _get_joints(table)
    with np.errstate(invalid='ignore'):
        labelled = (visible > 0).sum(1).tolist()
    counts = table.fields['num_keypoints']
    pairs = zip((counts[n] for n in table.keypoints.at), labelled, strict=True)
    wrong = [a is not None and a is not MISSING and a != b for a, b in pairs]
    return table.keypoints.at[np.array(wrong, bool)]


@rule(
    'people whose shoulders and hips are crossed',
    'left and right may be swapped',
    Level.NOTED,
)
def crossed_people(table: AnnotationTable) -> Indices:
    """Left and right may be swapped: shoulders and hips point in opposite directions."""
    names = table.own_names or table.config_names or []
    needed = ['left_shoulder', 'right_shoulder', 'left_hip', 'right_hip']
    if any(name not in names for name in needed):
        return table.keypoints.at[:0]
    at = [names.index(name) for name in needed]
    if max(at) >= (table.num_keypoints or 0):
        return table.keypoints.at[:0]
    points, visible = _get_joints(table)
    widths = np.full(len(table), np.nan)
    widths[table.boxes.at] = table.boxes.values[:, 2]
    with np.errstate(invalid='ignore', divide='ignore'):
        x = points[:, at, 0] / widths[table.keypoints.at, None]
        shoulders, hips = x[:, 0] - x[:, 1], x[:, 2] - x[:, 3]
        far = np.minimum(abs(shoulders), abs(hips)) > CROSSED
        crossed = (shoulders * hips < 0) & far & (visible[:, at] > 0).all(1)
    return table.keypoints.at[crossed]
