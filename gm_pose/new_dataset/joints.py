"""What MMPose has to know of each joint, and why it is so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gm_pose.new_dataset.known_joints import KnownJoint, find_known_joint
from gm_pose.ops.annotated_people import Annotation
from gm_pose.ops.sigma_estimation import JointSizes, measure_joints
from gm_pose.ops.skeleton import COCO, average_mirrored

__all__ = ['Joint', 'describe_joints']

LEAST_WEIGHT = 1.0
"""Least weight of a joint. CrowdPose's file has 0.2 for head and neck, which would leave
them out nearly."""


@dataclass(frozen=True)
class Joint:
    """One joint of a metainfo file.

    Attributes:
        name: its name.
        swap: name of its counterpart, '' for none.
        part: 'upper' or 'lower' half of the body, '' where it is not known.
        oks_sigma: fraction of sqrt(area).
        reason: where that number comes from.
        weight: of `joint_weights`.
        known: the joint of MMPose's that is nearest by name.
    """

    name: str
    swap: str
    part: str
    oks_sigma: float
    reason: str
    weight: float
    known: KnownJoint | None


def describe_joints(
    names: Sequence[str],
    pairs: dict[int, int],
    annotations: Sequence[Annotation],
    person_key: str = 'person_id',
) -> list[Joint]:
    """K joint names -> their settings.

    OKS sigmas come from repeated annotations where there are enough for each joint; else
    from the nearest known joint; else from the joint's size beside the others'.

    Args:
        names: K.
        pairs: index of a joint to its counterpart's.
        annotations: of COCO's keypoint format.
        person_key: field that identifies a person's repeats.
    """
    known = [find_known_joint(name) for name in names]
    sizes = _measure(annotations, len(names), person_key)
    if sizes is not None and sizes.method == 'repeats' and sizes.are_measured.all():
        sigmas = sizes.sizes
        reasons = [
            f'measured: spread of {count} people annotated more than once'
            for count in sizes.counts
        ]
    else:
        sigmas, reasons = _take_known(known, sizes)
    mirror = [pairs.get(k, k) for k in range(len(names))]
    sigmas = average_mirrored(sigmas.tolist(), mirror)
    weights = [max(j.weight, LEAST_WEIGHT) if j else 1.0 for j in known]
    weights = average_mirrored(weights, mirror).tolist()
    parts = [joint.part if joint else '' for joint in known]
    return [
        Joint(
            name=name,
            swap=names[pairs[k]] if k in pairs else '',
            part=_choose_part(parts[k], parts[mirror[k]]),
            oks_sigma=float(np.round(sigmas[k], 4)),
            reason=reasons[k],
            weight=weights[k],
            known=joint,
        )
        for k, (name, joint) in enumerate(zip(names, known, strict=True))
    ]


def _choose_part(own: str, mirrored: str) -> str:
    """Half of the body that both joints of a pair get.

    AP-10K's file has its left front paw in the upper half, and the right one in the lower.
    """
    return max(own, mirrored)  # 'upper', then 'lower', then ''


def _measure(
    annotations: Sequence[Annotation], count: int, person_key: str
) -> JointSizes | None:
    """Sizes by the best method there is, None where there is none."""
    try:
        return measure_joints(annotations, count, 'auto', person_key)
    except ValueError:  # nobody has two joints and a box
        return None


def _take_known(
    known: Sequence[KnownJoint | None], sizes: JointSizes | None
) -> tuple[np.ndarray, list[str]]:
    """Nearest joints, measured sizes -> OKS sigmas (K,) and their reasons."""
    given = np.array([j.oks_sigma if j else np.nan for j in known])
    reasons = [_say_known(j) if j else '' for j in known]
    open_joints = [k for k, j in enumerate(known) if j is None]
    if not open_joints:
        return given, reasons
    coco = float(np.mean(COCO.oks_sigmas or ()))
    usual = float(np.nanmean(given)) if np.isfinite(given).any() else coco
    whose = 'the others' if np.isfinite(given).any() else "COCO's joints"
    measured = (
        None if sizes is None else np.where(sizes.are_measured, sizes.sizes, np.nan)
    )
    if measured is not None and np.isfinite(measured).any():
        base = measured[np.isfinite(given) & np.isfinite(measured)]
        scale = usual / float(base.mean() if len(base) else np.nanmean(measured))
    for k in open_joints:
        if measured is not None and np.isfinite(measured[k]):
            given[k] = measured[k] * scale
            what = (
                'mask'
                if sizes and sizes.method == 'masks'
                else 'distance to its nearest'
            )
            reasons[k] = f'a guess: no known joint; its {what}, on the scale of {whose}'
        else:
            given[k] = usual
            reasons[k] = f'a guess: no known joint, not measured; mean of {whose}'
    return given, reasons


def _say_known(joint: KnownJoint) -> str:
    near = 'as ' if joint.likeness == 1 else 'nearest by name: '
    return f'{near}{joint.name} of {joint.dataset}'
