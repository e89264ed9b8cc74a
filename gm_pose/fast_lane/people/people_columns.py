"""Samples of a dataset, key by key, as arrays of one row each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gm_pose.fast_lane.people.packed_values import pack_bytes

__all__ = ['EmptyDataset', 'PeopleColumns', 'UnpackableDataset', 'pack_columns']

# Read from the annotation itself, or by bottom-up models alone.
_LEFT_OUT = ('segmentation', 'img_shape', 'sample_idx')


class UnpackableDataset(ValueError):
    """A dataset whose samples are not one person each, of one number of keypoints."""


class EmptyDataset(UnpackableDataset):
    """A dataset of nobody."""

    def __init__(self) -> None:
        super().__init__('no sample is left; expected at least one')


@dataclass
class PeopleColumns:
    """N samples.

    Args:
        values: key of a sample -> its N values, or an array of them.
        raw_annotations: N texts of JSON; none in training, or without `raw_ann_info`.
        image_sizes: path of an image -> (W, H) in px, where known.
        classes: what the file says of categories, for the metainfo.
    """

    values: dict[str, Sequence[Any]]
    raw_annotations: list[bytes] | None = None
    image_sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    classes: Any = None


def pack_columns(
    columns: PeopleColumns, prefix: str
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Columns -> (arrays of `PeopleArrays`, notes).

    Args:
        columns: of one dataset.
        prefix: folder of images; paths are kept without it if all have it.

    Raises:
        UnpackableDataset: no sample, several people in one, or K is not the same in all.
    """
    values = dict(columns.values)
    paths = values.pop('img_path')
    count = len(paths)
    if count == 0:
        raise EmptyDataset
    arrays = dict(
        ids=_stack(values, 'id', (), np.int64),
        img_ids=_to_ids(values.pop('img_id')),
        category_ids=_pop_categories(values, count),
        bboxes_px=_stack(values, 'bbox', (4,), np.float32),
        bbox_scores=_stack(values, 'bbox_score', (), np.float32),
        keypoints_px=_stack(values, 'keypoints', (-1, 2), np.float32),
        visible=_stack(values, 'keypoints_visible', (-1,), np.float32),
    )
    if arrays['visible'].shape != arrays['keypoints_px'].shape[:2]:
        raise UnpackableDataset(
            f'keypoints_visible has {arrays["visible"].shape[1:]} values a person; '
            f'expected one for each of {arrays["keypoints_px"].shape[1]} keypoints'
        )
    _check_centers(values, arrays['bboxes_px'])
    rows: dict[str, int] = {}
    image_rows = [rows.setdefault(path, len(rows)) for path in paths]
    arrays['image_rows'] = np.array(image_rows, np.int32)
    sizes = [columns.image_sizes.get(path, (0, 0)) for path in rows]
    arrays['image_sizes_px'] = np.array(sizes, np.int32).reshape(-1, 2)
    is_relative = all(path.startswith(prefix) for path in rows)
    start = len(prefix) if is_relative else 0
    names = pack_bytes(path[start:].encode(errors='surrogateescape') for path in rows)
    arrays['image_names'], arrays['image_name_ends'] = names
    if columns.raw_annotations is not None:
        packed = pack_bytes(columns.raw_annotations)
        arrays['raw_ann_info'], arrays['raw_ann_info_ends'] = packed
    left_out = []
    for name, column in values.items():
        array = None if name in _LEFT_OUT else _to_numbers(column)
        if array is None:
            left_out.append(name)
        else:
            arrays[f'extra_{name}'] = array
    notes = dict(
        is_relative=is_relative, classes=columns.classes, left_out=sorted(left_out)
    )
    return arrays, notes


def _check_centers(values: dict[str, Sequence[Any]], bboxes_px: np.ndarray) -> None:
    """`GetBBoxCenterScale` prefers a sample's own center and scale to those of its box."""
    if not {'bbox_center', 'bbox_scale'} <= {*values}:
        return
    start, end = bboxes_px[:, :2], bboxes_px[:, 2:]
    for name, expected in (
        ('bbox_center', (start + end) / 2),
        ('bbox_scale', end - start),
    ):
        own = np.asarray(values[name], np.float32).reshape(expected.shape)
        if not np.allclose(own, expected, rtol=1e-4, atol=1e-2):
            raise UnpackableDataset(
                f'samples have a `{name}` that is not that of `bbox`'
            )


def _stack(
    values: dict[str, Sequence[Any]], name: str, shape: tuple[int, ...], kind: type
) -> np.ndarray:
    """N values of shape (1, ...), or (...) -> (N, ...)."""
    column = values.pop(name)
    try:
        array: np.ndarray = np.asarray(column).astype(kind)
    except (ValueError, TypeError):
        raise UnpackableDataset(
            f'samples have different shapes of `{name}`, or no numbers; expected one shape'
        ) from None
    if -1 not in shape:
        is_single = array.size == len(array) * int(np.prod(shape))
    else:
        is_single = array.ndim == 1 + len(shape) or array.shape[1] == 1
    if not is_single:
        raise UnpackableDataset(
            f'samples have {array.shape[1]} of `{name}`; expected one person each'
        )
    return array.reshape(len(array), *shape)


def _to_ids(column: Sequence[Any]) -> np.ndarray:
    """Whole numbers as int64; texts as they are."""
    ids = np.asarray(column)
    if ids.dtype.kind in 'iub':
        return ids.astype(np.int64)
    if ids.dtype.kind != 'U' or not all(isinstance(value, str) for value in column):
        raise UnpackableDataset('img_id is neither whole numbers nor texts')
    return ids


def _pop_categories(values: dict[str, Sequence[Any]], count: int) -> np.ndarray:
    if 'category_id' not in values:
        return np.ones(count, np.int64)
    return _stack(values, 'category_id', (), np.int64)


def _to_numbers(column: Sequence[Any]) -> np.ndarray | None:
    """N numbers or arrays of one shape -> (N, ...); None of anything else."""
    try:
        array = np.asarray(column)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in 'biuf' else None
