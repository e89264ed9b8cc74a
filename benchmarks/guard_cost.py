"""Cost of the run defaults: a training sample and the hooks, against MMPose's own.

    python benchmarks/guard_cost.py --data COCO=DIR [--pairs 800] [--out FILE.md]

`td-hm_res50_8xb64-210e_coco-256x192.py` as MMPose ships it, and the same config after
`add_run_defaults`: seeded sampler and samples, images looked at before they are decoded. A
pair is one sample loaded twice by each, as a data loader's worker does it, in one process
and the order ABBA, the next in BAAB, with the same seed, so that augmentation costs both
the same. To the second are added its sampler's seeds and, as if the main process loaded
the data, the keeping of the model's random states, once a batch of 64. The table has
medians and the median of the pairs' ratios with a 95 % bootstrap interval; times are CPU
time of one thread.

Hooks: what each takes in an iteration with 64 samples (`before_train_iter`,
`after_train_iter` and the look at the loss), without network and optimizer.

`--data NAME=DIR` (several times): a folder in COCO's layout, of which
`annotations/person_keypoints_train2017.json` and `train2017/` are read. Without it, people
are rendered.
"""

import argparse
import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

os.environ.setdefault('OMP_NUM_THREADS', '1')

import cv2
import mmpose
import numpy as np
import torch
from block_cost import Ratio, summarize_ratios
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

import gm_pose  # noqa: F401  before mmpose's registries are used
from gm_pose.runs.data_checks.unreadable_image import check_image_content
from gm_pose.runs.launch.run_defaults import RUN_HOOKS, add_run_defaults
from gm_pose.runs.loading import seeded_dataset
from gm_pose.runs.resume.rng_state import preserve_rng, seed_rng

RECIPE = 'body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py'
CONFIG = Path(mmpose.__file__).parent / '.mim' / 'configs' / RECIPE
BATCH = 64
MAX_RATIO = 1.02
MAX_HOOKS_US = 200


class SampleCost(NamedTuple):
    """us a sample; `parts` are what the run defaults add, each measured alone."""

    title: str
    stock: float
    guarded: float
    ratio: Ratio
    parts: dict[str, float]


def build_data(folder: str, guarded: bool) -> tuple[Any, Any]:
    """The recipe's training dataset in `folder` and its sampler."""
    from mmpose.registry import DATA_SAMPLERS, DATASETS

    cfg = Config.fromfile(CONFIG)
    cfg.train_dataloader.dataset.data_root = folder
    if guarded:
        add_run_defaults(cfg)
    loader = cfg.train_dataloader
    with contextlib.redirect_stdout(None):  # pycocotools
        dataset = DATASETS.build(loader.dataset)
    sampler = DATA_SAMPLERS.build(
        loader.sampler, default_args=dict(dataset=dataset, seed=0)
    )
    return dataset, sampler


def measure_us(run: Callable[[], Any]) -> float:
    start = time.thread_time_ns()
    run()
    return (time.thread_time_ns() - start) / 1e3


def time_repeats(run: Callable[[], Any], repeats: int = 200) -> float:
    """Median us of `run`, the first ten left out."""
    return float(np.median([measure_us(run) for _ in range(repeats + 10)][10:]))


def measure_samples(name: str, folder: str, pairs: int) -> SampleCost:
    stock, stock_sampler = build_data(folder, guarded=False)
    guarded, sampler = build_data(folder, guarded=True)
    parts = measure_parts(stock_sampler, sampler, list_images(stock))
    outside = parts['seeds in the sampler'] + parts["the model's random states"]
    epochs = itertools.chain.from_iterable(iter_epochs(sampler))
    spent = []
    with mock.patch.object(seeded_dataset, 'get_worker_info', be_worker):
        for n, index in enumerate(itertools.islice(epochs, pairs + 20)):
            us = {stock: 0.0, guarded: 0.0}
            first, second = (stock, guarded) if n % 2 else (guarded, stock)
            for dataset in (first, second, second, first):
                seed_rng(index.seed)  # the stock dataset does not
                us[dataset] += measure_us(lambda: dataset[index]) / 2  # noqa: B023
            spent.append((us[stock], us[guarded] + outside))
    theirs, mine = np.array(spent[20:]).T
    sizes = [os.path.getsize(path) for path in list_images(stock)]
    return SampleCost(
        f'{name}, {np.mean(sizes) / 1e3:.0f} kB an image',
        float(np.median(theirs)),
        float(np.median(mine)),
        summarize_ratios(list(mine / theirs), resamples=1000),
        parts,
    )


def be_worker() -> str:
    """Not a Mock, whose call costs as much as the seeds."""
    return 'a worker'


def iter_epochs(sampler: Any) -> Iterator[Any]:
    for epoch in itertools.count():
        sampler.set_epoch(epoch)
        yield sampler


