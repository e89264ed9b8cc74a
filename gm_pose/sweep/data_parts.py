"""Annotations in three parts: for training, for choosing, for reporting.

A part is of whole images, and of all images of a person where annotations say who that is:
the same face in two parts would let a network that remembers it look good.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gm_pose.runs.user_errors import UserError

__all__ = ['Split', 'count_people', 'split_annotations']

PERSON_KEYS = ('person_id', 'subject_id', 'identity')
"""Fields of annotations that say who somebody is, over all images."""
IMAGE_KEYS = ('video_id', 'vid_id', 'sequence_id', 'vid_name')
"""Fields of images that say which recording they are of."""

MIN_PEOPLE = 2


@dataclass(frozen=True)
class Split:
    """Parts of an annotation file.

    Attributes:
        parts: name to content of a COCO file.
        kept_together: fields by whose values images stay in one part.
        num_groups: of images that stay together.
    """

    parts: dict[str, dict[str, Any]]
    kept_together: tuple[str, ...]
    num_groups: int


def split_annotations(
    content: dict[str, Any], shares: dict[str, float], seed: int, source: str
) -> Split:
    """Content of a COCO file -> parts of about these shares of the people.

    The same groups go into the same parts whatever the order of the file: they are put in
    the order of their smallest image id, shuffled by the seed, and dealt out.

    Args:
        content: `images`, `annotations`.
        shares: name of each part to its share; they add up to 1.
        seed: of the shuffle.
        source: the file, for messages.

    Raises:
        UserError: lists are missing, or a part would have fewer than two people.
    """
    images, annotations = content.get('images'), content.get('annotations')
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise UserError(
            f'{source} has no `images` and `annotations`. Fix: give a COCO keypoint file'
        )
    keys, groups = _group_images(images, annotations)
    people = dict.fromkeys(groups, 0)
    group_of = {image: name for name, members in groups.items() for image in members}
    for annotation in annotations:
        if _is_person(annotation) and annotation.get('image_id') in group_of:
            people[group_of[annotation['image_id']]] += 1
    order = sorted(name for name in groups if people[name])
    random.Random(seed).shuffle(order)
    part_of = _deal(order, people, shares)
    parts: dict[str, dict[str, Any]] = {}
    for name in shares:
        inside = {
            image
            for group in order
            if part_of[group] == name
            for image in groups[group]
        }
        parts[name] = dict(
            content,
            images=[i for i in images if i['id'] in inside],
            annotations=[a for a in annotations if a.get('image_id') in inside],
        )
        if count_people(parts[name]) < MIN_PEOPLE:
            raise UserError(
                f'{source} has {sum(people.values())} people in {len(order)} groups of '
                f'images; the part to {name} would have {count_people(parts[name])}, '
                f'expected at least {MIN_PEOPLE}. Fix: give more people, or --choose ANN '
                'and --report ANN'
            )
    return Split(parts, keys, len(order))


def count_people(content: dict[str, Any]) -> int:
    """People who are to be found: no crowd, and with a labelled joint."""
    return sum(map(_is_person, content['annotations']))


def _is_person(annotation: dict[str, Any]) -> bool:
    labelled = any(v > 0 for v in (annotation.get('keypoints') or [])[2::3])
    return labelled and not annotation.get('iscrowd', 0)


def _deal(
    order: Sequence[int], people: dict[int, int], shares: dict[str, float]
) -> dict[int, str]:
    """Groups in their order -> part of each: the one that is furthest below its share."""
    total = sum(people[group] for group in order)
    counts = dict.fromkeys(shares, 0)
    part_of = {}
    for group in order:
        name = max(shares, key=lambda part: shares[part] * total - counts[part])
        part_of[group] = name
        counts[name] += people[group]
    return part_of


def _group_images(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]]
) -> tuple[tuple[str, ...], dict[int, list[int]]]:
    """Images that share a person or a recording: fields, smallest id -> ids."""
    ids = sorted({image['id'] for image in images})
    leader = {image: image for image in ids}

    def find(image: int) -> int:
        while leader[image] != image:
            leader[image] = leader[leader[image]]
            image = leader[image]
        return image

    keys = [
        key
        for key in PERSON_KEYS
        if _join(((a.get('image_id'), a.get(key)) for a in annotations), leader, find)
    ]
    keys += [
        key
        for key in IMAGE_KEYS
        if _join(((i['id'], i.get(key)) for i in images), leader, find)
    ]
    groups: dict[int, list[int]] = {}
    for image in ids:
        groups.setdefault(find(image), []).append(image)
    return tuple(keys), groups


def _join(pairs: Iterable[tuple[Any, Any]], leader: dict[int, int], find: Any) -> bool:
    """Join the images (id, value) of equal values -> whether any has a value."""
    first: dict[Any, int] = {}
    for image, value in pairs:
        if value is None or image not in leader:
            continue
        a, b = find(first.setdefault(value, image)), find(image)
        leader[max(a, b)] = min(a, b)
    return bool(first)
