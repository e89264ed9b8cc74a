"""Configs of a training and a validation dataset, and the fast dataset over them."""

import copy
from pathlib import Path
from typing import Any

from mmpose.registry import DATASETS

from gm_pose.runs.loading.sample_seed import SeededIndex

SIZE = (192, 256)
CODEC = dict(type='MSRAHeatmap', input_size=SIZE, heatmap_size=(48, 64), sigma=2)
AUGMENTATION = [
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
]


def make_config(
    folder: Path, split: str, use_udp: bool = False, pixels: tuple[dict, ...] = ()
) -> dict[str, Any]:
    """MMPose's dataset with its stock pipeline, `pixels` after the crop."""
    is_training = split == 'train'
    target = dict(type='GenerateTarget', encoder=CODEC)
    pipeline = [
        dict(type='LoadImage'),
        dict(type='GetBBoxCenterScale'),
        *(AUGMENTATION if is_training else ()),
        dict(type='TopdownAffine', input_size=SIZE, use_udp=use_udp),
        *pixels,
        *([target] if is_training else ()),
        dict(type='PackPoseInputs'),
    ]
    return dict(
        type='CocoDataset',
        data_root=str(folder),
        ann_file=f'annotations/person_keypoints_{split}2017.json',
        data_prefix=dict(img=f'{split}2017/'),
        test_mode=not is_training,
        pipeline=copy.deepcopy(pipeline),
    )


def make_combined(folder: Path) -> dict[str, Any]:
    """Both splits as one dataset of 19 keypoints, of which neither has all."""
    whole = make_config(folder, 'train')
    own = [(k, k) for k in range(17)]
    other = [(k, k) for k in range(5, 17)] + [(0, 18), ((5, 6), 17)]
    parts = []
    for split, mapping in (('train', own), ('val', other)):
        convert = dict(type='KeypointConverter', num_keypoints=19, mapping=mapping)
        part = make_config(folder, split)
        parts.append(dict(part, test_mode=False, pipeline=[convert]))
    return dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco_aic.py'),
        datasets=parts,
        pipeline=whole['pipeline'],
        test_mode=False,
    )


def build_fast(config: dict[str, Any], cache: Path) -> Any:
    """The fast dataset over a config."""
    return DATASETS.build(
        dict(type='FastTopdownDataset', dataset=config, cache_dir=str(cache))
    )


def at(index: int, position: int | None = None, epoch: int = 0) -> SeededIndex:
    """An index as `SeededSampler` hands it out."""
    return SeededIndex(index, (3, epoch, index if position is None else position))
