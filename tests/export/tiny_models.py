"""Checkpoints of small networks with random weights, as training would write them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from torch import nn

from gm_pose.datasets.synthetic_people import make_scene
from gm_pose.export.samples import Sample
from gm_pose.ops.uncertainty import Calibration

SIZES = dict(input_size=(48, 64), heatmap_size=(12, 16))
OURS = dict(
    type='JointAdaptiveMSRAHeatmap',
    **SIZES,
    sigmas=dict(table='set2', mean=1.336),
    unbiased=True,
    decode_sigmas=dict(oks='coco', mean=2.0),
)
BLOCK = dict(type='GaussianMixtureBlock', in_channels=8, mid_channels=4)
PREPROCESSOR = dict(
    type='PoseDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
)
CALIBRATION = Calibration(
    covariance_scale=np.full(17, 1.5),
    covariance_floor_cells2=np.full(17, 0.2),
    covariance_power=np.full(17, 0.3),
    presence_bias=np.full(17, -0.3),
    presence_slope=np.full(17, 0.8),
    oks_bias=np.full(17, 0.4),
    oks_slope=np.full(17, 0.9),
)


def make_config(
    codec: dict[str, Any] = OURS,
    neck: dict[str, Any] | None = BLOCK,
    head: str = 'GaussianMixtureHead',
    use_udp: bool = False,
) -> Config:
    """One stage of a ResNet, block and mixture head, 48 x 64 px."""
    pipeline = [
        dict(type='LoadImage'),
        dict(type='GetBBoxCenterScale'),
        dict(type='TopdownAffine', input_size=(48, 64), use_udp=use_udp),
        dict(type='PackPoseInputs'),
    ]
    model = dict(
        type='TopdownPoseEstimator',
        data_preprocessor=PREPROCESSOR,
        backbone=dict(
            type='ResNet',
            depth=18,
            stem_channels=8,
            base_channels=8,
            num_stages=1,
            strides=(1,),
            dilations=(1,),
            out_indices=(0,),
        ),
        head=dict(
            type=head,
            in_channels=8,
            out_channels=17,
            deconv_out_channels=None,
            deconv_kernel_sizes=None,
            decoder=codec,
            loss=dict(type='KeypointMSELoss', use_target_weight=True),
        ),
        test_cfg=dict(flip_test=False),
    )
    if neck:
        model['neck'] = neck
    dataset = dict(
        type='CocoDataset',
        metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        pipeline=pipeline,
    )
    return Config(
        dict(default_scope='mmpose', model=model, test_dataloader=dict(dataset=dataset))
    )


def build_model(config: Config) -> nn.Module:
    """The model, its weights random and away from the block's identity start."""
    init_default_scope('mmpose')  # session fixtures come before the one that does it
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=generator)
    head = model.head
    nn.init.normal_(head.final_layer.weight, std=0.3, generator=generator)
    nn.init.constant_(head.final_layer.bias, 1.0)  # maps have positive peaks
    if hasattr(head, 'mixture_scale'):
        nn.init.normal_(head.mixture_scale, std=0.5, generator=generator)
    return model.eval()


def write_checkpoint(
    path: Path, config: Config, calibration: Calibration | None = CALIBRATION
) -> str:
    """Weights, config, metainfo and calibration in one file -> its path."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    meta = dict(
        cfg=config.pretty_text,
        dataset_meta=parse_pose_metainfo(
            dict(from_file='configs/_base_/datasets/coco.py')
        ),
    )
    if calibration is not None:
        meta['gm_pose_calibration'] = calibration.to_dict()
    torch.save(dict(meta=meta, state_dict=build_model(config).state_dict()), path)
    return str(path)


def make_samples() -> list[Sample]:
    """Two pictures with rendered people, one box reaching over the border."""
    samples = []
    for seed, people in ((0, 2), (1, 1)):
        scene = make_scene(np.random.default_rng(seed), people)
        boxes = np.array([a['bbox'] for a in scene.annotations], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        samples.append(Sample(scene.image, boxes))
    samples[1].boxes_px[0, :2] -= 70
    return samples
