"""COCO's layout: which lists a file has, and which fields their entries."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any, NoReturn, TypedDict

from gm_pose.runs.problem import Problem
from gm_pose.runs.user_errors import UserError

__all__ = ['CocoFile', 'check_lists']

_FIX = 'give a COCO keypoint file (lists `images`, `annotations`, `categories`)'
_ID = ((int, float, str), 'a number or text')
_SIZE = ((int, float), 'a number')
# list: field: the types that it may have, and their name
_FIELDS: dict[str, dict[str, tuple[tuple[type, ...], str]]] = {
    'images': dict(id=_ID, file_name=((str,), 'text'), width=_SIZE, height=_SIZE),
    'annotations': dict(id=_ID, image_id=_ID, category_id=_ID),
    'categories': dict(id=_ID),
}
_OPTIONAL = ('categories',)
_CHUNK = (
    10_000  # entries whose fields are looked at in turn, while in the processor's cache
)


class CocoImage(TypedDict, total=False):
    """Fields of an image that a rule looks at."""

    id: Any
    file_name: Any
    width: Any
    height: Any
    crowdIndex: Any


class CocoAnnotation(TypedDict, total=False):
    """Fields of an annotation that a rule looks at; outlines are half of COCO's file."""

    id: Any
    image_id: Any
    category_id: Any
    iscrowd: Any
    num_keypoints: Any
    area: Any
    bbox: Any
    keypoints: Any


class CocoFile(TypedDict, total=False):
    """What rules look at: `read_json(path, CocoFile)` reads no more."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: Any


def check_lists(
    data: Any, path: str, lists: tuple[str, ...], with_fields: bool = True
) -> None:
    """Lists of objects are there and not empty, and the objects have their fields.

    Args:
        data: content of the file.
        path: its name, for the message.
        lists: names of the lists; `categories` may be missing or empty.
        with_fields: look for ids and sizes too.

    Raises:
        UserError: for the first that is wrong.
    """
    if not isinstance(data, dict):
        kind = type(data).__name__
        _refuse(path, f'holds a {kind} and has no annotations; expected an object')
    for name in lists:
        entries = data.get(name)
        if name in _OPTIONAL and (name not in data or entries == []):
            continue
        if not isinstance(entries, list):
            _refuse(path, f'has no list `{name}`')
        if not entries:
            _refuse(f'{path}: the list `{name}`', 'is empty')
        for at in _where_type(entries, dict):
            _refuse_value(f'{path}: {name}[{at}]', entries[at], 'an object')
        if with_fields and not _are_usual(entries, _FIELDS[name]):
            for field, (kinds, expected) in _FIELDS[name].items():
                _check_field(entries, field, kinds, expected, f'{path}: {name}')


def _where_type(entries: list, kind: type) -> Iterator[int]:
    """Indices of entries that are no `kind`."""
    if set(map(type, entries)) != {kind}:
        yield from (n for n, e in enumerate(entries) if not isinstance(e, kind))


def _are_usual(entries: list[dict], fields: dict) -> bool:
    """Whether all entries have all fields, of their types."""
    for start in range(0, len(entries), _CHUNK):
        chunk = entries[start : start + _CHUNK]
        for field, (kinds, _) in fields.items():
            try:
                found = set(map(type, map(itemgetter(field), chunk)))
            except KeyError:
                return False
            if not all(issubclass(kind, kinds) for kind in found):
                return False
    return True


def _check_field(
    entries: list[dict], field: str, kinds: tuple[type, ...], expected: str, place: str
) -> None:
    try:
        values = [entry[field] for entry in entries]
    except KeyError:
        at = next(n for n, entry in enumerate(entries) if field not in entry)
        _refuse(f'{place}[{at}]', f'has no `{field}`')
    wrong = {kind for kind in set(map(type, values)) if not issubclass(kind, kinds)}
    if wrong:
        at = next(n for n, value in enumerate(values) if type(value) in wrong)
        _refuse_value(f'{place}[{at}].{field}', values[at], expected)


def _refuse_value(place: str, value: Any, expected: str) -> NoReturn:
    _refuse(place, f'is {str(value)[:40]}; expected {expected}')


def _refuse(place: str, fault: str, fix: str = _FIX) -> NoReturn:
    raise UserError(str(Problem(place, fault, fix)))
