"""Why a run is refused: table of annotations, index of one that breaks a rule -> problem.

Places begin below the file's name; 'it' is the file.
"""

import sys
from typing import Any

from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.problem import Problem

__all__ = [
    'explain_area',
    'explain_areas_missing',
    'explain_box',
    'explain_categories',
    'explain_crowd',
    'explain_fields_missing',
    'explain_id',
    'explain_image',
    'explain_image_id',
    'explain_joints',
    'explain_keypoints',
    'explain_misread',
    'explain_nobody',
    'explain_nobody_kept',
]


def explain_image(table: AnnotationTable, index: int) -> Problem:
    return Problem(
        _name(index, 'image_id'),
        f'is {table.entries[index]["image_id"]!r}, which is not in `images`',
        'the file is a mix of two, or half of one: copy it again',
    )


def explain_keypoints(table: AnnotationTable, index: int) -> Problem:
    value, count = table.entries[index]['keypoints'], table.num_keypoints
    is_row = isinstance(value, list)
    if is_row and len(value) % 3 == 0 and count is not None and len(value) != 3 * count:
        return Problem(
            _name(index, 'keypoints'),
            f'has {len(value) // 3} keypoints; expected {count}',
            'give the dataset the metainfo of this file, or correct the annotation',
        )
    expected = 'x, y, visibility of each joint'
    found = f'has {len(value)} numbers' if is_row and len(value) % 3 else None
    found = found or f'is {_shorten(value)}'
    return _correct(table, index, 'keypoints', f'{found}; expected {expected}')


def explain_joints(table: AnnotationTable, index: int) -> Problem:
    value = table.entries[index]['keypoints']
    joints = [value[k : k + 3] for k in range(0, len(value), 3)]
    largest = sys.float_info.max
    k = next(
        k for k, joint in enumerate(joints) if any(not abs(x) <= largest for x in joint)
    )
    fault = f'has {_shorten(joints[k])} as joint {k}; expected finite numbers'
    return _correct(table, index, 'keypoints', fault)


def explain_box(table: AnnotationTable, index: int) -> Problem:
    value = _shorten(table.entries[index]['bbox'])
    fault = f'is {value}; expected x, y, width, height'
    return _correct(table, index, 'bbox', fault)


def explain_area(table: AnnotationTable, index: int) -> Problem:
    value = _shorten(table.entries[index]['area'])
    return _correct(table, index, 'area', f'is {value}; expected a number')


def _correct(table: AnnotationTable, index: int, field: str, fault: str) -> Problem:
    key = table.entries[index].get('id')
    which = '' if key is None else f' (id {key})'
    fix = 'correct it or leave it out; `gm_pose check-data` lists all'
    return Problem(f'{_name(index, field)}{which}', fault, fix)


def explain_nobody(table: AnnotationTable, words: Any) -> Problem:
    fields = ' and '.join(f'`{field}`' for field in table.needs)
    return Problem(
        'it',
        f'has no annotation with {fields}',
        'give the keypoint file (person_keypoints_*.json), not that of boxes or captions',
    )


def explain_nobody_kept(table: AnnotationTable, reasons: str) -> Problem:
    return Problem(
        'it',
        f'leaves nobody to train or evaluate on: of {len(table)} annotations {reasons}',
        'label joints, or correct what MMPose drops people for',
    )


def explain_misread(table: AnnotationTable, words: str) -> Problem:
    what, _, line = words.partition('; convert: ')
    fix = f'convert it once, with json.load before and json.dump after: {line}'
    return Problem(
        'it',
        f'is in another format: {what}',
        fix if line else 'correct the boxes, or the joints',
    )


def explain_image_id(table: AnnotationTable, key: str) -> Problem:
    line = (
        "for ids in [{i['id']: n for n, i in enumerate(data['images'], 1)}]: "
        "[a.update(image_id=ids[a['image_id']]) for a in data['annotations']]; "
        "[i.update(id=ids[i['id']]) for i in data['images']]"
    )
    return Problem(
        f'images: id {key}',
        'is no integer, and MMPose looks images up by integers',
        f'number them: {line}',
    )


def explain_areas_missing(table: AnnotationTable, index: int) -> Problem:
    count = sum('area' not in entry for entry in table.entries)
    return Problem(
        _name(index, 'area'),
        f'is missing, as in {count} of {len(table)}; CocoMetric scales OKS by it',
        'add `area` in px^2 (not 0.53 x box if AP is compared with others), or set '
        'use_area=False in the evaluator, which takes 0.53 x box',
    )


def explain_fields_missing(table: AnnotationTable, index: int) -> Problem:
    fields = ('keypoints', 'bbox', 'num_keypoints')
    field = next(f for f in fields if f not in table.entries[index])
    return Problem(
        _name(index, field),
        'is missing, and COCOeval reads it of every annotation',
        'leave such annotations out of the file that is evaluated on',
    )


def explain_categories(table: AnnotationTable, words: str) -> Problem:
    key = table.entries[0]['category_id']
    return Problem(
        'categories',
        f'do not fit: {words}; CocoMetric scores by category, and AP would be -1',
        f"data['categories'] = [dict(id={key!r}, name='person')]",
    )


def explain_id(table: AnnotationTable, index: int) -> Problem:
    return Problem(
        _name(index, 'id'),
        f'is {_shorten(table.entries[index]["id"])}; COCOeval takes integers from 0 to '
        '2^63 - 1',
        "number them: for n, a in enumerate(data['annotations'], 1): a['id'] = n",
    )


def explain_crowd(table: AnnotationTable, index: int) -> Problem:
    return Problem(
        _name(index, 'iscrowd'),
        f'is {table.entries[index]["iscrowd"]!r}; expected 0 or 1',
        "for a in data['annotations']: a['iscrowd'] = int(a['iscrowd'] or 0)",
    )


def _name(index: int, field: str) -> str:
    return f'annotations[{index}].{field}'


def _shorten(value: Any) -> str:
    return str(value)[:40]
