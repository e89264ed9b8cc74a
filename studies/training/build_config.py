"""Variant + dataset + seed -> MMEngine config; the three places of the codec agree."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from gm_pose.codecs.dataset_metainfo import find_metainfo_files, load_skeleton
from gm_pose.ops.gaussian_targets import compute_balance_weights
from gm_pose.ops.sigma_tables import resolve_sigmas
from studies.training.datasets import ROOT, StudyDataset, locate_split
from studies.variants.variant import DatasetWeights, SigmaWeights, Variant

BASE_CONFIG = Path(__file__).with_name('base_study.py')


@cache
def _load_config(path: Path) -> dict:
    return Config.fromfile(str(path)).to_dict()


def _fill_dataset(value: Any, metainfo: str) -> Any:
    """Replace '{dataset}' in a codec's or head's arguments by the dataset's metainfo."""
    if isinstance(value, dict):
        return {key: _fill_dataset(item, metainfo) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill_dataset(item, metainfo) for item in value]
    return metainfo if value == '{dataset}' else value


def load_dataset_info(metainfo: str) -> dict:
    """Dataset name or metainfo file -> its `dataset_info` as a plain dict."""
    path = (
        ROOT / metainfo if metainfo.endswith('.py') else find_metainfo_files()[metainfo]
    )
    return copy.deepcopy(_load_config(Path(path))['dataset_info'])


def compute_joint_weights(
    weights: DatasetWeights | SigmaWeights,
    own: list[float],
    sigmas: Any,
    metainfo: str,
    heatmap_size: tuple[int, int],
) -> list[float]:
    """Weights of the joints in the loss (K,).

    Args:
        weights: what is asked for.
        own: the metainfo's joint weights (K,).
        sigmas: the variant's `sigmas` argument.
        metainfo: dataset name or metainfo file.
        heatmap_size: [W, H] in cells.
    """
    if isinstance(weights, DatasetWeights):
        return [round(w**weights.power, 6) for w in own]
    if weights.table is not None:
        sigmas = weights.table.sigmas
    cells = resolve_sigmas(
        _fill_dataset(sigmas, metainfo), heatmap_size, None, load_skeleton
    ).cells
    # the codec's balance is 1 / sigma^2
    balance = compute_balance_weights(np.asarray(cells) ** (weights.power / 2))
    rounded = [round(float(w), 6) for w in balance]
    return np.multiply(rounded, own).tolist() if weights.times_dataset else rounded


def _modernize(cfg: dict) -> None:
    """What recipes have today and Simple Baseline's has not, whatever the targets."""
    cfg['optim_wrapper']['optimizer'].update(type='AdamW', weight_decay=0.01)
    cfg['custom_hooks'].append(
        dict(
            type='EMAHook',
            ema_type='ExpMomentumEMA',
            momentum=0.002,
            update_buffers=True,
        )
    )
    steps = cfg['train_dataloader']['dataset']['pipeline']
    crop = [step['type'] for step in steps].index('TopdownAffine')
    steps.insert(crop + 1, dict(type='PhotometricDistortion'))


def build_config(
    variant: Variant, dataset: StudyDataset, seed: int, epochs: int | None = None
) -> Config:
    """One run's config without any path: equal runs give equal text on every machine."""
    cfg = copy.deepcopy(_load_config(BASE_CONFIG))
    codec = dict(cfg['codec'], **_fill_dataset(variant.codec, dataset.metainfo))
    if codec['type'] == 'MSRAHeatmap':
        codec['sigma'] = codec.pop('sigmas')
    cfg['codec'] = codec
    cfg['model']['head'].update(_fill_dataset(variant.change.head, dataset.metainfo))
    cfg['model']['head'].update(
        decoder=copy.deepcopy(codec), out_channels=dataset.num_joints
    )
    if variant.change.neck is not None:
        cfg['model']['neck'] = copy.deepcopy(variant.change.neck)
    info = load_dataset_info(dataset.metainfo)
    steps = {step['type']: step for step in cfg['train_pipeline']}
    steps['GenerateTarget']['encoder'] = copy.deepcopy(codec)
    if variant.weights is not None:
        info['joint_weights'] = compute_joint_weights(
            variant.weights,
            info['joint_weights'],
            variant.table.sigmas,
            dataset.metainfo,
            codec['heatmap_size'],
        )
        steps['GenerateTarget']['use_dataset_keypoint_weights'] = True
    for loader in ('train_dataloader', 'evaluation_loader'):
        cfg[loader]['dataset']['metainfo'] = copy.deepcopy(info)
    cfg['train_dataloader']['dataset']['pipeline'] = cfg.pop('train_pipeline')
    cfg['evaluation_loader']['dataset']['pipeline'] = cfg.pop('evaluation_pipeline')
    epochs = epochs or dataset.epochs
    cfg['train_cfg']['max_epochs'] = epochs
    cfg['param_scheduler'][1].update(T_max=epochs)
    cfg['optim_wrapper']['optimizer'].update(variant.change.optimizer)
    if dataset.recipe == 'modern':
        _modernize(cfg)
    cfg['custom_hooks'] += copy.deepcopy(list(variant.change.hooks))
    cfg['randomness'] = dict(seed=seed)
    return Config(cfg)


def add_paths(cfg: Config, splits: dict[str, dict], work_dir: Path) -> Config:
    """Copy of the config with this machine's annotation files, images and work folder."""
    cfg = copy.deepcopy(cfg)
    cfg.work_dir = str(work_dir)
    cfg.train_dataloader.dataset.update(locate_split(splits['train']))
    return cfg
