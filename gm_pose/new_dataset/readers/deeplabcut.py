"""DeepLabCut's CollectedData_*.csv, of one animal or several.

Own code: sleap-io sorts the joints by name and leaves out images that it does not find.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.new_dataset.readers.image_files import ImageFolder, read_size
from gm_pose.runs.user_errors import UserError

__all__ = ['read_deeplabcut']


def read_deeplabcut(path: Path, images: Path) -> KeypointData:
    """Table of labels -> animals; each row is an image, each two columns a joint.

    Raises:
        UserError: no table of DeepLabCut's labels, or a table of its predictions.
    """
    header, rows = _read_table(path)
    coordinates = header['coords']
    if 'likelihood' in coordinates:
        raise UserError(
            f'{path} holds predictions of a video. Fix: CollectedData_*.csv, the labels'
        )
    first = coordinates.index(
        'x'
    )  # before it: the image's path, in one column or three
    joints = header['bodyparts']
    animals = header.get('individuals', [''] * len(joints))
    names = list(dict.fromkeys(joints[first:]))
    data = KeypointData(
        'DeepLabCut CSV', [], [], names, category=dict(id=1, name='animal')
    )
    folder = ImageFolder(images)
    missing = 0
    for row in rows:
        name = folder.find('/'.join(part for part in row[:first] if part))
        people: dict[str, list[float]] = {}
        for k in range(first, len(row) - 1, 2):
            x, y = (float(v) if v.strip() else math.nan for v in row[k : k + 2])
            if math.isfinite(x) and math.isfinite(y):
                person = people.setdefault(animals[k], [0.0, 0.0, 0] * len(names))
                at = 3 * names.index(joints[k])
                person[at : at + 3] = [x, y, 2]
        if name is None:
            missing += bool(people)
            continue
        number = len(data.images) + 1
        height, width = read_size(images / name)
        data.images.append(dict(id=number, file_name=name, width=width, height=height))
        for keypoints in people.values():
            data.add_person(number, keypoints)
    if missing:
        data.notes.append(f'{missing} labelled images are not in {images}: left out')
    return data


def _read_table(path: Path) -> tuple[dict[str, list[str]], list[list[str]]]:
    """File -> lines of its header by their first word, rows of numbers."""
    with open(path, newline='') as file:
        lines = [line for line in csv.reader(file) if line]
    header = {}
    while lines and lines[0][0] in ('scorer', 'individuals', 'bodyparts', 'coords'):
        line = lines.pop(0)
        header[line[0]] = line
    if not {'bodyparts', 'coords'} <= header.keys() or 'x' not in header['coords']:
        raise UserError(
            f'{path} has no lines "bodyparts" and "coords"; expected CollectedData_*.csv '
            'of DeepLabCut'
        )
    return header, lines
