"""Run the study's missing trainings, several single-threaded ones side by side.

    python studies/run_study.py --data DIR --dataset studio17 \
        --arms centered subcell --seeds 0 1 2 --jobs 2

All arms are run with the first seed before any is run with the second. A run whose result
file is there is not repeated; an interrupted one goes on from its last checkpoint.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studies.arms import GROUPS, find_arms
from studies.datasets import DATASETS, ROOT
from studies.kept_results import RESULTS, Run, judge_run, load_result

POLL_SECONDS = 2.0
REPORT_SECONDS = 60.0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, help='directory that holds the datasets')
    parser.add_argument('--dataset', choices=DATASETS, default='studio17')
    parser.add_argument(
        '--arms', nargs='+', default=list(GROUPS), help='names of arms and groups'
    )
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--jobs', type=int, default=2, help='trainings side by side')
    parser.add_argument('--nice', type=int, default=0, help='0 to 19, 19 the politest')
    parser.add_argument('--epochs', type=int, help='for trying things out')
    parser.add_argument('--work-dir', type=Path, default=ROOT / 'work_dirs' / 'study')
    parser.add_argument('--results', type=Path, default=RESULTS)
    parser.add_argument('--stop-after', type=float, metavar='MINUTES',
                        help='start no further run after this time')  # fmt: skip
    parser.add_argument(
        '--list', action='store_true', help='say what is there and stop'
    )
    parser.add_argument('--redo', nargs='+', default=[], choices=['stale', 'other decoder'],
                        help='repeat these too (the second only evaluates)')  # fmt: skip
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error(f'--jobs must be at least 1, got {args.jobs}')
    if args.data is None and not args.list:
        parser.error('--data is missing: the directory that holds the datasets')
    return args


def judge_runs(args: argparse.Namespace) -> dict[Run, str]:
    """All runs asked for, seed by seed -> their states (see `judge_run`)."""
    from studies.build_config import build_config, hash_config
    from studies.run_versions import take_fingerprints

    dataset, fingerprints = DATASETS[args.dataset], take_fingerprints()
    arms = find_arms(args.arms, args.dataset)
    states = {}
    for seed in args.seeds:
        for arm in arms:
            run = Run(dataset.name, arm.name, seed)
            config_hash = hash_config(build_config(arm, dataset, seed, args.epochs))
            states[run] = judge_run(
                run.find_result(args.results), config_hash, fingerprints
            )
    return states


def start_run(run: Run, args: argparse.Namespace) -> subprocess.Popen:
    """Start a run's process, its output going to a log in its work folder."""
    folder = run.find_work_dir(args.work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, str(ROOT / 'studies' / 'train_run.py'),
        '--data', str(args.data.resolve()), '--dataset', run.dataset, '--arm', run.arm,
        '--seed', str(run.seed), '--work-dir', str(args.work_dir.resolve()),
        '--results', str(args.results.resolve()), '--nice', str(args.nice),
    ]  # fmt: skip
    if args.epochs:
        command += ['--epochs', str(args.epochs)]
    environment = dict(os.environ, OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')
    with (folder / 'log.txt').open('a') as log:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )


def run_all(
    runs: list[Run],
    start: Callable[[Run], subprocess.Popen],
    jobs: int,
    say: Callable[[str], None],
    may_start: Callable[[], bool] = lambda: True,
    poll_seconds: float = POLL_SECONDS,
) -> dict[Run, int]:
    """Run `runs`, at most `jobs` at once -> exit codes of those that were started.

    A run that fails is reported and does not stop the others. When this function is left
    by an exception (Ctrl-C), the processes that it started are ended first.
    """
    waiting, codes = list(runs), {}
    active: dict[Run, tuple[subprocess.Popen, float]] = {}
    durations: list[float] = []
    started, reported = time.monotonic(), time.monotonic()
    try:
        while active or (waiting and may_start()):
            while waiting and len(active) < jobs and may_start():
                run = waiting.pop(0)
                active[run] = (start(run), time.monotonic())
                say(f'start   {run}')
            time.sleep(poll_seconds)
            for run, (process, since) in list(active.items()):
                if process.poll() is None:
                    continue
                del active[run]
                codes[run] = process.returncode
                seconds = time.monotonic() - since
                if process.returncode == 0:
                    durations.append(seconds)
                word = 'done   ' if process.returncode == 0 else 'FAILED '
                say(f'{word} {run} after {seconds / 60:.1f} min')
            if time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                say(describe_progress(len(codes), len(active), len(waiting),
                                      reported - started, durations, jobs))  # fmt: skip
    finally:
        for process, _ in active.values():
            process.send_signal(signal.SIGTERM)
        for process, _ in active.values():
            process.wait()
    return codes


def describe_progress(
    finished: int, active: int, waiting: int, elapsed: float, durations: list[float],
    jobs: int,
) -> str:  # fmt: skip
    """One line: how many runs are finished, under way and left, and the time left."""
    text = f'{finished} finished, {active} under way, {waiting} waiting'
    if not durations:
        return f'{text}, {elapsed / 60:.0f} min so far'
    left = sum(durations) / len(durations) * (waiting + active / 2) / jobs
    return f'{text}, about {left / 60:.0f} min left'


def describe_result(path: Path) -> str:
    """AP of a result on both parts, for the listing."""
    evaluation = load_result(path)['evaluation']
    texts = []
    for part in ('select', 'report'):
        plain, flip = (evaluation[part][key]['AP'] for key in ('plain', 'flip'))
        texts.append(f'{part} {plain:5.1f} / {flip:5.1f}')
    return '  '.join(texts)


def main() -> int:
    args = parse_args()
    try:
        states = judge_runs(args)
    except ValueError as error:
        print(f'run_study: {error}', file=sys.stderr)
        return 2
    if args.list:
        print('AP without / with flip test')
        for run, state in states.items():
            result = run.find_result(args.results)
            numbers = describe_result(result) if result.exists() else ''
            print(f'{run.arm:28} seed {run.seed}  {state:14}{numbers}')
        return 0
    runs = [r for r, s in states.items() if s == 'missing' or s in args.redo]
    print(
        f'{len(states) - len(runs)} of {len(states)} runs are there, {len(runs)} to do'
    )
    begin = time.monotonic()

    def may_start() -> bool:
        return not args.stop_after or time.monotonic() - begin < 60 * args.stop_after

    def say(text: str) -> None:
        print(time.strftime('%H:%M:%S'), text, flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves through `finally`
    codes = run_all(runs, lambda run: start_run(run, args), args.jobs, say, may_start)
    failed = [run for run, code in codes.items() if code]
    for run in failed:
        print(f'FAILED {run}: {run.find_work_dir(args.work_dir) / "log.txt"}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
