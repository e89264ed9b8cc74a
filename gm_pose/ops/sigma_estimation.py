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

Only annotated joints count (visibility 1 or 2; masks: 2 only). Where an annotation has no
area, 0.53 times its box takes its place, COCO's usual ratio.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.segmentation_masks import draw_mask

AREA_PER_BOX = 0.53
# Two annotations of an image are of one person if their boxes overlap this much and
# neither carries a person's id.
SAME_PERSON_IOU = 0.9
# What each method needs of an annotation file, best method first.
NEEDED = {
    'repeats': 'people annotated more than once (same image, same person_id or box)',
    'masks': 'a segmentation with visible joints inside',
    'boxes': 'two annotated joints and an area or a box',
}

Floats = NDArray[np.float64]
Annotation = dict[str, Any]


@dataclass(frozen=True)
class JointSizes:
    """Per joint (K,): size as a fraction of sqrt(area), NaN where unseen, and counts."""

    method: str
    sizes: Floats
    counts: NDArray[np.int64]


def read_area(annotation: Annotation) -> float:
    """Annotation -> area of the person in px^2, from its box where it has none."""
    area = float(annotation.get('area') or 0)
    if area <= 0 and 'bbox' in annotation:
        _, _, width, height = annotation['bbox']
        area = AREA_PER_BOX * width * height
    return area


def read_joints(annotation: Annotation) -> tuple[Floats, NDArray[np.int64]]:
    """Annotation -> positions (K, 2) in px, visibilities (K,)."""
    triples = np.asarray(annotation['keypoints'], dtype=np.float64).reshape(-1, 3)
    return triples[:, :2], triples[:, 2].astype(np.int64)


def compute_iou(box: Sequence[float], other: Sequence[float]) -> float:
    """Two boxes [x, y, w, h] -> intersection over union."""
    from pycocotools import mask

    pair = np.array([box, other], dtype=np.float64)
    return float(mask.iou(pair[:1], pair[1:], [False])[0, 0])


def group_repeats(
    annotations: Iterable[Annotation], person_key: str
) -> list[list[Annotation]]:
    """Annotations -> those of people annotated more than once, person by person.

    One person: equal `image_id` and equal `person_key`; without that key, boxes that
    overlap by SAME_PERSON_IOU.
    """
    groups: dict[Any, list[list[Annotation]]] = {}
    for annotation in annotations:
        person = annotation.get(person_key)
        key = (annotation.get('image_id'), person)
        people = groups.setdefault(key, [])
        for members in people:
            if person is not None or (
                'bbox' in annotation
                and 'bbox' in members[0]
                and compute_iou(annotation['bbox'], members[0]['bbox'])
                >= SAME_PERSON_IOU
            ):
                members.append(annotation)
                break
        else:
            people.append([annotation])
    return [m for people in groups.values() for m in people if len(m) > 1]


def measure_repeats(groups: list[list[Annotation]], num_joints: int) -> JointSizes:
    """People annotated more than once -> spread of each joint; counts are people."""
    sums, counts = np.zeros(num_joints), np.zeros(num_joints, dtype=np.int64)
    for members in groups:
        area = float(np.median([read_area(m) for m in members]))
        joints = [read_joints(m) for m in members]
        positions = np.stack([p for p, _ in joints])
        labelled = np.stack([v > 0 for _, v in joints])
        for k in (labelled.sum(0) > 1).nonzero()[0] if area > 0 else ():
            points = positions[labelled[:, k], k]
            # mean of d^2 times n / (n - 1), which is the variance summed over x and y
            sums[k] += points.var(axis=0, ddof=1).sum() / area
            counts[k] += 1
    with np.errstate(invalid='ignore'):
        return JointSizes('repeats', np.sqrt(sums / counts), counts)


def measure_masks(annotations: Iterable[Annotation], num_joints: int) -> JointSizes:
    """People with masks -> median radius of the disc around each visible joint."""
    radii: list[list[float]] = [[] for _ in range(num_joints)]
    for annotation in annotations:
        area = read_area(annotation)
        if area <= 0 or not annotation.get('segmentation') or 'bbox' not in annotation:
            continue
        drawn = draw_mask(annotation['segmentation'], annotation['bbox'])
        if drawn is None:
            continue
        import cv2  # only where there is a mask: boxes and repeats do without

        mask, corner = drawn
        distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        positions, visible = read_joints(annotation)
        cells = np.round(positions).astype(np.int64) - corner
        inside = ((cells >= 0) & (cells < mask.shape[::-1])).all(1) & (visible == 2)
        for k in inside.nonzero()[0]:
            radius = float(distance[cells[k, 1], cells[k, 0]])
            if radius > 0:  # a joint outside its own mask has no disc
                radii[k].append(radius / area**0.5)
    return _take_medians('masks', radii)


def measure_boxes(annotations: Iterable[Annotation], num_joints: int) -> JointSizes:
    """People with joints and boxes -> half the distance to the nearest other joint."""
    halves: list[list[float]] = [[] for _ in range(num_joints)]
    for annotation in annotations:
        area = read_area(annotation)
        positions, visible = read_joints(annotation)
        labelled = (visible > 0).nonzero()[0]
        if area <= 0 or len(labelled) < 2:
            continue
        points = positions[labelled]
        distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
        np.fill_diagonal(distance, np.inf)
        for k, nearest in zip(labelled, distance.min(1), strict=True):
            halves[k].append(float(nearest) / 2 / area**0.5)
    return _take_medians('boxes', halves)


def _take_medians(method: str, values: list[list[float]]) -> JointSizes:
    medians = [float(np.median(v)) if v else float('nan') for v in values]
    counts = np.array([len(v) for v in values], dtype=np.int64)
    return JointSizes(method, np.array(medians), counts)


def measure_joints(
    annotations: Sequence[Annotation], num_joints: int, method: str, person_key: str
) -> JointSizes:
    """Annotations -> sizes by `method`, or by the best that the file allows.

    Args:
        annotations: of COCO's keypoint format; crowds do not count.
        num_joints: K.
        method: 'repeats', 'masks' or 'boxes' (see the module's text), or 'auto': the first
            of them that measures anything.
        person_key: the annotation's key that holds the person's id, for 'repeats'.

    Raises:
        ValueError: the file has nothing that the method could measure.

    Example:
        Joints 10 px apart on a person of 2500 px^2: 5 / sqrt(2500).

        >>> person = dict(keypoints=[20, 50, 2, 30, 50, 2], area=2500)
        >>> measure_joints([person], 2, 'auto', 'person_id')
        JointSizes(method='boxes', sizes=array([0.1, 0.1]), counts=array([1, 1]))
    """
    people = [a for a in annotations if a.get('keypoints') and not a.get('iscrowd', 0)]
    tried = NEEDED if method == 'auto' else (method,)
    for name in tried:
        if name == 'repeats':
            found = measure_repeats(group_repeats(people, person_key), num_joints)
        elif name == 'masks':
            found = measure_masks(people, num_joints)
        else:
            found = measure_boxes(people, num_joints)
        if found.counts.sum() > 0:
            return found
    raise ValueError(
        f'none of {len(people)} annotated people has what is needed: '
        + '; or '.join(NEEDED[name] for name in tried)
    )
