"""Train many runs of the study at once on one GPU, and choose the finalists by a rule.

    python studies/run_on_device.py --data DIR --out DIR --budget 300

DIR holds studio17/ and what else there is of coco-union/ and lspet-1k/, as
`studies/pack_photographs.py` makes them. Trials, order and rules are in
`studies/device/arms.py`. Every finished run is a line of OUT/runs.jsonl, written at once;
started again with the same OUT, runs that are there are not repeated. Exit code 3: the
step cannot be captured as a CUDA graph; see --share.
"""

import argparse
import os
import sys
import time
import traceback
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('CUDA_DEVICE_MAX_CONNECTIONS', '32')

from studies.device.arms import TRIALS, find_job
from studies.device.run_log import RunLog
from studies.device.setup_data import StudyData

DATASETS = (
    'studio17',
    'coco-union',
    'coco-and-studio',
    'studio17-modern',
    'lspet-1k',
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='run_on_device.py',
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--data', type=Path, required=True, help='holds the datasets')
    parser.add_argument('--out', type=Path, required=True, help='folder of the results')
    parser.add_argument('--work', type=Path, default=Path('/tmp/study_on_device'))
    parser.add_argument(
        '--budget', type=float, default=300, help='seconds in all (%(default)s)'
    )
    parser.add_argument('--runs-at-once', type=int, default=10)
    parser.add_argument('--workers', type=int, default=len(os.sched_getaffinity(0)) - 2)
    parser.add_argument('--seeds', type=int, default=24, help='of the finals, at most')
    parser.add_argument('--datasets', nargs='+', default=DATASETS, choices=DATASETS)
    parser.add_argument('--epochs', type=int, help='instead of their own (rehearsals)')
    parser.add_argument(
        '--trials', nargs='+', help='only these of the screening (rehearsals)'
    )
    parser.add_argument(
        '--only',
        nargs='+',
        metavar='JOB',
        help='these runs and no others, as final/studio17/subcell-uniform2-jw2/107',
    )
    parser.add_argument(
        '--share',
        metavar='I/N',
        help='without CUDA graphs: the I-th of N processes, on a fixed list of runs',
    )
    parser.add_argument('--device', default='cuda', choices=['cuda', 'cpu'])
    args = parser.parse_args(argv)
    if args.trials:
        unknown = {*args.trials} - {trial.name for trial in TRIALS}
        if unknown:
            parser.error(f'--trials {sorted(unknown)}; expected names of TRIALS')
    try:
        args.only = [find_job(key) for key in args.only or ()]
    except ValueError as error:
        parser.error(f'--only: {error}')
    return args


def main(argv: list[str] | None = None) -> int:
    begin = time.monotonic()
    args = parse_args(argv)
    import logging
    import multiprocessing

    logging.disable(logging.WARNING)  # MMEngine names every parameter it initialises
    from mmengine.registry import init_default_scope

    import studies  # noqa: F401  registers the network, and prepares the stack

    init_default_scope('mmpose')
    if args.share is not None:
        args.out = args.out / f'share{args.share.replace("/", "of")}'
        args.work = args.work / args.share.replace('/', 'of')
        args.runs_at_once, args.workers = 1, 1
    log = RunLog(args.out, begin)
    data = StudyData(args.data.resolve(), args.work, args.epochs, args.datasets)
    data.load()
    log.say(f'pictures are in memory: {sorted(data.datasets)}')
    # forked before the device is used: a CUDA context does not survive a fork
    with multiprocessing.get_context('fork').Pool(max(args.workers, 1)) as pool:
        from studies.device.conductor import Conductor, GraphFailure

        try:
            Conductor(args, data, pool, log, begin + args.budget).conduct()
            code = 0
        except GraphFailure as error:
            log.say(f'GRAPHS FAILED: {error}')
            traceback.print_exc()
            code = 3
        pool.terminate()
    log.pack()
    return code


if __name__ == '__main__':
    sys.exit(main())
