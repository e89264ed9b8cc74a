"""Annotations as columns of numbers, each made once, for rules that look at all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import chain, compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.data_checks.file_use import FileUse

__all__ = ['AnnotationTable', 'Column', 'guess_keypoint_count', 'read_joint_names']

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


class Column:
    """A field of the entries that have it.

    Args:
        at: indices of those entries.
        rows: what each of them has there.
        width: numbers expected in each row; None for any number of triples.

    Attributes:
        at: (R,) which entries have rows of as many numbers as expected.
        wrong: which entries have something else.
    """

    def __init__(self, at: list[int], rows: list[Any], width: int | None) -> None:
        if set(map(type, rows)) <= {list}:
            lengths = np.fromiter(map(len, rows), int, len(rows))
        else:
            lengths = np.array([len(r) if isinstance(r, list) else -1 for r in rows])
        right = (lengths >= 0) & (
            lengths % 3 == 0 if width is None else lengths == width
        )
        chosen = rows if right.all() else list(compress(rows, right))
        try:
            sum(chain.from_iterable(chosen))  # the fastest way to ask for numbers
        except (TypeError, OverflowError):
            are_numbers = [all(isinstance(v, (int, float)) for v in r) for r in chosen]
            right[right] = are_numbers
            chosen = list(compress(chosen, are_numbers))
        indices = np.array(at, dtype=np.int64)
        self.at: Indices = indices[right]
        self.wrong: Indices = indices[~right]
        self._rows, self._width = chosen, width

    @cached_property
    def values(self) -> Floats:
        """(R, width), or (R', 3) where any number of triples is right."""
        flat = list(chain.from_iterable(self._rows))
        try:
            values = np.fromiter(flat, np.float64, len(flat))
        except OverflowError:
            values = np.array([_to_float(number) for number in flat])
        if self._width is None:
            return values.reshape(-1, 3)
        return values.reshape(len(self._rows), self._width)


def _to_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer of more than 308 digits
        return float('inf')


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
        at = [
            n
            for n in self._find('area')
            if self.entries[n].get('keypoints') is not None
        ]
        return Column(at, [[self.entries[n]['area']] for n in at], 1)

    @cached_property
    def category_ids(self) -> set[Any]:
        """Ids of the file's categories; empty where it has none."""
        kinds = self.categories if isinstance(self.categories, list) else []
        return {kind.get('id') for kind in kinds if isinstance(kind, dict)}

    def thin(self, step: int) -> AnnotationTable:
        """Every `step`-th annotation, with all images."""
        data = dict(images=self.images, annotations=self.entries[::step])
        return AnnotationTable(data, self.num_keypoints, self.needs)

    @cached_property
    def image_sizes(self) -> Floats:
        """(N, 2): width and height of each one's image, NaN where it has none."""
        row_of = {image['id']: row for row, image in enumerate(self.images)}
        sizes = np.full((len(self.images) + 1, 2), np.nan)
        for axis, field in enumerate(('width', 'height')):
            sizes[:-1, axis] = [image[field] for image in self.images]
        return sizes[[row_of.get(entry['image_id'], -1) for entry in self.entries]]

    @cached_property
    def _needed(self) -> list[int]:
        """Entries that have all fields that are needed."""
        flags = [True] * len(self.entries)
        for field in self.needs:
            flags = [f and field in e for f, e in zip(flags, self.entries, strict=True)]
        return list(compress(range(len(flags)), flags))

    def _find(self, field: str) -> list[int]:
        """Entries that have a field, and those that are needed."""
        if field in self.needs:
            return self._needed
        return [n for n in self._needed if field in self.entries[n]]

    def _read(self, field: str, width: int | None) -> Column:
        at = self._find(field)
        return Column(at, [self.entries[n][field] for n in at], width)
