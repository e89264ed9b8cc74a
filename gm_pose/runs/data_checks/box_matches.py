"""Detected boxes against annotated ones: in which unit and order do they agree?"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from gm_pose.runs.data_checks.column import Floats
from gm_pose.runs.data_checks.detections import DetectedPeople
from gm_pose.runs.data_checks.readings import BOX_READINGS, SCALES, Scale

__all__ = ['CONVERT', 'explain_by_annotations', 'write_order', 'write_scale']

NUM_IMAGES = 300
MIN_PEOPLE = 3
GOOD, BETTER = 0.5, 0.2
"""Intersection over union, the median of annotated people with their best box: one that is
good needs no other reading, and another must be so much better."""

CONVERT = 'with `images` of the annotation file, convert'
_EACH_BOX = 'for a in data: '


def explain_by_annotations(
    people: DetectedPeople, data: dict
) -> tuple[str, str] | None:
    """Detections and the annotation file's content -> (what they are, fix), or None."""
    pairs = _pair(people, data)
    if sum(len(truth) for _, truth, _ in pairs) < MIN_PEOPLE:
        return None
    own = _measure(people.boxes, pairs)
    if own > GOOD:
        return None
    sizes = np.full((len(people.boxes), 2), np.nan)
    for at, _, size in pairs:
        sizes[at] = size
    found: tuple[float, list[str], list[str]] = (own + BETTER, [], [])
    orders = {'': (lambda box: box, ''), **BOX_READINGS}
    for scale in (None, *SCALES):
        boxes, names, lines = people.boxes, [], []
        if scale is not None:
            boxes = scale.convert(boxes, np.tile(sizes, 2))
            names, lines = [scale.name], [write_scale(scale)]
        for name, (read, line) in orders.items():
            fit = _measure(read(boxes), pairs)
            if fit > found[0] + 1e-9:
                words = [*names, name] if name else names
                found = fit, words, [*lines, write_order(line)] if name else lines
    if not found[1]:
        return None
    what = f'fits the annotated boxes as {", ".join(found[1])}'
    return what, f'{CONVERT}: ' + '; then: '.join(found[2])


def write_order(line: str) -> str:
    """The line that reorders annotated boxes, for detected ones."""
    return line.replace("for a in data['annotations']: ", _EACH_BOX)


def write_scale(scale: Scale) -> str:
    """The line that makes px of detected boxes; `images` are the annotation file's."""
    return (
        "for size in [{i['id']: (i['width'], i['height']) for i in images}]: "
        f"[a.update(bbox=[{scale.write('v', 's')} for v, s in zip(a['bbox'], "
        "2 * size[a['image_id']])]) for a in data]"
    )


Pairs = list[tuple[list[int], Floats, tuple[float, float]]]


def _pair(people: DetectedPeople, data: dict) -> Pairs:
    """Images with both: indices of detections, annotated boxes (n, 4), size."""
    of_image: dict[Any, list[int]] = defaultdict(list)
    for at, key in enumerate(people.image_ids):
        if isinstance(key, int) and np.isfinite(people.boxes[at]).all():
            of_image[key].append(at)
    truth: dict[Any, list[list[float]]] = defaultdict(list)
    entries = data.get('annotations')
    for entry in entries if isinstance(entries, list) else []:
        box: Any = entry.get('bbox') if isinstance(entry, dict) else None
        if not _is_box(box) or entry.get('image_id') not in of_image:
            continue
        if not entry.get('iscrowd') and entry.get('num_keypoints') != 0:
            truth[entry['image_id']].append(box)
    pairs: Pairs = []
    for image in data['images']:
        key, size = image['id'], (image.get('width'), image.get('height'))
        if key in truth and all(isinstance(side, (int, float)) for side in size):
            pairs.append((of_image[key], np.array(truth[key], np.float64), size))
    step = max(1, len(pairs) // NUM_IMAGES)
    return pairs[::step]


def _is_box(box: Any) -> bool:
    return (
        isinstance(box, list)
        and len(box) == 4
        and all(isinstance(v, (int, float)) for v in box)
        and box[2] > 0
        and box[3] > 0
    )


def _measure(boxes: Floats, pairs: Pairs) -> float:
    """Median over annotated people of the best intersection over union."""
    best: list[float] = []
    for at, truth, _ in pairs:
        found = boxes[at][:, None]
        end = np.minimum(found[..., :2] + found[..., 2:], truth[:, :2] + truth[:, 2:])
        joined = np.maximum(end - np.maximum(found[..., :2], truth[:, :2]), 0).prod(2)
        joined = joined * (found[..., 2:] > 0).all(2)
        union = found[..., 2:].prod(2) + truth[:, 2:].prod(1) - joined
        best += (joined / np.maximum(union, 1e-12)).max(0).tolist()
    return float(np.median(best))
