"""The networks of `rescoring.py`: the demo's, and one of the study's for each data set."""

import os
from dataclasses import replace
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from studies.training.build_config import add_paths, build_config
from studies.training.datasets import DATASETS, StudyDataset, locate_split, prepare_splits
from studies.variants.catalog import VARIANTS

# Sigma 1 for nose and eyes, 2 for the others; and sigma 2 for all. Both sub-cell.
VARIANTS_USED = ('subcell-face1-rest2-balanced-jw2', 'subcell-uniform2-jw2')
# COCO photographs with several people; one image is set aside, as the study's splits ask
COCO_UNION = replace(
    DATASETS['studio17'], name='coco-union', folder='coco-union', num_select=1
)


def list_datasets() -> dict[str, StudyDataset]:
    return {'studio17': DATASETS['studio17'], 'coco-union': COCO_UNION}


def make_config(
    variant: str, dataset: StudyDataset, data_dir: Path, work_dir: Path, seed: int = 0
) -> Config:
    """The study's config of a variant with what `mim test` and `calibrate` need."""
    init_default_scope('mmpose')
    splits = prepare_splits(dataset, data_dir, work_dir)
    folder = work_dir / 'runs' / dataset.name / variant / f'seed{seed}'
    cfg = add_paths(build_config(VARIANTS[variant], dataset, seed), splits, folder)
    loader = cfg.pop('evaluation_loader').to_dict()
    loader['dataset'].update(locate_split(splits['report']))
    cfg.merge_from_dict(
        dict(
            val_dataloader=loader,
            test_dataloader=loader,
            val_cfg={},
            test_cfg={},
            val_evaluator=dict(type='CocoMetric', ann_file=splits['report']['ann_file']),
        )
    )
    cfg.test_evaluator = cfg.val_evaluator
    cfg.train_cfg.val_interval = cfg.train_cfg.max_epochs
    cfg.default_hooks.checkpoint = dict(
        type='CheckpointHook', interval=cfg.train_cfg.max_epochs, save_optimizer=False
    )
    return cfg


def train(cfg: Config) -> Path:
    """Config -> its last checkpoint, trained unless it is there."""
    torch.set_num_threads(1)
    folder = Path(cfg.work_dir)
    checkpoint = folder / f'epoch_{cfg.train_cfg.max_epochs}.pth'
    if not checkpoint.exists():
        Runner.from_cfg(cfg).train()
    cfg.dump(str(folder / 'config.py'))
    return checkpoint


if __name__ == '__main__':
    import sys

    os.nice(15)
    data, work = map(Path, sys.argv[1:3])
    for name in sys.argv[3:]:
        dataset, variant = name.split('/')
        print(train(make_config(variant, list_datasets()[dataset], data, work)))
