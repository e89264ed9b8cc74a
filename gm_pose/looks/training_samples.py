"""The first people of a training run: its own loader, its own random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpose.registry import MODELS

from gm_pose.codecs.base_codec import get_type
from gm_pose.fast_lane.config.apply_fast_lane import DATASET, apply_fast_lane
from gm_pose.looks.read_config import find_encoder, read_setup
from gm_pose.looks.samples import Person, Setup
from gm_pose.runs.config_dicts import iter_dicts
from gm_pose.runs.launch.run_defaults import add_run_defaults

__all__ = ['open_training']


def open_training(cfg: Config, seed: int) -> tuple[Setup, Iterator[Person]]:
    """Merged config -> what its people share, and the people of a run with this seed.

    They come from the loader that `gm_pose train` builds, fast lane included, in its order:
    the crops, flips and targets of the first batches.

    Args:
        cfg: changed in place, as a run changes it.
        seed: of the run.

    Raises:
        UserError: a codec without heatmaps, or nobody to train on.
    """
    encoder = find_encoder(cfg.train_dataloader)
    add_run_defaults(cfg)
    splits = ('train', 'val') if cfg.get('val_dataloader') is not None else ('train',)
    notes = apply_fast_lane(cfg, splits)
    loader = cfg.train_dataloader
    is_fast = get_type(loader.dataset) == DATASET
    source = "MMPose's pipeline"
    if is_fast:
        source = 'the fast lane'
    elif notes:
        source = f"MMPose's pipeline ({notes[0]})"
    for _, step in iter_dicts(loader.dataset):
        if get_type(step) == 'PackPoseInputs' and not is_fast:
            step['pack_transformed'] = True  # adds the joints of the crop, nothing else
    loader.num_workers = 0  # a few people; the crops are the same in any process
    loader.persistent_workers = False
    loader.pop('prefetch_factor', None)
    built = Runner.build_dataloader(loader, seed=seed)
    setup = read_setup(encoder, built.dataset.metainfo, source)
    if not is_fast:
        return setup, _read_stock(built, setup)
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    return setup, _read_fast(built, preprocessor)


def _read_fast(loader: Any, preprocessor: Any) -> Iterator[Person]:
    for batch in loader:
        arrays = batch['data_samples']
        with torch.no_grad():
            drawn = preprocessor(batch, training=True)['data_samples']
        for n, sample in enumerate(drawn):
            info = loader.dataset.get_data_info(int(arrays['sample_indices'][n]))
            yield Person(
                image=np.asarray(batch['inputs'][n]),
                heatmaps=sample.gt_fields.heatmaps.numpy(),
                weights=sample.gt_instance_labels.keypoint_weights.numpy()[0],
                joints_px=np.asarray(arrays['keypoints_px'][n], dtype=np.float64),
                labelled=np.asarray(arrays['visible'][n]) >= 0.5,
                image_path=info['img_path'],
                id=info['id'],
            )


def _read_stock(loader: Any, setup: Setup) -> Iterator[Person]:
    count = len(setup.names)
    for batch in loader:
        for pixels, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
            instances = sample.gt_instances
            visible = np.asarray(instances.keypoints_visible)
            if visible.ndim == 3:  # visibility and its weight, after KeypointConverter
                visible = visible[..., 0] * visible[..., 1]
            weights = sample.gt_instance_labels.keypoint_weights.numpy()
            yield Person(
                image=pixels.numpy().transpose(1, 2, 0),
                heatmaps=read_maps(sample.gt_fields, count),
                weights=weights.reshape(-1, count)[-1],
                joints_px=np.asarray(instances.transformed_keypoints, float)[0, :, :2],
                labelled=visible[0] >= 0.5,
                image_path=sample.img_path,
                id=sample.get('id'),
            )


def read_maps(fields: Any, count: int) -> np.ndarray:
    """`gt_fields` -> (K, H, W), peaks at 1.

    Of several stages the last; of UDP's three maps for each joint the first, which says
    where it is; Megvii's maps have their peaks at 255.
    """
    maps = fields.heatmaps
    if isinstance(maps, (list, tuple)):
        maps = maps[-1]
    maps = np.asarray(maps, dtype=np.float32)
    if len(maps) == 3 * count:
        maps = maps[::3]
    top = float(maps.max(initial=0.0))
    return maps / 255 if top > 1.5 else maps
