"""Time from annotated people to a batch on the network's device: stock and fast lane.

    python benchmarks/pipeline_speed.py FOLDER [FOLDER ...] --out FILE.md

Each folder has COCO's layout (`annotations/person_keypoints_train2017.json`, `train2017`,
the same for val). All arms run in turns in one process, a batch of each, with one thread
and CPU time, so that a busy machine slows all alike. The ratio to stock MMPose, not the
time, is the result. Stores are built in a temporary folder before anything is measured.

    stock: MMPose's SimpleBaseline ResNet-50 recipe, as MMEngine's Runner loads it;
    --no-fast: the same, with the run defaults of `gm_pose train`;
    the other arms: `--fast` with the images from where the name says.
"""

import argparse
import copy
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpose.registry import MODELS

import gm_pose  # noqa: F401, it registers its parts
from gm_pose.fast_lane.config.apply_fast_lane import apply_fast_lane
from gm_pose.fast_lane.config.recipe import read_recipe
from gm_pose.fast_lane.images.store_builder import build_store
from gm_pose.fast_lane.people.people_arrays import load_people
from gm_pose.runs.launch.run_defaults import add_run_defaults, use_readable_images

RECIPE = 'td-hm_res50_8xb64-210e_coco-256x192.py'
BASE = f'mmpose::body_2d_keypoint/topdown_heatmap/coco/{RECIPE}'
BATCH = 64
READY = 6  # batches that a worker has ready
STORES = ('images', 'crops')


def make_config(root: Path, arm: str, cache: str) -> Config:
    """The stock recipe on a folder's data, as an arm changes it."""
    with tempfile.NamedTemporaryFile('w', suffix='.py') as file:
        file.write(f"_base_ = ['{BASE}']\n")
        file.flush()
        cfg = Config.fromfile(file.name)
    for split in ('train', 'val'):
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.data_root = f'{root}/'
        cfg[f'{split}_dataloader'].batch_size = BATCH
    cfg.val_dataloader.dataset.bbox_file = None
    cfg.val_evaluator.ann_file = f'{root}/{cfg.val_dataloader.dataset.ann_file}'
    cfg.work_dir = cache
    cfg.model.backbone.init_cfg = None
    if arm == 'stock':
        return cfg
    add_run_defaults(cfg)
    use_readable_images(cfg)
    if arm != '--no-fast':
        cfg.fast_lane = dict(images=arm, cache_dir=cache)
        notes = apply_fast_lane(cfg)
        if 'not used' in ''.join(notes):
            raise SystemExit(notes[0])
    return cfg


class Batches:
    """Batches of a data loader without end."""

    def __init__(self, cfg: Config, split: str, workers: int):
        config = copy.deepcopy(cfg[f'{split}_dataloader'])
        config.num_workers = workers
        config.persistent_workers = workers > 0
        self.loader = Runner.build_dataloader(config, seed=0)
        self.epoch = 0
        self._iterator: Iterator[Any] | None = None

    def __call__(self) -> Any:
        while True:
            if self._iterator is None:
                self.loader.sampler.set_epoch(self.epoch) if hasattr(
                    self.loader.sampler, 'set_epoch'
                ) else None
                self._iterator = iter(self.loader)
                self.epoch += 1
            for batch in self._iterator:
                if len(batch['inputs']) == BATCH:
                    return batch
            self._iterator = None


