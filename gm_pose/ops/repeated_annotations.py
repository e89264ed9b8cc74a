"""People annotated more than once: who they are, and how far their annotations differ."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from gm_pose.ops.annotated_people import Annotation, read_area, read_joints

# Two annotations of an image are of one person if their boxes overlap this much and
# neither carries a person's id ...
SAME_PERSON_IOU = 0.9
# ... and half of the joints are nearer than this fraction of sqrt(area): COCO's largest
# sigma is 0.107, so that two annotations of a hip are sqrt(2) 0.107 = 0.15 apart.
SAME_PERSON_DISTANCE = 0.25
# Nobody places this many joints twice within half a px: one is a copy, perhaps rounded.
COPIED_JOINTS, COPIED_PX = 5, 0.5


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
    overlap by SAME_PERSON_IOU and joints that agree by SAME_PERSON_DISTANCE.
    """
    groups: dict[Any, list[list[Annotation]]] = {}
    for annotation in _keep_candidates(list(annotations), person_key):
        person = annotation.get(person_key)
        key = (annotation.get('image_id'), person)
        people = groups.setdefault(key, [])
        for members in people:
            if person is not None or _is_same_person(annotation, members[0]):
                members.append(annotation)
                break
        else:
            people.append([annotation])
    return [m for people in groups.values() for m in people if len(m) > 1]


def _keep_candidates(
    annotations: list[Annotation], person_key: str
) -> list[Annotation]:
    """Those with a person's id, and those whose box is like another one of their image."""
    named = np.array([a.get(person_key) is not None for a in annotations], bool)
    at = np.flatnonzero(
        [not n and 'bbox' in a for n, a in zip(named, annotations, strict=True)]
    )
    numbers: dict[Any, int] = {}
    images = np.array(
        [numbers.setdefault(annotations[n].get('image_id'), n) for n in at], np.int64
    )
    boxes = np.array([annotations[n]['bbox'] for n in at], np.float64).reshape(-1, 4)
    order = np.argsort(images, kind='stable')
    at, images, boxes = at[order], images[order], boxes[order]
    are_like = np.zeros(len(annotations), bool)
    step = 1  # neighbours in the list, then next but one, until images differ
    while (same := images[step:] == images[:-step]).any():
        one = np.flatnonzero(same)
        other = one + step
        one, other = (n[_overlap(boxes[one], boxes[other])] for n in (one, other))
        are_like[at[one]] = are_like[at[other]] = True
        step += 1
    return [annotations[n] for n in np.flatnonzero(named | are_like)]


def _overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(R,): whether boxes (R, 4) may overlap by SAME_PERSON_IOU, or by a little less."""
    end = np.minimum(boxes[:, :2] + boxes[:, 2:], others[:, :2] + others[:, 2:])
    joined = np.maximum(end - np.maximum(boxes[:, :2], others[:, :2]), 0).prod(1)
    union = boxes[:, 2:].prod(1) + others[:, 2:].prod(1) - joined
    return joined >= (SAME_PERSON_IOU - 1e-6) * union


def _is_same_person(annotation: Annotation, other: Annotation) -> bool:
    if 'bbox' not in annotation or 'bbox' not in other:
        return False
    if compute_iou(annotation['bbox'], other['bbox']) < SAME_PERSON_IOU:
        return False
    distances = _measure_distances(annotation, other)
    limit = SAME_PERSON_DISTANCE * read_area(other) ** 0.5
    return len(distances) > 0 and float(np.median(distances)) <= limit


def _measure_distances(annotation: Annotation, other: Annotation) -> np.ndarray:
    """Distances in px of the joints that are labelled in both."""
    (points, labels), (others, marks) = read_joints(annotation), read_joints(other)
    both = (labels > 0) & (marks > 0)
    return np.linalg.norm(points[both] - others[both], axis=1)


def drop_copies(members: list[Annotation]) -> list[Annotation]:
    """Annotations of a person -> those that are no copies of an earlier one.

    A copy has the same joints; or, with COPIED_JOINTS of them, the same within COPIED_PX,
    as a file has it that was rounded.

    Example:
        >>> first, second = dict(keypoints=[20, 50, 2]), dict(keypoints=[21, 50, 2])
        >>> len(drop_copies([first, first, second]))
        2
    """
    kept: list[Annotation] = []
    for member in members:
        for other in kept:
            distances = _measure_distances(member, other)
            allowed = COPIED_PX * 2**0.5 if len(distances) >= COPIED_JOINTS else 0.0
            if len(distances) and distances.max() <= allowed:
                break
        else:
            kept.append(member)
    return kept


def measure_squares(
    groups: Iterable[list[Annotation]], num_joints: int
) -> list[list[float]]:
    """People -> for each joint, one ``d^2 / area`` for each person with two labels of it.

    d^2: the mean over a person's n labels of the squared distance to their mean, times
    n / (n - 1), which is the variance summed over x and y.
    """
    squares: list[list[float]] = [[] for _ in range(num_joints)]
    for members in groups:
        area = float(np.median([read_area(m) for m in members]))
        joints = [read_joints(m) for m in members]
        positions = np.stack([p for p, _ in joints])
        labelled = np.stack([v > 0 for _, v in joints])
        for k in (labelled.sum(0) > 1).nonzero()[0] if area > 0 else ():
            points = positions[labelled[:, k], k]
            squares[k].append(float(points.var(axis=0, ddof=1).sum()) / area)
    return squares
