"""Speed of keypoint evaluation against xtcocotools and MMPose, CPU time in one process.

    python benchmarks/evaluation_speed.py [--out benchmarks/evaluation_speed.md]

Needs xtcocotools: Python 3.11. The people are those of `generated_people.py`. All sides run
in turns, `--rounds` times, and the least time of each counts; the ratio is the result.

    AP alone: from a list of results in memory to the ten numbers. hotcoco takes a file and
        is given one; reading it is a part of its time, since it has no other way in.
    process: what a metric keeps of one sample, a batch of 64 at a time.
    evaluate: `metric.evaluate`, after all samples were processed: scores, NMS, AP. MMPose
        writes and reads a temporary file for it.
    evaluate, with file: the same with `outfile_prefix`.

In every row the ten numbers of both sides are compared; the column "largest difference" is
of doubles.
"""

import argparse
import contextlib
import copy
import gc
import io
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')

import gm_pose  # noqa: F401, I001  (before mmpose, which it mends)
import numpy as np
from generated_people import GeneratedPeople, generate_people
from mmpose.evaluation.metrics import CocoMetric
from xtcocotools.coco import COCO
from xtcocotools.cocoeval import COCOeval

from gm_pose.fast_lane.evaluation.fast_coco_metric import FastCocoMetric
from gm_pose.runs.evaluation.average_precision import MatchingRules, compute_precision
from gm_pose.runs.evaluation.coco_people import read_detected_people, read_true_people

SIGMAS = COCOeval(iouType='keypoints').sigmas
META = {
    'dataset_name': 'drawn',
    'num_keypoints': 17,
    'sigmas': SIGMAS.astype(np.float32),
}
RULES = MatchingRules()


