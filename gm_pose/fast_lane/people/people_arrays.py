"""The people of an MMPose dataset as arrays, mapped from a cache that all ranks share."""

import contextlib
import logging
import os
import os.path as osp
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from gm_pose.fast_lane.people.array_folder import (
    DamagedFolder,
    read_arrays,
    write_arrays,
)
from gm_pose.fast_lane.people.packed_values import PackedTexts, unpack_json
from gm_pose.fast_lane.people.people_columns import PeopleColumns, pack_columns
from gm_pose.fast_lane.people.people_from_coco import read_coco_columns
from gm_pose.fast_lane.people.people_from_dataset import read_dataset_columns
from gm_pose.fast_lane.people.people_key import (
    has_own_reader,
    hash_arrays,
    make_key,
    make_shell,
)
from gm_pose.fast_lane.people.people_of_parts import (
    combine_parts,
    is_combined,
    make_combined_key,
    make_combined_shell,
)
from gm_pose.runs.files.cache_folder import (
    explain_cache_error,
    find_cache_folder,
    hold_lock,
)

__all__ = ['IMAGE_COLUMNS', 'PeopleArrays', 'load_people']


IMAGE_COLUMNS = ('image_names', 'image_name_ends', 'image_sizes_px')
"""Arrays that tell images from another dataset's, wherever both are."""


@dataclass(frozen=True, eq=False)
class PeopleArrays:
    """One row for each sample of an MMPose top-down dataset, in its order.

    N people, M images, K keypoints. The arrays are read-only maps of files: processes of
    a machine share them, and one that is pickled opens the files again.

    Args:
        folder: where the files are.
        arrays: name -> array.
        notes: `classes` (the file's categories or None), `fields` (keys of a sample).
        image_prefix: folder of the images, ends with a slash if not empty.
        metainfo: the dataset's, as MMPose parses it.
    """

    folder: Path
    arrays: Mapping[str, np.ndarray]
    notes: Mapping[str, Any]
    image_prefix: str
    metainfo: dict[str, Any]

    def __len__(self) -> int:
        return len(self.ids)

    def __reduce__(self) -> tuple:
        return _open, (self.folder, self.image_prefix, self.metainfo)

    @property
    def key(self) -> str:
        """Names the content: annotation files, settings and versions."""
        return self.folder.name

    @property
    def ids(self) -> np.ndarray:
        """(N,) int64."""
        return self.arrays['ids']

    @property
    def img_ids(self) -> np.ndarray:
        """(N,) int64, or texts where the dataset has those."""
        return self.arrays['img_ids']

    @property
    def category_ids(self) -> np.ndarray:
        """(N,) int64; 1, as `CocoMetric` assumes, where a sample has none."""
        return self.arrays['category_ids']

    @property
    def image_rows(self) -> np.ndarray:
        """(N,) int32: the row of a person's image in `image_paths`."""
        return self.arrays['image_rows']

    @property
    def bboxes_px(self) -> np.ndarray:
        """(N, 4) float32 [x1, y1, x2, y2]."""
        return self.arrays['bboxes_px']

    @property
    def bbox_scores(self) -> np.ndarray:
        """(N,) float32."""
        return self.arrays['bbox_scores']

    @property
    def keypoints_px(self) -> np.ndarray:
        """(N, K, 2) float32 [x, y]."""
        return self.arrays['keypoints_px']

    @property
    def visible(self) -> np.ndarray:
        """(N, K) float32, MMPose's `keypoints_visible`."""
        return self.arrays['visible']

    @property
    def image_sizes_px(self) -> np.ndarray:
        """(M, 2) int32 [W, H] as annotated; 0 where the dataset does not say."""
        return self.arrays['image_sizes_px']

    @cached_property
    def image_paths(self) -> PackedTexts:
        """M paths."""
        names = self.arrays['image_names'], self.arrays['image_name_ends']
        return PackedTexts(*names, prefix=self.image_prefix)

    @cached_property
    def extras(self) -> dict[str, np.ndarray]:
        """Other numbers of a sample (area, head_size, ...): `extras[name][row]` is its."""
        mark = 'extra_'
        return {
            name.removeprefix(mark): array
            for name, array in self.arrays.items()
            if name.startswith(mark)
        }

    @property
    def areas(self) -> np.ndarray | None:
        """(N,) float32, where samples have one."""
        return self.extras.get('area')

    def raw_ann_info(self, row: int) -> dict[str, Any] | None:
        """The annotation of a row as it stands in the file.

        None of a detection, and in a dataset without `test_mode`: training has no use for
        them, and they are most of the file.
        """
        if 'raw_ann_info' not in self.arrays:
            return None
        data, ends = self.arrays['raw_ann_info'], self.arrays['raw_ann_info_ends']
        return unpack_json(data, ends, int(row) % len(self))


