"""DeepLabCut's CollectedData_*.csv, of one animal or several.

Own code: sleap-io sorts the joints by name and leaves out images that it does not find.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.new_dataset.readers.image_files import ImageFolder, read_size
from gm_pose.new_dataset.readers.malformed import explain_malformed
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
    # before it: the image's path, in one column or three
    first = coordinates.index('x')
    num_columns = len(coordinates)
    if coordinates[first:] != ['x', 'y'] * ((num_columns - first) // 2):
        raise UserError(
            f'{path} has the coords {", ".join(coordinates[first:])[:60]}; expected x, y '
            'for each joint'
        )
    joints = header['bodyparts']
    animals = header.get('individuals', [''] * len(joints))
    columns = list(zip(animals, joints, strict=True))[first::2]
    twice = {joint for animal, joint in columns if columns.count((animal, joint)) > 1}
    if twice:
        raise UserError(f'{path} names the joints {", ".join(sorted(twice))} twice')
    names = list(dict.fromkeys(joints[first:]))
    data = KeypointData(
        'DeepLabCut CSV', [], [], names, category=dict(id=1, name='animal')
    )
    folder = ImageFolder(images)
    missing: list[str] = []
    for number, row in enumerate(rows, len(header) + 1):
        people: dict[str, list[float]] = {}
        with explain_malformed(path, f'line {number}', 'DeepLabCut'):
            if len(row) != num_columns:
                raise ValueError(f'{len(row)} columns; expected {num_columns}')
            written = '/'.join(part for part in row[:first] if part)
            name = folder.find(written)
            for k in range(first, num_columns, 2):
                x, y = (float(v) if v.strip() else math.nan for v in row[k : k + 2])
                if math.isfinite(x) and math.isfinite(y):
                    person = people.setdefault(animals[k], [0.0, 0.0, 0] * len(names))
                    at = 3 * names.index(joints[k])
                    person[at : at + 3] = [x, y, 2]
        if name is None:
            missing += [written] if people else []
            continue
        image_id = len(data.images) + 1
        height, width = read_size(images / name)
        data.images.append(
            dict(id=image_id, file_name=name, width=width, height=height)
        )
        for keypoints in people.values():
            data.add_person(image_id, keypoints)
    data.note_missing(missing, images)
    return data


def _read_table(path: Path) -> tuple[dict[str, list[str]], list[list[str]]]:
    """File -> lines of its header by their first word, rows of numbers."""
    try:
        # Excel writes a mark
        with open(path, newline='', encoding='utf-8-sig') as file:
            lines = [line for line in csv.reader(file) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f'{path} is no table in UTF-8: {error}. Fix: save it as "CSV UTF-8"'
        ) from error
    begin = ','.join(lines[0])[:40] if lines else ''
    header = {}
    while lines and lines[0][0] in ('scorer', 'individuals', 'bodyparts', 'coords'):
        line = lines.pop(0)
        header[line[0]] = line
    if not {'bodyparts', 'coords'} <= header.keys() or 'x' not in header['coords']:
        raise UserError(
            f'{path} begins with {begin!r}; expected lines "scorer", "bodyparts" and '
            '"coords", with commas. Fix: CollectedData_*.csv of DeepLabCut'
        )
    if len({len(line) for line in header.values()}) > 1:
        raise UserError(f'{path}: the lines of its header differ in their columns')
    return header, lines
