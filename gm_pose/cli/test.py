"""`gm_pose test`, `tools/test.py` and `mim test gm_pose`: evaluate a checkpoint."""

import argparse
import os
import os.path as osp
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gm_pose.cli import make_parser
from gm_pose.cli.run_arguments import add_run_arguments, run_task
from gm_pose.cli.run_config import load_config

if TYPE_CHECKING:
    from gm_pose.runs.checks.outline import Outline

EXAMPLE = """example:
  COCO_ROOT=/data/coco gm_pose test configs/gm_best_res50_coco.py \\
      work_dirs/best/epoch_210.pth --gt-boxes --out metrics.json
  mim test gm_pose gm_best_res50_coco.py --checkpoint epoch_210.pth --show-dir pictures"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--out', help='file to write the metrics to (.json, .yaml or .pkl)'
    )
    parser.add_argument('--dump', help='file to write all predictions to (.pkl)')
    parser.add_argument(
        '--badcase',
        nargs='?',
        const=20,
        type=int,
        metavar='N',
        help='keep pictures of the N worst samples (default: 20)',
    )
    add_run_arguments(parser)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('test').parse_args(argv)


def merge_args(cfg: Any, args: argparse.Namespace) -> Any:
    """Merge the arguments that only testing has."""
    from gm_pose.runs.checks.outline import find_metrics
    from gm_pose.runs.user_errors import UserError

    if not osp.isfile(args.checkpoint) and '://' not in args.checkpoint:
        raise UserError(
            f'checkpoint {args.checkpoint} does not exist. Fix: give the .pth file that '
            'training wrote into its work directory'
        )
    cfg.load_from = args.checkpoint
    if args.out is not None and not args.out.endswith(('.json', '.pkl', '.yaml')):
        raise UserError(f'--out is {args.out}; expected a name in .json, .yaml or .pkl')
    if args.out is not None:
        check_out(args.out)
    if args.dump is not None:
        if not args.dump.endswith(('.pkl', '.pickle')):
            raise UserError(
                f'--dump is {args.dump}; expected a name in .pkl or .pickle'
            )
        dump = dict(type='DumpResults', out_file_path=args.dump)
        metrics = [*(metric.config for metric in find_metrics(cfg, 'test')), dump]
        if isinstance(cfg.test_evaluator, dict) and 'metrics' in cfg.test_evaluator:
            cfg.test_evaluator['metrics'] = metrics
        else:
            cfg.test_evaluator = metrics
    if args.badcase is not None:
        keep_worst(cfg, args)
    return cfg


def keep_worst(cfg: Any, args: argparse.Namespace) -> None:
    """Put `WorstSamplesHook` in the place of the config's `BadCaseAnalysisHook`."""
    from gm_pose.runs.user_errors import UserError

    if args.badcase < 1:
        raise UserError(f'--badcase is {args.badcase}; expected at least 1')
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    if dataset.get('bbox_file'):
        raise UserError(
            '--badcase compares with annotated joints, and test_dataloader.dataset takes '
            f'people from {dataset["bbox_file"]}. Fix: --gt-boxes'
        )
    hooks = cfg.setdefault('default_hooks', {})
    hook = dict(hooks.get('badcase') or {}, type='WorstSamplesHook', enable=True)
    hook.update(num_samples=args.badcase, show=args.show, interval=args.interval)
    if not hook.get('metric'):
        by_loss = hook.get('metric_type', 'loss') == 'loss'
        hook['metric'] = cfg.model.head.loss if by_loss else cfg.test_evaluator
    hooks.badcase = hook


def check_out(path: str) -> None:
    """Raise UserError if `path` cannot be written; makes nothing."""
    from gm_pose.runs.user_errors import UserError

    folder = osp.dirname(osp.abspath(path))
    while not osp.lexists(folder):
        folder = osp.dirname(folder)
    if not osp.isdir(folder) or (osp.exists(path) and not osp.isfile(path)):
        raise UserError(
            f'--out {path}: {folder if not osp.isdir(folder) else path} is '
            'in the way: name a file in a folder'
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f'--out {path}: {folder} cannot be written into: name another')