def load_people(
    dataset: Mapping[str, Any],
    cache_dir: str | os.PathLike | None = None,
    verify: bool = False,
) -> PeopleArrays:
    """Config of an MMPose top-down dataset -> its people.

    Built once for each content of the annotation files and each setting of the dataset,
    by one process of a machine while the others wait; then mapped. A user's class that
    reads in a way of its own reads at each start, see `has_own_reader`.

    Args:
        dataset: config; its pipeline and wrappers of it are not looked at, but of
            `CombinedDataset` the parts, each of which is packed on its own, too.
        cache_dir: see `find_cache_folder`.
        verify: hash all of the cached files.

    Raises:
        UserError: the cache is not there and cannot be written.
        UnpackableDataset: samples that are not one person each, of one K.
    """
    cache = find_cache_folder(cache_dir)
    shell: Any
    read: Callable[[], PeopleColumns]
    key: str | None
    if is_combined(dataset):
        parts = [load_people(part, cache_dir, verify) for part in dataset['datasets']]
        shell = make_combined_shell(dataset, parts)
        key = make_combined_key(dataset, parts)
        num_keypoints = shell.metainfo['num_keypoints']
        read = partial(combine_parts, dataset, parts, num_keypoints)
    else:
        shell = make_shell(dataset)
        key = None if has_own_reader(type(shell)) else make_key(dataset, shell, cache)
        read = partial(_read_columns, dataset, shell)
    return _load(cache, key, shell, read, verify)


def _read_columns(dataset: Mapping[str, Any], shell: Any) -> PeopleColumns:
    return read_coco_columns(shell) or read_dataset_columns(dataset)


def _load(
    cache: Path,
    key: str | None,
    shell: Any,
    read: Callable[[], PeopleColumns],
    verify: bool,
) -> PeopleArrays:
    """People under a key of the cache, where they are put first if they are not there.

    Without a key they are read, and what was read is the key.
    """
    packed = None
    if key is None:
        packed = _pack(read(), shell)
        key = hash_arrays(*packed)
    folder = cache / 'people' / key
    with contextlib.suppress(DamagedFolder):
        people = _open_if_there(folder, shell, verify)
        if people is not None:
            return people
    with hold_lock(cache / 'people' / f'{folder.name}.lock'):
        try:
            people = _open_if_there(folder, shell, verify)  # another process built it
            if people is not None:
                return people
        except DamagedFolder as error:
            text = f'the cached annotations are damaged, packing again: {error}'
            print_log(text, 'current', logging.WARNING)
        arrays, notes = packed or _pack(read(), shell)
        try:
            write_arrays(folder, arrays, notes)
        except OSError as error:
            raise explain_cache_error(error, folder.parent) from error
    print_log(f'packed {len(arrays["ids"])} people into {folder}', 'current')
    people = _open_if_there(folder, shell, verify)
    if people is None:
        raise OSError(f'{folder} was removed while it was opened')
    return people


def _pack(
    columns: PeopleColumns, shell: Any
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What was read -> what `write_arrays` takes."""
    arrays, notes = pack_columns(columns, get_image_prefix(shell))
    notes['data_prefix'] = shell.data_prefix
    return arrays, notes


def get_image_prefix(shell: Any) -> str:
    """The folder that the dataset puts before the names of images."""
    return osp.join((shell.data_prefix or {}).get('img') or '', '')


def _open_if_there(folder: Path, shell: Any, verify: bool) -> PeopleArrays | None:
    """None if nothing is there, or images of another folder; else may raise."""
    try:
        arrays, notes = read_arrays(folder, verify)
    except FileNotFoundError:
        return None
    prefix = get_image_prefix(shell)
    if not notes['is_relative']:  # images elsewhere than below the prefix
        if notes['data_prefix'] != shell.data_prefix:
            return None
        prefix = ''
    metainfo = dict(shell.metainfo)
    if notes['classes'] is not None:
        metainfo['CLASSES'] = notes['classes']
    return PeopleArrays(folder, arrays, notes, prefix, metainfo)


def _open(folder: Path, image_prefix: str, metainfo: dict[str, Any]) -> PeopleArrays:
    """Unpickle."""
    arrays, notes = read_arrays(folder)
    return PeopleArrays(folder, arrays, notes, image_prefix, metainfo)
