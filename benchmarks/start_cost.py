"""CPU time and memory of a training before its first iteration at COCO's size.

    python benchmarks/start_cost.py --folder /tmp/coco --out benchmarks/start_cost.md

The people are those of `data_checks.py`: 118,287 images, 149,813 people to train on, and a
twentieth of them to validate on; all images are links to one picture. Each start is a
process of its own and ends before its first iteration. The recipe is
`configs/gm_best_res50_coco.py` with `--gt-boxes`, without pretrained weights.

    stock MMPose: the recipe that this config inherits, built by MMEngine's Runner as MMPose
        does it;
    cold: `gm_pose train --fast`, nothing is cached;
    warm: what an earlier start left in the cache is there;
    two, four, eight ranks: the processes of a warm start, with gloo; the mean of them;
    imports: what the process of `gm_pose train` imports, and nothing else.

CPU time is of the main process. RSS counts shared pages in every process; PSS divides them
by the processes that map them, among which are the workers that load data.
"""

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from data_checks import make_file

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / 'configs' / 'gm_best_res50_coco.py'
VAL_PART = 20

# A hook that writes what the process has cost, and ends it.
HOOK = """
import json, os, signal, time
from pathlib import Path
from mmengine.hooks import Hook
from mmpose.registry import HOOKS

def read_sizes(process):
    lines = Path('/proc', process, 'smaps_rollup').read_text().splitlines()[1:]
    return {line.split(':')[0]: int(line.split()[1]) for line in lines}

def find_workers():
    return Path('/proc/thread-self/children').read_text().split()

def measure():
    cpu = time.process_time()
    shares = sum(read_sizes(worker)['Pss'] for worker in find_workers())
    sizes = read_sizes('self')
    return dict(cpu=cpu, rss=sizes['Rss'], pss=sizes['Pss'], all=sizes['Pss'] + shares)

@HOOKS.register_module()
class EndBeforeFirstIteration(Hook):
    priority = 'VERY_LOW'

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.world_size > 1:  # both are there while sizes are read
            import torch
            torch.distributed.barrier()
        found = measure()
        if runner.world_size > 1:
            torch.distributed.barrier()
        Path(os.environ['START_COST'], str(os.getpid())).write_text(json.dumps(found))
        for worker in find_workers():  # MMPose's outlive their process
            os.kill(int(worker), signal.SIGKILL)
        os._exit(0)
"""
RECIPE = f"""
_base_ = ['{CONFIG}']
model = dict(backbone=dict(init_cfg=None))
custom_imports = dict(imports=['gm_pose', 'end_before_first_iteration'])
custom_hooks = [dict(type='EndBeforeFirstIteration')]
"""
STOCK_RECIPE = """
_base_ = ['mmpose::body_2d_keypoint/topdown_heatmap/coco/'
          'td-hm_res50_8xb64-210e_coco-256x192.py']
model = dict(backbone=dict(init_cfg=None))
train_dataloader = dict(dataset=dict(data_root='{{$COCO_ROOT:}}'))
val_dataloader = dict(dataset=dict(data_root='{{$COCO_ROOT:}}', bbox_file=None))
val_evaluator = dict(ann_file='{{$COCO_ROOT:}}/annotations/person_keypoints_val2017.json')
custom_imports = dict(imports=['end_before_first_iteration'])
custom_hooks = [dict(type='EndBeforeFirstIteration')]
"""
STOCK_TRAIN = """
import sys
import gm_pose  # MMPose does not import beside current PyTorch without it
from mmengine.config import Config
from mmengine.runner import Runner

cfg = Config.fromfile(sys.argv[1])
cfg.work_dir = sys.argv[2]
Runner.from_cfg(cfg).train()
"""
IMPORTS = {
    '`import torch` alone': 'import torch',
    'torch and mmpose, imported': 'import gm_pose, mmpose.models, mmpose.datasets',
}


def make_folder(folder: Path) -> None:
    """COCO's layout with generated people; nothing where it is there already."""
    annotations = folder / 'annotations'
    if annotations.exists():
        return
    building = folder / 'annotations.building'
    building.mkdir(parents=True, exist_ok=True)
    make_file(building / 'person_keypoints_train2017.json')
    data = json.loads((building / 'person_keypoints_train2017.json').read_text())
    data['images'] = data['images'][::VAL_PART]
    kept = {image['id'] for image in data['images']}
    data['annotations'] = [a for a in data['annotations'] if a['image_id'] in kept]
    (building / 'person_keypoints_val2017.json').write_text(json.dumps(data))
    noise = np.random.default_rng(0).integers(0, 256, (15, 20, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / 'picture.jpg'), cv2.resize(noise, (640, 480)))
    for split in ('train2017', 'val2017'):
        (folder / split).mkdir(exist_ok=True)
    for n in range(118_287):
        name = f'{n:012d}.jpg'
        (folder / 'train2017' / name).symlink_to('../picture.jpg')
        if n % VAL_PART == 0:
            (folder / 'val2017' / name).symlink_to('../picture.jpg')
    building.rename(annotations)


