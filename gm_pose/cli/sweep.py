"""`gm_pose sweep`: which sigmas suit your own joints, tried and measured."""

from __future__ import annotations

import argparse
import os
import os.path as osp
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gm_pose.cli.run_arguments import add_cfg_options, run_task
from gm_pose.cli.run_config import load_config

if TYPE_CHECKING:
    from mmengine.config import Config

    from gm_pose.sweep.plan import Plan
    from gm_pose.sweep.sweep import Sweep

DESCRIPTION = """Train candidates for the sigmas on a part of the training people, choose on
a second part, report on a third. Run the same command again to resume; started
several times, on machines that share the folder too, the processes share the runs.

candidates, in heatmap cells:
  uniform:1.5,2,2.5     one sigma for all joints, a candidate for each number
  oks:2,2.5  oks^0.5:2  in proportion to the OKS sigmas or a power of them, of this mean
  set1  set2  set2:2    the paper's tables, as they are or of this mean
  face=nose:1,left_eye:1,right_eye:1,default:2      by joint, under a name
  tables.json  tables.py                            a mapping (.py: sigmas = dict(...))
A table's loss is balanced by 1 / sigma^2; @plain behind it leaves that out."""
EXAMPLE = """example:
  gm_pose sweep my_joints.py --sigmas 'uniform:1.5,2,2.5 oks:2,2.5' --seeds 3"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file of a top-down heatmap model')
    parser.add_argument(
        '--sigmas',
        nargs='+',
        required=True,
        metavar='WORDS',
        help='candidates, see above',
    )
    parser.add_argument(
        '--seeds', type=int, default=3, help='trainings of each candidate (%(default)s)'
    )
    parser.add_argument(
        '--work-dir', help='folder of the sweep (default: work_dirs/sweep_CONFIG)'
    )
    for part, use in (('choose', 'choose on'), ('report', 'report on')):
        parser.add_argument(
            f'--{part}',
            metavar='ANN',
            help=f'annotations to {use}, instead of 15 %% of the training people',
        )
        parser.add_argument(
            f'--{part}-images',
            metavar='DIR',
            help='their images (default: a folder of the config that has them)',
        )
    parser.add_argument(
        '--split-seed', type=int, default=0, help='of the split (%(default)s)'
    )
    parser.add_argument(
        '--jobs', type=int, help='trainings side by side (default: 1, or one a GPU)'
    )
    parser.add_argument(
        '--gpus', help='devices to use, such as 0,1 (default: the first)'
    )
    parser.add_argument(
        '--stop-early',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='no further seeds for candidates that are clearly behind',
    )
    parser.add_argument(
        '--retry-failed', action='store_true', help='start failed runs again'
    )
    parser.add_argument(
        '--fast',
        action=argparse.BooleanOptionalAction,
        default=True,
        help='train on the fast lane where it recognises the config',
    )
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> int:
    """Sweep; 0, or 1 where a run failed."""
    args.failed = False
    run_task(sweep, args)
    return int(args.failed)


def sweep(args: argparse.Namespace) -> None:
    import signal
    import sys

    from gm_pose.sweep.make_plan import SweepRequest, make_plan
    from gm_pose.sweep.part_files import PartRequest
    from gm_pose.sweep.sweep import Sweep

    settings = read_settings(args)
    cfg = read_base_config(args)
    folder = Path(osp.abspath(args.work_dir))
    request = SweepRequest(
        osp.basename(args.config),
        args.sigmas,
        args.seeds,
        PartRequest(
            args.choose,
            args.report,
            args.choose_images,
            args.report_images,
            args.split_seed,
        ),
    )
    plan, data = make_plan(cfg, request, folder)
    check_training(cfg, plan)
    own = Sweep(folder, plan, data, cfg, settings, log)
    describe_start(own.plan)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves through `finally`
    try:
        own.train()
    except KeyboardInterrupt:
        finish(own, args)
        log('stopped; run the same command again to resume')
        sys.exit(130)
    finish(own, args)


def read_settings(args: argparse.Namespace) -> Any:
    """Arguments -> how this process works.

    Raises:
        UserError: a number that is too small, or no list of devices.
    """
    from gm_pose.runs.user_errors import UserError
    from gm_pose.sweep.sweep import SweepSettings

    gpus = tuple(args.gpus.split(',')) if args.gpus else ()
    if not all(gpu.strip().isdecimal() for gpu in gpus):
        raise UserError(f'--gpus is {args.gpus}; expected device numbers, such as 0,1')
    check_gpus(gpus)
    jobs = args.jobs if args.jobs is not None else max(len(gpus), 1)
    for name, value in (('--seeds', args.seeds), ('--jobs', jobs)):
        if value < 1:
            raise UserError(f'{name} is {value}; expected at least 1')
    return SweepSettings(
        jobs,
        tuple(gpu.strip() for gpu in gpus),
        args.stop_early,
        args.retry_failed,
        args.fast,
        max(len(os.sched_getaffinity(0)) // jobs, 1),
    )


def check_gpus(gpus: tuple[str, ...]) -> None:
    """Raise UserError for a device that is not there: its runs would train on the CPU."""
    if not gpus:
        return
    import torch

    from gm_pose.runs.user_errors import UserError

    count = torch.cuda.device_count()
    # with CUDA_VISIBLE_DEVICES the numbers are those of all devices, and not known here
    known = count if 'CUDA_VISIBLE_DEVICES' not in os.environ or not count else None
    missing = [gpu for gpu in gpus if known is not None and int(gpu) >= known]
    if missing:
        raise UserError(
            f'--gpus names device {missing[0].strip()}; PyTorch {torch.__version__} sees '
            f'{count} CUDA devices. Fix: --gpus with numbers below {count}'
            if count
            else f'--gpus is {",".join(gpus)}; PyTorch {torch.__version__} sees no CUDA '
            'device. Fix: leave --gpus out, to train on the CPU'
        )


def read_base_config(args: argparse.Namespace) -> Config:
    """The config with the user's options, as `gm_pose train` reads it."""
    if args.work_dir is None:
        name = osp.splitext(osp.basename(args.config))[0]
        args.work_dir = osp.join('work_dirs', f'sweep_{name}')
    shared = dict(launcher='none', local_rank=0, interval=1, gt_boxes=True)
    shared.update(show=False, show_dir=None, fast=None)
    return load_config(
        argparse.Namespace(
            config=args.config,
            work_dir=args.work_dir,
            cfg_options=args.cfg_options,
            **shared,
        )
    )


