"""Arrays of an evaluated batch -> the data samples that MMPose's heads and metrics read."""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from mmengine.structures import BaseDataElement, InstanceData
from mmpose.structures import PoseDataSample

__all__ = ['make_data_samples']

ElementT = TypeVar('ElementT', bound=BaseDataElement)


def make_data_samples(arrays: Mapping[str, Any]) -> list[PoseDataSample]:
    """One `PoseDataSample` a person, as `PackPoseInputs` makes it in evaluation.

    Args:
        arrays: `data_samples` of an evaluated batch of `FastTopdownDataset`. A key of
            MMPose's that is not among its `meta_keys` is left out; `category_id` is 1
            where a dataset has none, which is what `CocoMetric` takes then.

    Returns:
        B samples; their arrays are views of `arrays`.
    """
    instances = {
        packed: arrays[name][:, None]
        for name, packed in _INSTANCE_FIELDS
        if name in arrays
    }
    if 'head_size' in arrays:  # one of shape (1, 1) each
        instances['head_size'] = arrays['head_size']
    columns, shared = _list_metainfo(arrays)
    samples = []
    for k in range(len(arrays['ids'])):
        metainfo = {key: column[k] for key, column in columns.items()}
        truth = {name: values[k] for name, values in instances.items()}
        sample = _make(PoseDataSample, {**metainfo, **shared}, {})
        _set_property(sample, 'gt_instances', _make(InstanceData, {}, truth))
        _set_property(sample, 'gt_instance_labels', _make(InstanceData, {}, {}))
        samples.append(sample)
    return samples


_INSTANCE_FIELDS = (
    ('bboxes_px', 'bboxes'),
    ('bbox_scores', 'bbox_scores'),
    ('labelled_keypoints_px', 'keypoints'),
    ('labelled_visible', 'keypoints_visible'),
    ('input_scales_px', 'bbox_scales'),
)


def _list_metainfo(
    arrays: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metainfo by key, one value a sample; and what is the same in all samples."""
    shapes = [(height, width) for width, height in arrays['image_sizes_px'].tolist()]
    columns = dict(
        id=arrays['ids'].tolist(),
        img_id=arrays['img_ids'].tolist(),
        img_path=arrays['img_paths'],
        category_id=[np.array(value) for value in arrays['category_ids'].tolist()],
        ori_shape=shapes,
        img_shape=shapes,
        input_center=arrays['input_centers_px'],
        input_scale=arrays['input_scales_px'],
    )
    for name in ('crowd_index', 'raw_ann_info'):
        if name in arrays:
            values = arrays[name]
            is_array = isinstance(values, np.ndarray)
            columns[name] = values.tolist() if is_array else values
    kept = arrays['meta_keys']
    shared = arrays['metainfo']
    return (
        {key: column for key, column in columns.items() if key in kept},
        {key: value for key, value in shared.items() if key in kept},
    )


def _make(
    kind: type[ElementT], metainfo: dict[str, Any], data: dict[str, Any]
) -> ElementT:
    """An element of MMEngine's without its checks and deep copies of every value.

    They cost 0.7 ms a sample. What they guard against, a name in both sets or fields of
    different lengths, cannot happen here.
    """
    element: ElementT = object.__new__(kind)
    vars(element).update(
        _metainfo_fields={*metainfo}, _data_fields={*data}, **metainfo, **data
    )
    return element


def _set_property(sample: PoseDataSample, name: str, value: InstanceData) -> None:
    """As ``sample.name = value``: MMEngine notes the property and what it keeps."""
    vars(sample)[f'_{name}'] = value
    vars(sample)['_data_fields'] |= {name, f'_{name}'}
