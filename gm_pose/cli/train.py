"""`gm_pose train`, `tools/train.py` and `mim train gm_pose`: train a pose model."""

import argparse
from typing import Any

from gm_pose.cli import make_parser
from gm_pose.cli.run_arguments import add_run_arguments, run_task
from gm_pose.cli.run_config import load_config

EXAMPLE = """example:
  COCO_ROOT=/data/coco gm_pose train configs/gm_best_res50_coco.py --gt-boxes
  mim train gm_pose gm_best_res50_coco.py --work-dir work_dirs/best --amp"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'config',
        help='config file; the shipped ones read COCO_ROOT (default: data/coco)',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume from CHECKPOINT, or from the newest one in the work directory',
    )
    parser.add_argument(
        '--amp', action='store_true', help='train with automatic mixed precision'
    )
    parser.add_argument(
        '--no-validate', action='store_true', help='do not evaluate during training'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate by actual batch / the config's base_batch_size",
    )
    add_run_arguments(parser)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('train').parse_args(argv)


def merge_args(cfg: Any, args: argparse.Namespace) -> Any:
    """Merge the arguments that only training has."""
    from gm_pose.runs.launch.learning_rate import enable_lr_scaling
    from gm_pose.runs.user_errors import UserError

    if args.no_validate:
        cfg.val_cfg = None
        cfg.val_dataloader = None
        cfg.val_evaluator = None
    if args.amp:
        import torch

        if not torch.cuda.is_available():
            raise UserError(
                '--amp needs a GPU, and this machine shows none. Fix: leave --amp out'
            )
        kind = (cfg.get('optim_wrapper') or {}).get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise UserError(
                f'--amp replaces OptimWrapper; the config uses {kind}. Fix: set the '
                'mixed precision in optim_wrapper instead'
            )
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        enable_lr_scaling(cfg)
    return cfg


def prepare_resume(cfg: Any, resume: str | None) -> tuple[dict | None, str | None]:
    """Decide where the run starts; returns (content of the checkpoint or None, note).

    A seed that the config leaves open is the checkpoint's: MMEngine would build the data
    loader with another one before it reads the checkpoint's.
    """
    from gm_pose.runs.resume.resumable_checkpoint import (
        find_resumable_checkpoint,
        read_checkpoint,
    )
    from gm_pose.runs.user_errors import UserError

    if resume is None and not (cfg.get('resume') and cfg.get('load_from')):
        resume = 'auto' if cfg.get('resume') else None
    elif resume is None:
        resume = cfg.load_from
    if resume is None:
        return None, None
    cfg.resume, note = True, None
    if resume == 'auto':
        path, note = find_resumable_checkpoint(cfg.work_dir)
        if path is None and note is not None:
            raise UserError(
                f'--resume: {note}, and {cfg.work_dir} has no whole checkpoint. Fix: '
                'start without --resume, or name one with --resume FILE'
            )
        if path is None:
            cfg.resume, cfg.load_from = False, None
            return (
                None,
                f'--resume: no checkpoint in {cfg.work_dir} yet, a new run starts',
            )
        note = note and f'--resume: {note}; going on from {path}'
    else:
        path = resume
    cfg.load_from = path
    if '://' in path:
        return None, note
    checkpoint = read_checkpoint(path)
    meta = checkpoint.get('meta') or {}
    if 'optimizer' not in checkpoint or not {'epoch', 'iter'} <= set(meta):
        raise UserError(
            f'checkpoint {path} holds weights and no state of a run. Fix: --resume '
            f'epoch_N.pth, or start a new run with --cfg-options load_from={path}'
        )
    seed, found = meta.get('seed'), (cfg.get('randomness') or {}).get('seed')
    if seed is not None and found != seed:
        cfg.randomness = dict(cfg.get('randomness') or {}, seed=seed)
        if found is not None:
            note = f'--resume: the seed is {seed}, as in {path}, and not {found}'
    return checkpoint, note


def run(args: argparse.Namespace) -> int:
    """Train; 0."""
    return run_task(run_training, args)


def main(argv: list[str] | None = None) -> None:
    run(parse_args(argv))


def check_run(cfg: Any, args: argparse.Namespace) -> list[str]:
    """Report all that is wrong before a file is written -> what is good to know."""
    from gm_pose.runs.checks.checkpoint_fit import check_checkpoint_fits
    from gm_pose.runs.checks.model_building import build_model
    from gm_pose.runs.checks.outline import read_outline
    from gm_pose.runs.checks.run_checks import TRAIN_CHECKS, run_checks
    from gm_pose.runs.resume.resumable_checkpoint import read_checkpoint

    splits = ('train',) if cfg.get('val_dataloader') is None else ('train', 'val')
    outline = read_outline(cfg, splits)
    problems = run_checks(outline, TRAIN_CHECKS)
    resumed = problems.call(prepare_resume, cfg, args.resume)
    checkpoint, note = resumed or (None, None)
    if checkpoint is not None:
        model = build_model(outline)
        if model is not None:
            problems.call(check_checkpoint_fits, checkpoint, model, cfg.load_from)
    elif resumed and cfg.get('load_from') and '://' not in cfg.load_from:
        problems.call(read_checkpoint, cfg.load_from)  # whole; it may fit in part
    problems.raise_errors()
    return [*outline.notes, *([] if note is None else [note])]


def run_training(args: argparse.Namespace) -> None:
    import contextlib

    from mmengine.runner import Runner

    from gm_pose.fast_lane.config.apply_fast_lane import apply_fast_lane
    from gm_pose.runs.files.work_dir_lock import WorkDirLock
    from gm_pose.runs.host.checkpoints.safe_loading import (
        CheckpointError,
        DownloadError,
    )
    from gm_pose.runs.launch import cpu_processes
    from gm_pose.runs.launch.crash_log import log_crash
    from gm_pose.runs.launch.loader_workers import workers_ended
    from gm_pose.runs.launch.processes import get_launched_rank
    from gm_pose.runs.launch.run_defaults import add_run_defaults
    from gm_pose.runs.launch.start_record import list_start_records
    from gm_pose.runs.loading.sample_errors import name_unreadable_image
    from gm_pose.runs.user_errors import as_user_errors

    cfg = merge_args(load_config(args), args)
    notes = check_run(cfg, args)
    add_run_defaults(cfg)
    with as_user_errors(ValueError):
        notes += apply_fast_lane(cfg)
    with contextlib.ExitStack() as stack:
        if get_launched_rank(cfg.launcher) == 0:
            stack.enter_context(WorkDirLock(cfg.work_dir))
        cpu_processes.prepare_cpu_processes(cfg)
        runner = Runner.from_cfg(cfg)
        stack.enter_context(workers_ended(runner))
        stack.enter_context(log_crash(runner))
        for record in list_start_records():
            runner.logger.info(record)
        for note in notes:
            runner.logger.warning(note)
        with name_unreadable_image(), as_user_errors(CheckpointError, DownloadError):
            runner.train()


if __name__ == '__main__':
    main()
