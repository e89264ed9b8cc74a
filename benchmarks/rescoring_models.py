"""The study's network trained for `rescoring.py`: on studio17, then on coco-union."""

from dataclasses import replace
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from studies.training.build_config import add_paths, build_config
from studies.training.datasets import (
    DATASETS,
    StudyDataset,
    locate_split,
    prepare_splits,
)
from studies.variants.catalog import VARIANTS

# Sigma 1 for nose and eyes, 2 for the others, sub-cell targets, balanced loss.
VARIANT = 'subcell-face1-rest2-balanced-jw2'
# COCO photographs with several people each. The study's splits set some images aside; one
# is enough here, where nothing is selected.
COCO_UNION = replace(
    DATASETS['studio17'], name='coco-union', folder='coco-union', num_select=1
)


def make_config(
    dataset: StudyDataset,
    data_dir: Path,
    work_dir: Path,
    epochs: int,
    seed: int = 0,
    load_from: Path | None = None,
) -> Config:
    """The study's config with the parts that `gm_pose test` and `calibrate` need."""
    init_default_scope('mmpose')
    splits = prepare_splits(dataset, data_dir, work_dir)
    folder = work_dir / dataset.name / f'seed{seed}'
    cfg = add_paths(
        build_config(VARIANTS[VARIANT], dataset, seed, epochs), splits, folder
    )
    loader = cfg.pop('evaluation_loader').to_dict()
    loader['dataset'].update(locate_split(splits['report']))
    evaluator = dict(type='CocoMetric', ann_file=splits['report']['ann_file'])
    cfg.merge_from_dict(
        dict(
            val_dataloader=loader,
            test_dataloader=loader,
            val_cfg={},
            test_cfg={},
            val_evaluator=evaluator,
            test_evaluator=evaluator,
            load_from=None if load_from is None else str(load_from),
        )
    )
    cfg.train_cfg.val_interval = epochs
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', interval=epochs, save_optimizer=False
    )
    return cfg


def train(cfg: Config) -> tuple[Path, Path]:
    """Config -> its file and its last checkpoint, trained unless it is there."""
    torch.set_num_threads(1)
    folder = Path(cfg.work_dir)
    checkpoint = folder / f'epoch_{cfg.train_cfg.max_epochs}.pth'
    if not checkpoint.exists():
        Runner.from_cfg(cfg).train()
    path = folder / 'config.py'
    cfg.dump(str(path))
    return path, checkpoint


def train_all(
    data_dir: Path, work_dir: Path, epochs: int, seed: int, count: int = 2
) -> dict[str, tuple[Path, Path]]:
    """studio17 from ImageNet weights, coco-union from those -> config and checkpoint.

    Args:
        data_dir: holds the data sets.
        work_dir: takes the networks.
        epochs: of each.
        seed: of both.
        count: 1: studio17 alone.
    """
    found: dict[str, tuple[Path, Path]] = {}
    before = None
    for dataset in (DATASETS['studio17'], COCO_UNION)[:count]:
        cfg = make_config(dataset, data_dir, work_dir, epochs, seed, before)
        found[dataset.name] = train(cfg)
        before = found[dataset.name][1]
    return found