def start_fast(folder: Path, cache: Path, ranks: int = 1) -> dict[str, float]:
    """`gm_pose train --fast` once -> mean costs of a rank: CPU seconds, sizes in GB."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        (out / 'recipe.py').write_text(RECIPE)
        options = [
            str(out / 'recipe.py'),
            '--gt-boxes',
            '--fast',
            f'--work-dir={out}/run',
            '--cfg-options',
            'fast_lane.images=original',
            f'fast_lane.cache_dir={cache}',
        ]
        launcher = []
        if ranks > 1:
            with socket.socket() as free:
                free.bind(('127.0.0.1', 0))
                port = free.getsockname()[1]
            launcher = ['-m', 'torch.distributed.run', f'--nproc-per-node={ranks}']
            launcher += [f'--master-port={port}']
            options += ['--launcher=pytorch']
        return start(
            [*launcher, str(ROOT / 'tools' / 'train.py'), *options], folder, out, ranks
        )


def start_stock(folder: Path) -> dict[str, float]:
    """MMPose's own start once -> its costs."""
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        recipe, train = out / 'stock_recipe.py', out / 'train_stock.py'
        recipe.write_text(STOCK_RECIPE)
        train.write_text(STOCK_TRAIN)
        return start([str(train), str(recipe), f'{out}/run'], folder, out, 1)


def start(
    arguments: list[str], folder: Path, out: Path, ranks: int
) -> dict[str, float]:
    """Run Python with the hook within reach -> mean costs of a rank."""
    (out / 'costs').mkdir()
    (out / 'end_before_first_iteration.py').write_text(HOOK)
    ended = subprocess.run(
        [sys.executable, '-W', 'ignore', *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=dict(
            os.environ,
            PYTHONPATH=f'{ROOT}{os.pathsep}{out}',
            OMP_NUM_THREADS='1',
            START_COST=str(out / 'costs'),
            COCO_ROOT=str(folder),
        ),
    )
    found = [convert(json.loads(f.read_text())) for f in (out / 'costs').iterdir()]
    if len(found) != ranks:
        raise SystemExit(ended.stdout[-2000:] + ended.stderr[-4000:])
    return {name: statistics.fmean(costs[name] for costs in found) for name in found[0]}


def convert(costs: dict[str, Any]) -> dict[str, float]:
    """Sizes in kB -> GB."""
    return {name: n if name == 'cpu' else n / 1e6 for name, n in costs.items()}


def measure_imports(statements: str) -> dict[str, float]:
    measure = HOOK.partition('@HOOKS')[0].replace('from mmengine.hooks import Hook', '')
    measure = measure.replace('from mmpose.registry import HOOKS', '')
    ended = subprocess.run(
        [
            sys.executable,
            '-W',
            'ignore',
            '-c',
            f'{statements}\n{measure}\nprint("COST", json.dumps(measure()))',
        ],
        check=True,
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
    )
    return convert(json.loads(ended.stdout.rpartition('COST')[2]))


def format_row(name: str, costs: dict[str, float]) -> str:
    sizes = ' | '.join(f'{costs[key]:.2f}' for key in ('rss', 'pss', 'all'))
    return f'| {name} | {costs["cpu"]:.1f} | {sizes} |'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--folder', type=Path, required=True, help='for the people')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    folder = args.folder.absolute()
    make_folder(folder)
    rows = {name: measure_imports(code) for name, code in IMPORTS.items()}
    rows['stock MMPose'] = start_stock(folder)
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        time.sleep(4)  # hashes of files changed just now are not kept
        rows['cold'] = start_fast(folder, cache)
        warm = [start_fast(folder, cache) for _ in range(args.rounds)]
        rows['warm'] = min(warm, key=lambda costs: costs['cpu'])
        rows['warm, one of two ranks'] = start_fast(folder, cache, ranks=2)
        rows['warm, one of four ranks'] = start_fast(folder, cache, ranks=4)
        rows['warm, one of eight ranks'] = start_fast(folder, cache, ranks=8)
    lines = [
        '# What a start costs',
        '',
        f'`python benchmarks/start_cost.py --rounds {args.rounds}`: stock MMPose and '
        '`gm_pose train --fast` (cold, warm) to the first iteration at the size of COCO '
        'train2017 (149,813 people); warm is the least of the rounds, of ranks the mean. '
        f'{platform.machine()}, Python {platform.python_version()}; '
        'CPU time of a rank without its workers; machine load '
        f'{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.',
        '',
        '| start | CPU s | RSS, GB | PSS, GB | PSS with its workers, GB |',
        '|---|---|---|---|---|',
        *(format_row(name, costs) for name, costs in rows.items()),
    ]
    text = '\n'.join(lines) + '\n'
    print(text)
    if args.out is not None:
        args.out.write_text(text)


if __name__ == '__main__':
    main()
