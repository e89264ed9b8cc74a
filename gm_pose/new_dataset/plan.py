"""All that is decided about a new dataset, before it is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from gm_pose.new_dataset.bases import BASES, Shape, choose_shape
from gm_pose.new_dataset.joints import Joint, describe_joints
from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.new_dataset.sides import check_pairs
from gm_pose.new_dataset.split import split_images
from gm_pose.new_dataset.suggested_links import suggest_links
from gm_pose.ops.annotated_people import Annotation, read_area, stack_joints
from gm_pose.runs.count_words import count_words
from gm_pose.runs.user_errors import UserError

__all__ = ['Part', 'Plan', 'plan_dataset']


@dataclass(frozen=True)
class Part:
    """Training's or validation's people.

    Attributes:
        data: the file they are from.
        images: those of its images that belong to the part; None for all, of a file that
            a run can read as it is.
        folder: of the images.
    """

    data: KeypointData
    images: list[dict] | None
    folder: Path

    def count_people(self) -> int:
        """Annotations with a labelled joint."""
        ids = None if self.images is None else {i['id'] for i in self.images}
        return sum(
            any(a.get('keypoints', ())[2::3]) and not a.get('iscrowd')
            for a in self.data.annotations
            if ids is None or a['image_id'] in ids
        )

    def count_images(self) -> int:
        """Number of images."""
        return len(self.data.images if self.images is None else self.images)


@dataclass(frozen=True)
class Plan:
    """Parts, joints and network of a new dataset, and who decided what."""

    train: Part
    val: Part
    joints: list[Joint]
    links: list[tuple[int, int]]
    base: str
    shape: Shape
    split_from: str
    pairs_from: str
    links_from: str
    doubts: list[str]

    def describe(self) -> list[str]:
        """Lines for who runs the command."""
        width = max(len(j.name) for j in self.joints)
        people = count_words(self.train.count_people(), 'person')
        images = count_words(self.train.count_images(), 'image')
        lines = [
            f'split: {self.split_from}',
            f'  {people} in {images} for training, {self.val.count_people()} in '
            f'{self.val.count_images()} for validation',
            f'sides: {self.pairs_from}',
            f'links: {self.links_from}',
            f'  {"joint":{width}}  OKS sigma  from',
        ]
        lines += [
            f'  {j.name:{width}}  {j.oks_sigma:9.4f}  {j.reason}' for j in self.joints
        ]
        return lines + [f'look at this: {doubt}' for doubt in self.doubts]


def plan_dataset(
    parts: Sequence[KeypointData],
    folders: Sequence[Path],
    pairs: dict[int, int],
    base: str,
    val_share: float,
    seed: int,
) -> Plan:
    """Annotations for training, and for validation if given -> what to write.

    Args:
        parts: one file, to be split, or two.
        folders: of their images.
        pairs: index of a joint to its counterpart's.
        base: name of the network.
        val_share: part of the images for validation, where there is one file.
        seed: of that split.

    Raises:
        UserError: too few images, or a package that the network needs is missing.
    """
    needs = BASES[base].needs
    if needs and find_spec(needs) is None:
        raise UserError(
            f'--base {base} needs {needs}, which is not installed. Fix: pip install {needs}'
        )
    data = parts[0]
    if len(parts) == 2:
        train, val = (
            Part(d, d.images if d.must_be_written else None, folder)
            for d, folder in zip(parts, folders, strict=True)
        )
        split_from = 'as given, one file each'
    else:
        for_training, for_validation = split_images(data, val_share, seed)
        train, val = (
            Part(data, images, folders[0]) for images in (for_training, for_validation)
        )
        split_from = f'by image, {val_share:.0%} for validation, seed {seed}'
    people = _list_people(data)
    points, visible = stack_joints(people, len(data.joint_names))
    doubts = check_pairs(points, visible > 0, pairs, data.joint_names)
    areas = np.array([read_area(a) for a in people])
    links = data.links or suggest_links(points, visible > 0, areas, pairs)
    joints = describe_joints(data.joint_names, pairs, people)
    guessed = [j.name for j in joints if j.reason.startswith('a guess')]
    if guessed:
        doubts.append(
            f'OKS sigmas of {", ".join(guessed)} are guesses. To measure: annotate 10 '
            'people twice'
        )
    return Plan(
        train=train,
        val=val,
        joints=joints,
        links=links,
        base=base,
        shape=choose_shape(BASES[base], _list_aspects(people)),
        split_from=split_from,
        pairs_from=_describe_pairs(pairs, data.joint_names, bool(doubts)),
        links_from=_describe_links(data, links),
        doubts=doubts,
    )


def _list_people(data: KeypointData) -> list[Annotation]:
    count = 3 * len(data.joint_names)
    return [
        a
        for a in data.annotations
        if len(a.get('keypoints') or ()) == count
        and any(a['keypoints'][2::3])
        and not a.get('iscrowd')
    ]


def _list_aspects(people: Sequence[Annotation]) -> list[float]:
    boxes = [a['bbox'] for a in people if a.get('bbox')]
    aspects = [w / h for _, _, w, h in boxes if h > 0]
    return [value for value in aspects if math.isfinite(value) and value > 0]


def _describe_pairs(
    pairs: dict[int, int], names: Sequence[str], is_doubted: bool
) -> str:
    if not pairs:
        return 'no pairs: names say no left and right (--swap LEFT=RIGHT states them)'
    count = len(pairs) // 2
    single = [name for k, name in enumerate(names) if k not in pairs]
    alone = f'; by themselves: {", ".join(single)}' if single else ''
    checked = '' if is_doubted else ', not contradicted by where the joints are'
    return f'{count} pair{"s" * (count > 1)} by name{checked}{alone}'


def _describe_links(data: KeypointData, links: Sequence[tuple[int, int]]) -> str:
    if data.links:
        return f"{len(links)} from the file's category"
    names = data.joint_names
    text = ', '.join(f'{names[a]}-{names[b]}' for a, b in links)
    return f'suggested, joints whose distance changes least: {text}'
