"""Why a run is refused: table of annotations, index of one that breaks a rule -> problem.

Places begin below the file's name; 'it' is the file.
"""

from typing import Any

from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.problem import Problem

__all__ = [
    'explain_area',
    'explain_box',
    'explain_image',
    'explain_keypoints',
    'explain_nobody',
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


def explain_nobody(table: AnnotationTable, index: int) -> Problem:
    fields = ' and '.join(f'`{field}`' for field in table.needs)
    return Problem(
        'it',
        f'has no annotation with {fields}',
        'give the keypoint file (person_keypoints_*.json), not that of boxes or captions',
    )


def _name(index: int, field: str) -> str:
    return f'annotations[{index}].{field}'


def _shorten(value: Any) -> str:
    return str(value)[:40]