def check_training(cfg: Config, plan: Plan) -> None:
    """Report what is wrong with the config of any candidate before a file is written."""
    from gm_pose.cli.train import check_run
    from gm_pose.sweep.part_files import Part, find_training_data
    from gm_pose.sweep.run_config import build_run_config

    whole = Part(*find_training_data(cfg), 0, '')
    parts = dict.fromkeys(plan.parts, whole)
    configs = [build_run_config(cfg, c, 0, parts, fast=False) for c in plan.candidates]
    check_run(configs[0], argparse.Namespace(resume=None))


def describe_start(plan: Plan) -> None:
    from gm_pose.sweep.result_files import describe_data
    from gm_pose.sweep.tables import describe_sigmas

    log(describe_data(plan))
    for candidate in plan.candidates:
        log(f'candidate {candidate.name}: sigma {describe_sigmas(candidate)}')


def finish(own: Sweep, args: argparse.Namespace) -> None:
    """Write and print the result."""
    from gm_pose.sweep.result_files import write_page, write_result

    jobs = own.table.list_jobs()
    args.failed = any(job.state == 'failed' for job in jobs.values())
    print('\n' + write_result(own.runs, jobs), flush=True)
    log(f'tables: {own.folder / "result.md"}, {own.folder / "runs.csv"}')
    log(write_page(own.runs))


def log(text: str) -> None:
    print(time.strftime('%H:%M:%S'), text, flush=True)
