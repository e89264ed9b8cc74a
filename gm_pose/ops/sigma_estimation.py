"""COCO-style annotations -> how large each joint is, as a fraction of the person.

All methods give numbers like OKS sigmas: a length divided by sqrt(area) of the person.

* repeats: the same people annotated more than once. ``s_k^2 = mean(d^2 / area)``, d from
  an annotation of joint k to the mean of all of that person, d^2 times n / (n - 1) for n
  annotations: the definition of COCO's own constants (cocodataset.org, keypoint
  evaluation), estimated without the bias of a mean taken from few.
* masks: median radius of the largest disc around the joint inside the person's
  segmentation: the joint's 2-D extent.
* boxes: half the median distance to the nearest other joint of the person. It says how
  far a Gaussian may reach before it covers a neighbour, and nothing about the joint
  itself: for files that have neither of the others.

Only annotated joints count (visibility 1 or 2; masks: 2 only), a person once for each
joint, and copies of an annotation not at all. Where an annotation has no area, 0.53 times
its box takes its place, COCO's usual ratio.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.annotated_discs import measure_discs
from gm_pose.ops.annotated_people import (
    Annotation,
    Floats,
    read_area,
    stack_joints,
)
from gm_pose.ops.repeated_annotations import (
    drop_copies,
    group_repeats,
    measure_squares,
)
from gm_pose.ops.size_intervals import find_median_interval, find_root_mean_interval

# What each method needs of an annotation file, best method first.
NEEDED = {
    'repeats': 'people annotated more than once (same image, same person_id or box)',
    'masks': 'a segmentation with visible joints inside',
    'boxes': 'two annotated joints and an area or a box',
}
# People needed for each joint. A median has no 95 % interval below 6. A root mean square
# of n two-dimensional distances has a relative standard error of 1 / (2 sqrt(n)): 16 % for
# 10, an interval of a third up and down.
MIN_PEOPLE = {'repeats': 10, 'masks': 6, 'boxes': 6}
_DRAWN = 256  # people whose masks are drawn at once
_CHUNK = 4096  # people whose joints are compared with each other at once


@dataclass(frozen=True)
class JointSizes:
    """What one method measured of K joints.

    Attributes:
        method: its name.
        sizes: (K,) fractions of sqrt(area), NaN where unseen.
        counts: (K,) people measured.
        intervals: (K, 2) 95 % intervals of `sizes`, NaN where there are too few people.
        notes: what was left out, and why better methods were.
    """

    method: str
    sizes: Floats
    counts: NDArray[np.int64]
    intervals: Floats
    notes: tuple[str, ...] = ()

    @property
    def are_measured(self) -> NDArray[np.bool_]:
        """(K,): joints with a size above 0 from MIN_PEOPLE people or more."""
        return (self.counts >= MIN_PEOPLE[self.method]) & (self.sizes > 0)


def measure_repeats(groups: list[list[Annotation]], num_joints: int) -> JointSizes:
    """People annotated more than once -> spread of each joint."""
    squares = measure_squares(groups, num_joints)
    sizes = [float(np.mean(q)) ** 0.5 if q else float('nan') for q in squares]
    return _collect('repeats', sizes, squares, find_root_mean_interval)


def measure_masks(annotations: Iterable[Annotation], num_joints: int) -> JointSizes:
    """People with masks -> median radius of the disc around each visible joint."""
    joints, values = [np.zeros(0, np.int64)], [np.zeros(0)]
    everybody = [a for a in annotations if a.get('segmentation') and 'bbox' in a]
    all_areas = np.array([read_area(a) for a in everybody])
    everybody = list(compress(everybody, all_areas > 0))
    all_areas = all_areas[all_areas > 0]
    for start in range(0, len(everybody), _DRAWN):
        people = everybody[start : start + _DRAWN]
        areas = all_areas[start : start + _DRAWN]
        person, joint, radii = measure_discs(people, num_joints)
        joints.append(joint)
        values.append(radii / areas[person] ** 0.5)
    return _take_medians('masks', joints, values, num_joints)


def measure_boxes(annotations: Iterable[Annotation], num_joints: int) -> JointSizes:
    """People with joints and boxes -> half the distance to the nearest other joint."""
    everybody = list(annotations)
    joints, values = [np.zeros(0, np.int64)], [np.zeros(0)]
    for start in range(0, len(everybody), _CHUNK):
        people = everybody[start : start + _CHUNK]
        areas = np.array([read_area(a) for a in people])
        positions, visible = stack_joints(people, num_joints)
        labelled = (visible > 0) & (areas > 0)[:, None]
        points = np.where(labelled[..., None], positions, np.inf)
        with np.errstate(invalid='ignore'):
            distance = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)
        distance[:, range(num_joints), range(num_joints)] = np.inf
        both = labelled[:, :, None] & labelled[:, None]
        nearest = np.where(both, distance, np.inf).min(2, initial=np.inf)
        person, joint = (labelled & (labelled.sum(1) > 1)[:, None]).nonzero()
        joints.append(joint)
        values.append(nearest[person, joint] / 2 / areas[person] ** 0.5)
    return _take_medians('boxes', joints, values, num_joints)


def _take_medians(
    method: str,
    joints: list[NDArray[np.int64]],
    values: list[Floats],
    num_joints: int,
) -> JointSizes:
    """Joint and size of each measurement -> sizes of K joints."""
    at, sizes = np.concatenate(joints), np.concatenate(values)
    samples = [sizes[at == k] for k in range(num_joints)]
    medians = [float(np.median(v)) if len(v) else float('nan') for v in samples]
    return _collect(method, medians, samples, find_median_interval)


def _collect(
    method: str,
    sizes: list[float],
    samples: Sequence[Sequence[float] | Floats],
    find_interval: Callable[[Sequence[float] | Floats], tuple[float, float]],
) -> JointSizes:
    counts = np.array([len(v) for v in samples], dtype=np.int64)
    intervals = np.array([find_interval(v) for v in samples]).reshape(-1, 2)
    return JointSizes(method, np.array(sizes), counts, intervals)


def measure_joints(
    annotations: Sequence[Annotation], num_joints: int, method: str, person_key: str
) -> JointSizes:
    """Annotations -> sizes by `method`, or by the best that the file allows.

    Args:
        annotations: of COCO's keypoint format; crowds do not count.
        num_joints: K.
        method: 'repeats', 'masks' or 'boxes' (see the module's text), or 'auto': the first
            of them that measures most joints, each from MIN_PEOPLE people.
        person_key: the annotation's key that holds the person's id, for 'repeats'.

    Raises:
        ValueError: the file has nothing that the method could measure, or a segmentation
            that cannot be read; the text names its annotation.

    Example:
        Joints 10 px apart on people of 2500 px^2: 5 / sqrt(2500).

        >>> joints = [20, 50, 2, 30, 50, 2]
        >>> people = [dict(image_id=n, keypoints=joints, area=2500) for n in range(6)]
        >>> found = measure_joints(people, 2, 'auto', 'person_id')
        >>> found.method, found.sizes.tolist(), found.intervals.tolist()
        ('boxes', [0.1, 0.1], [[0.1, 0.1], [0.1, 0.1]])
    """
    people = [a for a in annotations if a.get('keypoints') and not a.get('iscrowd', 0)]
    groups = group_repeats(people, person_key)
    kept = [drop_copies(members) for members in groups]
    copies = sum(map(len, groups)) - sum(map(len, kept))
    again = {id(m) for members in groups for m in members[1:]}
    once = [a for a in people if id(a) not in again]
    tried = tuple(NEEDED) if method == 'auto' else (method,)
    best: JointSizes | None = None
    short: dict[str, str] = {}
    for name in tried:
        if name == 'repeats':
            found = measure_repeats([m for m in kept if len(m) > 1], num_joints)
        else:
            measure = measure_masks if name == 'masks' else measure_boxes
            found = measure(once, num_joints)
        if best is None or _rank(found) > _rank(best):
            best = found
        if found.are_measured.all():
            break
        short[name] = describe_shortage(found)
    if best is None or best.counts.sum() == 0:
        raise ValueError(
            f'none of {len(people)} annotated people has what is needed: '
            + '; or '.join(NEEDED[name] for name in tried)
        )
    notes = [
        f'{name} not used: {short[name]}' for name in tried[: tried.index(best.method)]
    ]
    if copies:
        notes.insert(0, f'copies of annotations, which count once: {copies}')
    return replace(best, notes=tuple(notes))


def _rank(found: JointSizes) -> tuple[int, int]:
    return int(found.are_measured.sum()), int(found.counts.max(initial=0))


def describe_shortage(found: JointSizes) -> str:
    """Sizes of which some are not measured -> the evidence that there is."""
    needed, most = MIN_PEOPLE[found.method], int(found.counts.max(initial=0))
    if most < needed:
        return f'a joint has at most {most} people; {needed} are needed'
    missing = int((~found.are_measured).sum())
    return f'{missing} of {len(found.counts)} joints have fewer than {needed} people'
