"""Annotations as columns of numbers, each made once, for rules that look at all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from gm_pose.runs.data_checks.column import Column, Flags, Floats, Indices
from gm_pose.runs.data_checks.file_use import FileUse

__all__ = [
    'MISSING',
    'AnnotationTable',
    'Flags',
    'Floats',
    'Indices',
    'find_set',
    'guess_keypoint_count',
    'read_joint_names',
]

MISSING = object()
"""Value of a field that an entry does not have."""

_FIELDS = (
    'id',
    'image_id',
    'category_id',
    'iscrowd',
    'num_keypoints',
    'area',
    'bbox',
    'keypoints',
)
_CHUNK = 10_000  # entries read in turn: each is in the processor's cache for all fields


def read_joint_names(data: dict) -> list[str]:
    """Names of the first category that has any, or an empty list."""
    categories = data.get('categories')
    for category in categories if isinstance(categories, list) else []:
        names = category.get('keypoints') if isinstance(category, dict) else None
        if names and isinstance(names, list):
            return [str(name) for name in names]
    return []


def guess_keypoint_count(data: dict) -> int:
    """K of a file: that of its category, or of most annotations."""
    names = read_joint_names(data)
    if names:
        return len(names)
    rows = (entry.get('keypoints') for entry in data['annotations'])
    lengths = Counter(len(row) for row in rows if isinstance(row, list) and row)
    return lengths.most_common(1)[0][0] // 3 if lengths else 0


class AnnotationTable:
    """A COCO keypoint file's annotations, N of them.

    Args:
        data: content of a file that `check_lists` accepts.
        num_keypoints: K that every row of keypoints should have; None if nobody says.
        needs: only of annotations that have these fields are the columns made.
        names: the config's K joint names, compared with the file's.
        flip_pairs: the config's pairs of joints that change places in a mirrored image.
        use: what a run does with the file; by default it is not evaluated on.
    """

    def __init__(
        self,
        data: dict,
        num_keypoints: int | None,
        needs: tuple[str, ...] = (),
        names: Sequence[str] | None = None,
        flip_pairs: Sequence[tuple[int, int]] | None = None,
        use: FileUse | None = None,
    ) -> None:
        self.use = use or FileUse(is_evaluated=False)
        self.cache: dict[str, Any] = {}  # what rules share
        self.num_keypoints = num_keypoints
        self.needs = needs
        self.config_names = None if names is None else list(names)
        self.flip_pairs = flip_pairs
        self.own_names = read_joint_names(data)
        self.images: list[dict] = data.get('images') or []
        self.entries: list[dict] = data['annotations']
        self.categories: list[dict] = data.get('categories') or []

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def keypoints(self) -> Column:
        """(R, 3 K): x, y, visibility of each joint; any rows of triples if K is None."""
        width = None if self.num_keypoints is None else 3 * self.num_keypoints
        return self._read('keypoints', width)

    @cached_property
    def boxes(self) -> Column:
        """(R, 4): x, y, width, height in px."""
        return self._read('bbox', 4)

    @cached_property
    def areas(self) -> Column:
        """(R, 1), in px^2, of people with keypoints."""
        joints, areas = self.fields['keypoints'], self.fields['area']
        at = [
            n
            for n in self._find('area')
            if joints[n] is not None and joints[n] is not MISSING
        ]
        return Column(at, [[areas[n]] for n in at], 1)

    @cached_property
    def fields(self) -> dict[str, list[Any]]:
        """Field -> what each annotation has there, or `MISSING`."""
        columns: dict[str, list[Any]] = {field: [] for field in _FIELDS}
        for start in range(0, len(self.entries), _CHUNK):
            chunk = self.entries[start : start + _CHUNK]
            try:
                rows = list(map(itemgetter(*_FIELDS), chunk))
            except KeyError:
                rows = [tuple(e.get(f, MISSING) for f in _FIELDS) for e in chunk]
            for column, values in zip(
                columns.values(), zip(*rows, strict=True), strict=True
            ):
                column += values
        return columns

    def have(self, field: str) -> Flags:
        """(N,) which annotations have a field."""
        return np.array([value is not MISSING for value in self.fields[field]], bool)

    @cached_property
    def image_rows(self) -> dict[Any, int]:
        """Id of an image -> its place in `images`, the last one of several."""
        return dict(
            zip(
                map(itemgetter('id'), self.images), range(len(self.images)), strict=True
            )
        )

    @cached_property
    def category_ids(self) -> set[Any]:
        """Ids of the file's categories; empty where it has none."""
        kinds = self.categories if isinstance(self.categories, list) else []
        return {kind.get('id') for kind in kinds if isinstance(kind, dict)}

    def thin(self, step: int) -> AnnotationTable:
        """Every `step`-th annotation, with all images."""
        data = dict(images=self.images, annotations=self.entries[::step])
        table = AnnotationTable(data, self.num_keypoints, self.needs)
        table.image_rows = self.image_rows
        return table

    @cached_property
    def image_sizes(self) -> Floats:
        """(N, 2): width and height of each one's image, NaN where it has none."""
        rows = [self.image_rows.get(key, -1) for key in self.fields['image_id']]
        sizes = np.full((len(self.images) + 1, 2), np.nan)
        chosen = sorted(set(rows) - {-1})
        if chosen:
            read = itemgetter('width', 'height')
            sizes[chosen] = [read(self.images[row]) for row in chosen]
        return sizes[rows]

    @cached_property
    def _needed(self) -> list[int]:
        """Annotations that have all fields that are needed."""
        flags = np.ones(len(self.entries), bool)
        for field in self.needs:
            flags &= self.have(field)
        return np.flatnonzero(flags).tolist()

    def _find(self, field: str) -> list[int]:
        """Annotations that have a field, and those that are needed."""
        if field in self.needs:
            return self._needed
        values = self.fields[field]
        return [n for n in self._needed if values[n] is not MISSING]

    def _read(self, field: str, width: int | None) -> Column:
        at, values = self._find(field), self.fields[field]
        return Column(at, [values[n] for n in at], width)


def find_set(flags: list[bool]) -> Indices:
    """Indices of the flags that are set."""
    return np.flatnonzero(np.array(flags, bool))