def run(args: argparse.Namespace) -> int:
    """Evaluate; 0."""
    return run_task(run_test, args)


def main(argv: list[str] | None = None) -> None:
    run(parse_args(argv))


def check_run(
    cfg: Any, args: argparse.Namespace, *checks: Callable[['Outline'], None]
) -> list[str]:
    """Report all that is wrong before a file is written -> what is good to know.

    `checks` are a command's own, called when nothing is.
    """
    from gm_pose.runs.checks.checkpoint_fit import check_checkpoint_fits
    from gm_pose.runs.checks.model_building import build_model
    from gm_pose.runs.checks.outline import read_outline
    from gm_pose.runs.checks.run_checks import TEST_CHECKS, run_checks
    from gm_pose.runs.resume.resumable_checkpoint import read_checkpoint

    outline = read_outline(cfg, ('test',))
    problems = run_checks(outline, TEST_CHECKS)
    if '://' not in args.checkpoint:
        checkpoint = problems.call(read_checkpoint, args.checkpoint)
        model = build_model(outline)
        if checkpoint is not None and model is not None:
            problems.call(check_checkpoint_fits, checkpoint, model, args.checkpoint)
    problems.raise_errors()
    for check in checks:
        check(outline)
    return outline.notes


def evaluate_config(
    cfg: Any, args: argparse.Namespace, *checks: Callable[['Outline'], None]
) -> tuple[Any, Any]:
    """Check a merged config, run its test -> the runner and its metrics.

    Args:
        cfg: the config.
        args: of the command.
        checks: of `check_run`.

    Raises:
        UserError: config, data or checkpoint are wrong.
    """
    from mmengine.runner import Runner

    from gm_pose.fast_lane.config.apply_fast_lane import apply_fast_lane
    from gm_pose.runs.files.atomic_files import explain_write_error
    from gm_pose.runs.host.checkpoints.safe_loading import (
        CheckpointError,
        DownloadError,
    )
    from gm_pose.runs.launch import cpu_processes
    from gm_pose.runs.launch.crash_log import log_crash
    from gm_pose.runs.launch.earlier_runs import forget_visualizers
    from gm_pose.runs.launch.loader_workers import workers_ended
    from gm_pose.runs.launch.run_defaults import use_readable_images
    from gm_pose.runs.loading.sample_errors import name_unreadable_image
    from gm_pose.runs.user_errors import as_user_errors

    notes = check_run(cfg, args, *checks)
    use_readable_images(cfg)
    with as_user_errors(ValueError):
        notes += apply_fast_lane(cfg, ('test',))
    cpu_processes.prepare_cpu_processes(cfg)
    forget_visualizers()  # `gm_pose report` tests several runs
    try:
        runner = Runner.from_cfg(cfg)
    except OSError as error:
        raise explain_write_error(error, cfg.work_dir, 'write into') from error
    for note in notes:
        runner.logger.info(note)
    with (
        workers_ended(runner),
        log_crash(runner),
        as_user_errors(CheckpointError, DownloadError),
        name_unreadable_image(),
    ):
        return runner, runner.test()


def run_test(args: argparse.Namespace) -> None:
    import mmengine

    from gm_pose.runs.files.atomic_files import explain_write_error
    from gm_pose.runs.launch.processes import get_launched_rank

    cfg = merge_args(load_config(args), args)
    _, metrics = evaluate_config(cfg, args)
    if args.out is not None and metrics and get_launched_rank(cfg.launcher) == 0:
        try:
            mmengine.mkdir_or_exist(osp.dirname(osp.abspath(args.out)))
            mmengine.dump(metrics, args.out)
        except OSError as error:
            raise explain_write_error(error, args.out, option='--out') from error


if __name__ == '__main__':
    main()
