"""Run the study's missing trainings, several single-threaded ones side by side.

    python studies/run_study.py --data DIR --dataset studio17 \
        --variants centered subcell --seeds 0 1 2 --jobs 2

All variants are run with the first seed before any is run with the second. A run whose
result file is there is not repeated; an interrupted one goes on from its last checkpoint.
Started several times, also on machines that share --work-dir, the processes share the runs.
"""

import argparse
import signal
import sys
import time
import warnings
from pathlib import Path

from gm_pose.runs.launch.child_process import read_last_line, start_child
from gm_pose.runs.queue.job_table import JobTable
from gm_pose.runs.queue.run_jobs import QueueSettings, RunningProcess, run_jobs
from studies.training.datasets import DATASETS, ROOT
from studies.training.result_files import RESULTS, Run, get_run_status, load_result
from studies.variants.catalog import GROUPS, find_variants


class _StoreRenamed(argparse.Action):
    """An option under its former name: stored as the new one, with a warning."""

    def __call__(self, parser, namespace, values, option_string=None):  # type: ignore[no-untyped-def]
        warnings.warn(
            f'{option_string} is now called --{self.dest}', DeprecationWarning, 2
        )
        setattr(namespace, self.dest, values)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='run_study.py',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--data', type=Path, help='directory that holds the datasets')
    parser.add_argument('--dataset', choices=DATASETS, default='studio17')
    parser.add_argument(
        '--variants',
        nargs='+',
        default=list(GROUPS),
        metavar='NAME',
        help=f'names of variants (see --list) or groups: {", ".join(GROUPS)}',
    )
    parser.add_argument(
        '--arms',
        nargs='+',
        dest='variants',
        action=_StoreRenamed,
        default=argparse.SUPPRESS,
        help=argparse.SUPPRESS,
    )
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2])
    parser.add_argument('--jobs', type=int, default=2, help='trainings side by side')
    parser.add_argument('--nice', type=int, default=0, help='0 to 19, 19 the politest')
    parser.add_argument('--epochs', type=int, help='for trying things out')
    parser.add_argument('--work-dir', type=Path, default=ROOT / 'work_dirs' / 'study')
    parser.add_argument('--results', type=Path, default=RESULTS)
    parser.add_argument(
        '--stop-after',
        type=float,
        metavar='MINUTES',
        help='start no further run after this time',
    )
    parser.add_argument(
        '--list', action='store_true', help='list the runs with their status and exit'
    )
    parser.add_argument(
        '--redo',
        nargs='+',
        default=[],
        choices=['stale', 'stale-evaluation'],
        help='repeat these too (the second only evaluates)',
    )
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error(f'--jobs is {args.jobs}; expected at least 1')
    if args.data is None and not args.list:
        parser.error('--data is missing: the directory that holds the datasets')
    return args


def get_run_statuses(args: argparse.Namespace) -> dict[Run, str]:
    """All runs asked for, seed by seed -> their statuses (see `get_run_status`)."""
    from studies.training.build_config import build_config
    from studies.training.config_hash import hash_config
    from studies.training.fingerprints import take_fingerprints

    dataset, fingerprints = DATASETS[args.dataset], take_fingerprints()
    variants = find_variants(args.variants, args.dataset)
    statuses = {}
    for seed in args.seeds:
        for variant in variants:
            run = Run(dataset.name, variant.name, seed)
            config_hash = hash_config(build_config(variant, dataset, seed, args.epochs))
            path = run.find_result(args.results)
            statuses[run] = get_run_status(path, config_hash, fingerprints)
    return statuses


def start_run(run: Run, args: argparse.Namespace) -> RunningProcess:
    """Start a run's process, its output going to a log in its work folder."""
    command = [
        sys.executable,
        str(ROOT / 'studies' / 'training' / 'train_run.py'),
        '--data',
        str(args.data.resolve()),
        '--dataset',
        run.dataset,
        '--variant',
        run.variant,
        '--seed',
        str(run.seed),
        '--work-dir',
        str(args.work_dir.resolve()),
        '--results',
        str(args.results.resolve()),
        '--nice',
        str(args.nice),
    ]
    if args.epochs:
        command += ['--epochs', str(args.epochs)]
    threads = dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')
    return start_child(command, find_log(run, args), threads, ROOT)


def find_log(run: Run, args: argparse.Namespace) -> Path:
    return run.find_work_dir(args.work_dir) / 'log.txt'


def train_runs(runs: list[Run], args: argparse.Namespace) -> dict[str, str]:
    """Train runs, those that other processes are at too -> name and reason of failures."""
    begin = time.monotonic()
    by_name = {str(run): run for run in runs}
    table = JobTable(args.work_dir / 'runs.sqlite')
    # what is done is what has a result file: the table is about who runs what now
    table.offer(list(by_name), again=('done', 'failed', 'stopped'))

    def may_start() -> bool:
        return not args.stop_after or time.monotonic() - begin < 60 * args.stop_after

    def log(text: str) -> None:
        print(time.strftime('%H:%M:%S'), text, flush=True)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves through `finally`
    jobs = run_jobs(
        table,
        list(by_name),
        lambda name, place: start_run(by_name[name], args),
        QueueSettings(
            args.jobs,
            log,
            may_start,
            explain=lambda name: read_last_line(find_log(by_name[name], args)),
        ),
    )
    return {
        f'{name}: {find_log(by_name[name], args)}': job.note
        for name, job in jobs.items()
        if job.state == 'failed'
    }


def describe_result(path: Path) -> str:
    """AP of a result on both splits, for the listing."""
    evaluation = load_result(path)['evaluation']
    texts = []
    for split in ('select', 'report'):
        plain, flip = (evaluation[split][key]['AP'] for key in ('plain', 'flip'))
        texts.append(f'{split} {plain:5.1f} / {flip:5.1f}')
    return '  '.join(texts)


def main(argv: list[str] | None = None) -> int:
    warnings.simplefilter('default', DeprecationWarning)
    args = parse_args(argv)
    try:
        statuses = get_run_statuses(args)
    except ValueError as error:
        print(f'run_study: {error}', file=sys.stderr)
        return 2
    if args.list:
        print('AP without / with flip test')
        for run, status in statuses.items():
            result = run.find_result(args.results)
            numbers = describe_result(result) if result.exists() else ''
            print(f'{run.variant:44} seed {run.seed}  {status:17}{numbers}')
        return 0
    runs = [r for r, s in statuses.items() if s == 'missing' or s in args.redo]
    print(
        f'{len(statuses) - len(runs)} of {len(statuses)} runs done, {len(runs)} to do'
    )
    failed = train_runs(runs, args)
    for place, reason in failed.items():
        print(f'FAILED {place} ({reason})')
    return 1 if failed else 0
