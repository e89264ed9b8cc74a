"""The people of MMPose's `CombinedDataset`.

They are those of its parts, as `load_people` has them, with the keypoints that the whole
names.
"""

import hashlib
import json
import os.path as osp
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from gm_pose.codecs.base_codec import find_class, to_plain
from gm_pose.fast_lane.people.people_columns import PeopleColumns, UnpackableDataset
from gm_pose.fast_lane.people.people_key import FORMAT_VERSION

__all__ = ['combine_parts', 'is_combined', 'make_combined_key', 'make_combined_shell']


def is_combined(dataset: Mapping[str, Any]) -> bool:
    """Whether a config of a dataset is of several that are used as one."""
    from mmpose.datasets.dataset_wrappers import CombinedDataset
    from mmpose.registry import DATASETS

    return find_class(dataset, DATASETS) is CombinedDataset


def make_combined_shell(
    dataset: Mapping[str, Any], parts: Sequence[Any]
) -> SimpleNamespace:
    """What a run asks of a combined dataset besides its people: metainfo, data_prefix."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    metainfo = parse_pose_metainfo(to_plain(dataset['metainfo']))
    return SimpleNamespace(metainfo=metainfo, data_prefix=dict(img=_find_common(parts)))


def _find_common(parts: Sequence[Any]) -> str:
    """The folder that all parts' images are below; '' where there is none."""
    try:
        return osp.commonpath([part.image_prefix for part in parts])
    except ValueError:  # absolute and relative ones
        return ''


def make_combined_key(dataset: Mapping[str, Any], parts: Sequence[Any]) -> str:
    """32 hexadecimal digits that differ where people, or paths of their images, may.

    All parts may be moved together.
    """
    start = len(_find_common(parts))
    described = dict(
        parts=[[part.key, part.image_prefix[start:]] for part in parts],
        pipelines=[
            to_plain(part.get('pipeline') or []) for part in dataset['datasets']
        ],
        version=FORMAT_VERSION,
    )
    text = json.dumps(described, sort_keys=True, default=repr)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def combine_parts(
    dataset: Mapping[str, Any], parts: Sequence[Any], num_keypoints: int
) -> PeopleColumns:
    """The people of all parts, in their order; MMPose's `KeypointConverter` maps keypoints.

    Raises:
        UnpackableDataset: a part has another number of keypoints and no converter.
    """
    joined: dict[str, list[np.ndarray]] = {}
    paths: list[str] = []
    sizes: dict[str, tuple[int, int]] = {}
    for number, (config, part) in enumerate(
        zip(dataset['datasets'], parts, strict=True)
    ):
        keypoints_px, visible = _convert(config, part)
        if keypoints_px.shape[1] != num_keypoints:
            raise UnpackableDataset(
                f'datasets.{number} of CombinedDataset has {keypoints_px.shape[1]} '
                f'keypoints, its metainfo {num_keypoints}. Fix: KeypointConverter in the '
                "pipeline of that dataset, with the metainfo's number"
            )
        own = dict(
            id=part.ids,
            img_id=part.img_ids,
            category_id=part.category_ids,
            bbox=part.bboxes_px,
            bbox_score=part.bbox_scores,
            keypoints=keypoints_px,
            keypoints_visible=visible,
        )
        for name, array in own.items():
            joined.setdefault(name, []).append(array)
        names = list(part.image_paths)
        paths += [names[row] for row in part.image_rows]
        known = zip(names, part.image_sizes_px.tolist(), strict=True)
        sizes.update((name, (w, h)) for name, (w, h) in known if w > 0)
    values: dict[str, Any] = {
        name: np.concatenate(arrays) for name, arrays in joined.items()
    }
    if values['img_id'].dtype.kind == 'U':
        values['img_id'] = values['img_id'].tolist()
    return PeopleColumns(values | dict(img_path=paths), image_sizes=sizes)


def _convert(config: Mapping[str, Any], part: Any) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (N, K, 2), visible (N, K) of a part as those of the whole."""
    from mmpose.registry import TRANSFORMS

    sample = dict(keypoints=part.keypoints_px, keypoints_visible=part.visible)
    for step in to_plain(config.get('pipeline') or []):
        sample = TRANSFORMS.build(step)(sample)
    visible = sample['keypoints_visible']  # with the loss weights of a visibility head
    return sample['keypoints'], visible[..., 0] if visible.ndim == 3 else visible