def measure(arms: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Functions -> median CPU time of a call in ms; in turns, two calls not counted."""
    times: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(rounds + 2):
        for name, function in arms.items():
            start = time.thread_time()
            function()
            if turn >= 2:
                times[name].append(time.thread_time() - start)
    return {name: float(np.median(t)) * 1e3 for name, t in times.items()}


def compare_loading(
    configs: dict[str, Config], split: str, rounds: int
) -> dict[str, float]:
    """Sample to batch, without workers -> us a person."""
    arms = {name: Batches(cfg, split, 0) for name, cfg in configs.items()}
    # people differ in cost: every arm loads the same number of batches
    return {name: t / BATCH * 1e3 for name, t in measure(arms, rounds).items()}


def compare_handover(configs: dict[str, Config], rounds: int) -> dict[str, float]:
    """Main process: a batch from one worker -> ms.

    The worker has batches ready before they are asked for; CPU time leaves out waiting,
    and the first 12 batches are not counted: memory is mapped then.
    """
    times: dict[str, list[float]] = {name: [] for name in configs}
    for _ in range(max(1, rounds // READY)):
        for name, cfg in configs.items():
            cfg = copy.deepcopy(cfg)
            cfg.train_dataloader.prefetch_factor = READY + 2
            batches = Batches(cfg, 'train', 1)
            for _ in range(2 * READY):
                batches()
            time.sleep(2 * READY)
            for _ in range(READY):
                start = time.thread_time()
                batches()
                times[name].append(time.thread_time() - start)
    return {name: float(np.median(t)) * 1e3 for name, t in times.items()}


def compare_preprocessing(configs: dict[str, Config], rounds: int) -> dict[str, float]:
    """Data preprocessor on the CPU, targets of the fast lane included -> ms a batch."""
    arms = {}
    for name, cfg in configs.items():
        preprocessor = MODELS.build(cfg.model.data_preprocessor)
        batch = Batches(cfg, 'train', 0)()
        arms[name] = lambda p=preprocessor, b=batch: p(dict(b), training=True)
    return measure(arms, rounds)


def format_table(title: str, unit: str, columns: dict[str, dict[str, float]]) -> str:
    """Measured values by dataset and arm -> Markdown, ratios to stock beside them."""
    names = list(columns)
    arms = list(next(iter(columns.values())))
    lines = [
        f'| {title} | '
        + ' | '.join(f'{name}, {unit} | stock / this' for name in names),
        '|---|' + '---:|---:|' * len(names),
    ]
    for arm in arms:
        cells = [
            f'{columns[n][arm]:.1f} | {columns[n]["stock"] / columns[n][arm]:.2f}'
            for n in names
        ]
        lines.append(f'| {arm} | ' + ' | '.join(cells) + ' |')
    lines[0] += ' |'
    return '\n'.join(lines)


def build_stores(root: Path, cache: str) -> None:
    """Both stores of the training and validation people."""
    cfg = make_config(root, '--no-fast', cache)
    datasets = (
        cfg.train_dataloader.dataset.dataset,  # in a SeededDataset
        cfg.val_dataloader.dataset,
    )
    for dataset in datasets:
        people, recipe = load_people(dataset, cache), read_recipe(dataset)
        for kind in STORES:
            build_store(people, kind, recipe, cache, workers=2)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('roots', nargs='+', type=Path, help="folders in COCO's layout")
    parser.add_argument('--rounds', type=int, default=15, help='batches of each arm')
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    init_default_scope('mmpose')
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    arms = ('stock', '--no-fast', 'original', *STORES)
    tables: dict[str, dict[str, dict[str, float]]] = {
        'train': {},
        'val': {},
        'hand': {},
        'pre': {},
    }
    for root in args.roots:
        with tempfile.TemporaryDirectory() as cache:
            build_stores(root, cache)
            configs = {arm: make_config(root, arm, cache) for arm in arms}
            for split in ('train', 'val'):
                tables[split][root.name] = compare_loading(configs, split, args.rounds)
            few = {arm: configs[arm] for arm in ('stock', '--no-fast', 'crops')}
            tables['hand'][root.name] = compare_handover(few, args.rounds)
            tables['pre'][root.name] = compare_preprocessing(few, args.rounds)
    text = '\n\n'.join(
        [
            '# Time from people to batches',
            f'`python benchmarks/pipeline_speed.py {" ".join(r.name for r in args.roots)} '
            f'--rounds {args.rounds}` on {platform.processor() or platform.machine()}, '
            f'Python {platform.python_version()}, torch {torch.__version__}; CPU time of '
            f'one thread, medians, batches of {BATCH}.',
            format_table('training sample to batch', 'µs a person', tables['train']),
            format_table('validation sample to batch', 'µs a person', tables['val']),
            format_table('main process, a batch from a worker', 'ms', tables['hand']),
            format_table('data preprocessor on the CPU', 'ms', tables['pre']),
        ]
    )
    print(text)
    if args.out is not None:
        args.out.write_text(text + '\n')


if __name__ == '__main__':
    main()