def measure(function: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of a call, and what it gives."""
    gc.collect()
    with contextlib.redirect_stdout(io.StringIO()):
        start = time.process_time()
        value = function()
        return time.process_time() - start, value


def evaluate_with_xtcocotools(coco: COCO, results: list[dict]) -> np.ndarray:
    evaluator = COCOeval(coco, coco.loadRes(results), 'keypoints', SIGMAS)
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return np.array(evaluator.stats)


def evaluate_with_hotcoco(truth: str, results: str) -> np.ndarray:
    import hotcoco

    coco = hotcoco.COCO(truth)
    evaluator = hotcoco.COCOeval(coco, coco.load_res(results), 'keypoints')
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return np.array(evaluator.stats)


def evaluate_with_arrays(coco: COCO, results: list[dict]) -> np.ndarray:
    for result in results:
        result['area'] = result['bbox'][2] * result['bbox'][3]
    return compute_precision(
        read_true_people(coco.dataset['annotations'], 17),
        read_detected_people(results, 17),
        SIGMAS,
        np.array(list(coco.imgs)),
        np.array(list(coco.cats)),
    ).summarize(RULES.thresholds)


def measure_engines(
    people: GeneratedPeople, folder: Path, rounds: int
) -> dict[str, tuple[float, np.ndarray]]:
    """Engine -> least CPU seconds, ten numbers."""
    results = [r for r in people.list_results() if any(r['keypoints'][2::3])]
    truth_file, results_file = folder / 'truth.json', folder / 'results.json'
    results_file.write_text(json.dumps(results))
    coco = COCO(str(truth_file))
    engines: dict[str, Callable[[list[dict]], np.ndarray]] = {
        'xtcocotools': lambda copied: evaluate_with_xtcocotools(coco, copied),
        'gm_pose': lambda copied: evaluate_with_arrays(coco, copied),
    }
    with contextlib.suppress(ImportError):
        import hotcoco  # noqa: F401

        engines['hotcoco'] = lambda _: evaluate_with_hotcoco(
            str(truth_file), str(results_file)
        )
    found: dict[str, tuple[float, np.ndarray]] = {}
    for _ in range(rounds):
        for name, engine in engines.items():
            copied = copy.deepcopy(results)
            seconds, numbers = measure(lambda e=engine, c=copied: e(c))  # type: ignore[misc]
            least = min(seconds, found.get(name, (seconds,))[0])
            found[name] = least, numbers
    return found


def measure_metrics(
    people: GeneratedPeople, folder: Path, rounds: int
) -> dict[tuple[str, str], tuple[float, np.ndarray]]:
    """(what, class name) -> least CPU seconds, ten numbers."""
    samples = people.list_samples()
    found: dict[tuple[str, str], tuple[float, np.ndarray]] = {}
    for _ in range(rounds):
        for file in (False, True):
            for metric_type in (CocoMetric, FastCocoMetric):
                name = metric_type.__name__
                prefix = str(folder / name) if file else None
                seconds: dict[str, float] = {}
                seconds['construct'], metric = measure(
                    lambda t=metric_type, p=prefix: t(  # type: ignore[misc]
                        ann_file=str(folder / 'truth.json'), outfile_prefix=p
                    )
                )
                metric.dataset_meta = META
                seconds['process'], _ = measure(lambda m=metric: process(m, samples))  # type: ignore[misc]
                kind = 'evaluate, with file' if file else 'evaluate'
                seconds[kind], numbers = measure(
                    lambda m=metric: m.evaluate(size=len(samples))  # type: ignore[misc]
                )
                for what, value in seconds.items():
                    least = min(value, found.get((what, name), (value,))[0])
                    found[what, name] = least, np.array(list(numbers.values()))
        stock, fast = (
            folder / f'{n}.keypoints.json' for n in ('CocoMetric', 'FastCocoMetric')
        )
        if json.loads(stock.read_text()) != json.loads(fast.read_text()):
            raise RuntimeError('the two results files differ')
    return found


def process(metric: CocoMetric, samples: list[dict]) -> None:
    for start in range(0, len(samples), 64):
        metric.process([{}], samples[start : start + 64])


INTRODUCTION = """# Speed of keypoint evaluation

Written by `python benchmarks/evaluation_speed.py`, which says how it is measured. CPU
seconds, least of {rounds}, both sides in turns in one process; people of
`benchmarks/generated_people.py`. {machine}, Python {python}, numpy {numpy}.
"""


def write_tables(counts: list[int], rounds: list[int]) -> str:
    """Run all cases -> Markdown."""
    text = INTRODUCTION.format(
        rounds=' and '.join(
            f'{r} ({c:,})' for r, c in zip(rounds, counts, strict=True)
        ),
        machine=platform.machine(),
        python=platform.python_version(),
        numpy=np.__version__,
    )
    engines = (
        '\n## AP alone\n\n| evaluator | detections | s | ratio | largest difference |\n'
    )
    engines += '|---|---|---|---|---|\n'
    metrics = '\n## CocoMetric and FastCocoMetric\n\n'
    metrics += '| step | detections | CocoMetric s | FastCocoMetric s | ratio | '
    metrics += 'largest difference |\n|---|---|---|---|---|---|\n'
    for count, repeats in zip(counts, rounds, strict=True):
        people = generate_people(count)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / 'truth.json').write_text(json.dumps(people.truth))
            found = measure_engines(people, folder, repeats)
            stock_seconds, expected = found['xtcocotools']
            for engine, (seconds, numbers) in found.items():
                row = (
                    f'| {engine} | {count:,} | {seconds:.3f} | '
                    f'**{stock_seconds / seconds:.0f}** | '
                    f'{np.abs(numbers - expected).max():.2g} |'
                )
                print(row, flush=True)
                engines += row + '\n'
            both = measure_metrics(people, folder, repeats)
            for what in ('construct', 'process', 'evaluate', 'evaluate, with file'):
                stock_seconds, expected = both[what, 'CocoMetric']
                seconds, numbers = both[what, 'FastCocoMetric']
                row = (
                    f'| {what} | {count:,} | {stock_seconds:.3f} | {seconds:.3f} | '
                    f'**{stock_seconds / seconds:.1f}** | '
                    f'{np.abs(numbers - expected).max():.2g} |'
                )
                print(row, flush=True)
                metrics += row + '\n'
    return text + engines + metrics


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--counts', type=int, nargs='+', default=[6352, 100_000])
    parser.add_argument('--rounds', type=int, nargs='+', default=[3, 1])
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    table = write_tables(args.counts, args.rounds)
    if args.out:
        args.out.write_text(table)


if __name__ == '__main__':
    main()