def list_images(dataset: Any) -> list[str]:
    return [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]


def measure_parts(stock: Any, guarded: Any, paths: list[str]) -> dict[str, float]:
    """Name -> us a sample that a part of the run defaults adds."""
    samplers = [
        time_repeats(lambda sampler=sampler: list(sampler)) / len(sampler)
        for sampler in (stock, guarded)
    ]
    headers = []
    for path in paths[:200]:
        content = Path(path).read_bytes()
        headers.append(measure_us(lambda: check_image_content(path, content)))  # noqa: B023
    return {
        'seeds in the sampler': samplers[1] - samplers[0],
        'seeding python, numpy and torch': time_repeats(lambda: seed_rng((1, 2))),
        "the model's random states": time_repeats(keep_states) / BATCH,
        "the image's header": float(np.median(headers)),
    }


def keep_states() -> None:
    with preserve_rng():
        np.random.seed(0)  # noqa: NPY002


def measure_hooks(dataset: Any) -> dict[str, float]:
    """Hook -> us an iteration at a batch of 64."""
    from mmengine.dataset import pseudo_collate
    from mmpose.registry import HOOKS

    batch = pseudo_collate([dataset[index % len(dataset)] for index in range(BATCH)])
    costs = {}
    for name in RUN_HOOKS:
        wrapper = OptimWrapper(
            torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 0.1)
        )
        wrapper.update_params = lambda loss: None
        runner = SimpleNamespace(
            optim_wrapper=wrapper,
            epoch=0,
            iter=0,
            train_dataloader=SimpleNamespace(dataset=dataset),
        )
        hook, loss = HOOKS.build(dict(type=name)), torch.ones(())
        if name == 'NonFiniteLossHook':
            hook.before_train(runner)

        def iterate(hook=hook, runner=runner, loss=loss) -> None:
            hook.before_train_iter(runner, 0, data_batch=batch)
            runner.optim_wrapper.update_params(loss)
            hook.after_train_iter(runner, 0, data_batch=batch, outputs={})

        costs[name] = time_repeats(iterate)
    return costs


def format_samples(costs: list[SampleCost]) -> str:
    """Markdown table, a column for each folder."""
    rows = [
        ['a training sample, us of CPU time', *(cost.title for cost in costs)],
        ['---'] * (len(costs) + 1),
        ["MMPose's own", *(f'{cost.stock:.0f}' for cost in costs)],
        ['with run defaults', *(f'{cost.guarded:.0f}' for cost in costs)],
        ['more', *(str(cost.ratio) for cost in costs)],
    ]
    for part in costs[0].parts:
        rows.append([part, *(f'{cost.parts[part]:.1f}' for cost in costs)])
    rows.append(['limit', *[str(Ratio(MAX_RATIO))] * len(costs)])
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def format_hooks(costs: dict[str, float]) -> str:
    rows = [('hook', f'us an iteration of {BATCH} samples'), ('---', '---')]
    rows += [(name, f'{cost:.0f}') for name, cost in costs.items()]
    rows += [('all', f'{sum(costs.values()):.0f}'), ('limit', str(MAX_HOOKS_US))]
    return '\n'.join(f'| {name} | {cost} |' for name, cost in rows)


def find_folders(given: list[str], temporary: str) -> dict[str, str]:
    """``NAME=DIR`` each -> name: folder; rendered people without any."""
    if given:
        return dict(pair.split('=', 1) for pair in given)
    from gm_pose.datasets.synthetic_people import make_coco_folder

    make_coco_folder(Path(temporary), train_people=200, val_people=1, seed=0)
    return {'rendered people': temporary}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', action='append', default=[], help='NAME=DIR')
    parser.add_argument('--pairs', type=int, default=800, help='samples (%(default)s)')
    parser.add_argument('--out', type=Path, help='file for the tables')
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    init_default_scope('mmpose')
    with tempfile.TemporaryDirectory() as temporary:
        folders = find_folders(args.data, temporary)
        costs = [measure_samples(*item, args.pairs) for item in folders.items()]
        hooks = measure_hooks(build_data(next(iter(folders.values())), guarded=True)[0])
    text = (
        f'Against MMPose {mmpose.__version__}, `{CONFIG.name}`; one CPU thread, PyTorch '
        f'{torch.__version__}, numpy {np.__version__}, medians of {args.pairs} pairs; in '
        f'brackets the 95 % bootstrap interval of the ratio.\n\n{format_samples(costs)}\n\n'
        f'{format_hooks(hooks)}\n\nWritten by `benchmarks/guard_cost.py`.\n'
    )
    print(text)
    if args.out is not None:
        args.out.write_text(text)


if __name__ == '__main__':
    main()
