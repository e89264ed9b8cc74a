"""Arm + dataset + seed -> MMEngine config; the three places of the codec agree."""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from gm_pose.codecs.dataset_metainfo import find_metainfo_files, load_skeleton
from gm_pose.ops.gaussian_targets import compute_balance_weights
from gm_pose.ops.sigma_tables import resolve_sigmas
from studies.arm import Arm, DatasetWeights, PowerWeights
from studies.datasets import ROOT, StudyDataset

BASE_CONFIG = Path(__file__).with_name('base_study.py')


def _fill_dataset(value: Any, metainfo: str) -> Any:
    """Replace '{dataset}' in a `sigmas` argument by the dataset's metainfo."""
    if isinstance(value, dict):
        return {key: _fill_dataset(item, metainfo) for key, item in value.items()}
    return metainfo if value == '{dataset}' else value


def load_dataset_info(metainfo: str) -> dict:
    """Dataset name or metainfo file -> its `dataset_info` as a plain dict."""
    path = (
        ROOT / metainfo if metainfo.endswith('.py') else find_metainfo_files()[metainfo]
    )
    return Config.fromfile(str(path)).dataset_info.to_dict()


def compute_joint_weights(
    sigmas: Any, metainfo: str, size: tuple[int, int], power: float = 2.0
) -> list[float]:
    """Loss weights (K,) of mean 1 that a table balanced by 1 / sigma^power would have."""
    resolved = resolve_sigmas(
        _fill_dataset(sigmas, metainfo), size, None, load_skeleton
    )
    raised = np.asarray(resolved.cells) ** (power / 2)
    return [round(float(w), 6) for w in compute_balance_weights(raised)]


def build_config(
    arm: Arm, dataset: StudyDataset, seed: int, epochs: int | None = None
) -> Config:
    """One run's config without any path: equal runs give equal text on every machine."""
    cfg = Config.fromfile(str(BASE_CONFIG)).to_dict()
    codec = dict(cfg['codec'], **_fill_dataset(arm.codec, dataset.metainfo))
    cfg['codec'] = codec
    cfg['model']['head'].update(copy.deepcopy(arm.head))
    cfg['model']['head'].update(
        decoder=copy.deepcopy(codec), out_channels=dataset.num_joints
    )
    if arm.neck is not None:
        cfg['model']['neck'] = copy.deepcopy(arm.neck)
    info = load_dataset_info(dataset.metainfo)
    steps = {step['type']: step for step in cfg['train_pipeline']}
    steps['GenerateTarget']['encoder'] = copy.deepcopy(codec)
    if arm.weights_of is not None:
        size = codec['heatmap_size']
        if isinstance(arm.weights_of, PowerWeights):
            sigmas = arm.weights_of.sigmas or codec['sigmas']
            weights = compute_joint_weights(
                sigmas, dataset.metainfo, size, arm.weights_of.power
            )
            info['joint_weights'] = np.multiply(weights, info['joint_weights']).tolist()
        elif isinstance(arm.weights_of, DatasetWeights):
            power = arm.weights_of.power
            info['joint_weights'] = [round(w**power, 6) for w in info['joint_weights']]
        else:
            info['joint_weights'] = compute_joint_weights(
                arm.weights_of, dataset.metainfo, size
            )
        steps['GenerateTarget']['use_dataset_keypoint_weights'] = True
    for loader in ('train_dataloader', 'evaluation_loader'):
        cfg[loader]['dataset']['metainfo'] = copy.deepcopy(info)
    cfg['train_dataloader']['dataset']['pipeline'] = cfg.pop('train_pipeline')
    cfg['evaluation_loader']['dataset']['pipeline'] = cfg.pop('evaluation_pipeline')
    epochs = epochs or dataset.epochs
    cfg['train_cfg']['max_epochs'] = epochs
    cfg['param_scheduler'][1].update(T_max=epochs)
    cfg['custom_hooks'] += copy.deepcopy(list(arm.hooks))
    cfg['randomness'] = dict(seed=seed)
    return Config(cfg)


# Nothing here can change the weights that a run ends with, so a change of it does not
# make a finished training another one.
_NOT_TRAINING = (
    'evaluation_loader', 'default_hooks', 'log_processor', 'visualizer', 'env_cfg',
)  # fmt: skip


def hash_config(cfg: Config) -> str:
    """First 16 hex digits of the SHA-256 of all that decides the trained weights."""
    training = {k: v for k, v in cfg.to_dict().items() if k not in _NOT_TRAINING}
    training['model'].pop('test_cfg', None)
    text = json.dumps(training, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def add_paths(cfg: Config, parts: dict[str, dict], work_dir: Path) -> Config:
    """Copy of the config with this machine's annotation files, images and work folder."""
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(work_dir)
    cfg.train_dataloader.dataset.update(locate_part(parts['train']))
    return cfg


def locate_part(part: dict) -> dict:
    """Part of `prepare_parts` -> keys of an MMPose dataset."""
    return dict(ann_file=part['ann_file'], data_prefix=dict(img=part['image_dir']))
