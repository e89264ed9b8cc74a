"""The people of any top-down dataset of MMPose, read by its own class."""

from collections.abc import Mapping, Sequence
from typing import Any

from gm_pose.codecs.base_codec import to_plain
from gm_pose.fast_lane.people.packed_values import pack_json
from gm_pose.fast_lane.people.people_columns import (
    EmptyDataset,
    PeopleColumns,
    UnpackableDataset,
)

__all__ = ['read_dataset_columns']


def read_dataset_columns(dataset: Mapping[str, Any]) -> PeopleColumns:
    """Config of a dataset -> what its samples hold before the pipeline.

    Raises:
        UnpackableDataset: no sample, or one whose annotation holds more than JSON can.
    """
    from mmpose.registry import DATASETS

    settings = dict(
        to_plain(dataset), pipeline=[], lazy_init=False, serialize_data=False
    )
    built = DATASETS.build(settings)
    infos = _list_infos(built)
    if not infos:
        raise EmptyDataset
    _check_keys(infos, type(built).__name__)
    shared = [key for key in infos[0] if all(key in info for info in infos)]
    values: dict[str, Sequence[Any]] = {
        key: [info[key] for info in infos] for key in shared
    }
    raw = values.pop('raw_ann_info', None) if built.test_mode else None
    values.pop('raw_ann_info', None)
    sizes = {}
    for info in infos:
        if 'img_shape' in info:
            height, width = info['img_shape'][:2]
            sizes[info['img_path']] = (int(width), int(height))
    try:
        texts = None if raw is None else [pack_json(value) for value in raw]
    except TypeError as error:
        raise UnpackableDataset(f'raw_ann_info cannot be kept: {error}') from error
    return PeopleColumns(values, texts, sizes, built.metainfo.get('CLASSES'))


_KEYS = (
    'id',
    'img_id',
    'img_path',
    'bbox',
    'bbox_score',
    'keypoints',
    'keypoints_visible',
)


# What MMPose's transforms read of a sample, beside `_KEYS`, where it is there.
_CHANGES = (
    'bbox_rotation',
    'field_mapping_table',
    'img',
    'img_mask',
    'input_size',
    'instance_mapping_table',
    'keypoints_visible_weights',
    'label_mapping_table',
    'transformed_keypoints',
)


def _check_keys(infos: Sequence[Mapping[str, Any]], name: str) -> None:
    """All that a crop needs is in all samples, and nothing that changes it besides."""
    for key in _KEYS:
        if not all(key in info for info in infos):
            raise UnpackableDataset(f'{name} gives samples without `{key}`')
    found = [key for key in _CHANGES if any(key in info for info in infos)]
    if found:
        raise UnpackableDataset(f'{name} gives samples with `{found[0]}`')


def _list_infos(built: Any) -> list[dict[str, Any]]:
    """Samples, without the copies that MMEngine makes of each."""
    from mmpose.datasets.datasets.base import BaseCocoStyleDataset

    if type(built).get_data_info is BaseCocoStyleDataset.get_data_info:
        infos = built.data_list
    else:
        infos = [built.get_data_info(row) for row in range(len(built))]
        for info in infos:
            for name in (*built.metainfo, 'sample_idx'):
                info.pop(name, None)
    return infos
