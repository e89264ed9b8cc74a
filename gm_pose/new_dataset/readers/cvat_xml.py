"""CVAT's own format, "CVAT for images 1.1": skeletons, or points of one label each.

Own code, since the packages that read it (Datumaro) bring hundreds of MB, and the part that
holds skeletons is small. Reference: docs.cvat.ai/docs/manual/advanced/xml_format.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.new_dataset.readers.image_files import ImageFolder
from gm_pose.new_dataset.readers.malformed import explain_malformed
from gm_pose.runs.user_errors import UserError

__all__ = ['read_cvat']


def read_cvat(path: Path, images: Path, category: str | None) -> KeypointData:
    """annotations.xml of "CVAT for images 1.1" -> people of one skeleton label.

    A point that is `outside` is unlabelled, one that is `occluded` has visibility 1.

    Raises:
        UserError: no XML of CVAT's, of the video format, without skeletons, or with several
            skeleton labels and none chosen.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # or an encoding
        raise UserError(f'{path} is no XML: {error}') from error
    if root.tag != 'annotations':
        raise UserError(f"{path} has <{root.tag}>; expected CVAT's <annotations>")
    if root.find('track') is not None:
        raise UserError(
            f'{path} is "CVAT for video", whose frames lie between key frames. Fix: export '
            'it as "CVAT for images 1.1" or "COCO Keypoints 1.0"'
        )
    label = _choose_label(path, root, category)
    names = _list_joints(root, label)
    folder = ImageFolder(images)
    data = KeypointData(
        source='CVAT for images 1.1',
        images=[],
        annotations=[],
        joint_names=names,
        category=dict(id=1, name=label),
    )
    missing: list[str] = []
    for number, image in enumerate(root.iter('image'), 1):
        skeletons = [s for s in image.iter('skeleton') if s.get('label') == label]
        name = folder.find(image.get('name', ''))
        if name is None:
            missing += [image.get('name', '')] if skeletons else []
            continue
        with explain_malformed(path, f'image {name}', 'CVAT'):
            data.images.append(
                dict(
                    id=number,
                    file_name=name,
                    width=int(image.get('width', 0)),
                    height=int(image.get('height', 0)),
                )
            )
            for skeleton in skeletons:
                data.add_person(number, _read_joints(skeleton, names))
    data.note_missing(missing, images)
    return data


def _choose_label(path: Path, root: ElementTree.Element, name: str | None) -> str:
    labels = sorted({s.get('label', '') for s in root.iter('skeleton')})
    if name is not None:
        labels = [label for label in labels if label == name]
    if len(labels) == 1:
        return labels[0]
    if labels:
        raise UserError(
            f'{path} has skeletons of {len(labels)} labels: {", ".join(labels)}. Fix: '
            '--category LABEL'
        )
    raise UserError(
        f'{path} has no skeleton{"" if name is None else f" with the label {name!r}"}; '
        'single points of CVAT do not say whose they are. Fix: annotate with a skeleton '
        'label'
    )


def _list_joints(root: ElementTree.Element, label: str) -> list[str]:
    """The skeleton's joints in the order of the label's definition, else as they come."""
    names = [
        entry.findtext('name', '')
        for entry in root.iter('label')
        if entry.findtext('parent') == label
    ]
    seen = [
        points.get('label', '')
        for skeleton in root.iter('skeleton')
        if skeleton.get('label') == label
        for points in skeleton.iter('points')
    ]
    return list(dict.fromkeys([*names, *seen]))


def _read_joints(skeleton: ElementTree.Element, names: list[str]) -> list[Any]:
    """One skeleton -> 3 K numbers."""
    values = [0.0, 0.0, 0] * len(names)
    for points in skeleton.iter('points'):
        if points.get('outside') == '1':
            continue
        at = 3 * names.index(points.get('label', ''))
        if values[at + 2]:
            raise ValueError(f'{points.get("label")!r} twice in a skeleton')
        x, y = points.get('points', '0,0').split(';')[0].split(',')
        visible = 1 if points.get('occluded') == '1' else 2
        values[at : at + 3] = [float(x), float(y), visible]
    return values
