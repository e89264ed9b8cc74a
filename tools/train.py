"""Train a pose model: MMPose's options, plus `--gt-boxes`."""

import argparse

from run_arguments import add_run_arguments, load_config

EXAMPLE = """example:
  COCO_ROOT=/data/coco python tools/train.py configs/gm_set2_res50_coco.py --gt-boxes
  mim train gm_pose gm_set2_res50_coco.py --work-dir work_dirs/first --amp"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train a pose model',
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from CHECKPOINT, or from the newest one in the work directory',
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
    return parser.parse_args()


def merge_args(cfg, args: argparse.Namespace):
    """Merge the arguments that only training has."""
    from gm_pose.engine.user_errors import UserError

    if args.no_validate:
        cfg.val_cfg = None
        cfg.val_dataloader = None
        cfg.val_evaluator = None
    if args.amp:
        kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise UserError(
                f'--amp replaces OptimWrapper, and the config uses {kind}: set the '
                'mixed precision in optim_wrapper instead'
            )
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if cfg.get('auto_scale_lr') is None:
            raise UserError(
                '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the '
                'config'
            )
        cfg.auto_scale_lr.enable = True
    return cfg


def main() -> None:
    args = parse_args()

    import gm_pose  # noqa: F401  before mmpose, and for configs without our import
    from gm_pose.engine.user_errors import report_user_errors

    with report_user_errors():
        run_training(args)


def run_training(args: argparse.Namespace) -> None:
    from urllib.error import URLError

    from mmengine.runner import Runner

    from gm_pose.engine import codec_config, cpu_processes, preflight

    cfg = merge_args(load_config(args), args)
    codec_config.check_codec_agreement(cfg)
    preflight.check_data_files(
        cfg, ('train',) if args.no_validate else ('train', 'val')
    )
    preflight.check_pretrained_files(cfg)
    cpu_processes.prepare_cpu_processes(cfg)
    runner = Runner.from_cfg(cfg)
    try:
        runner.train()
    except URLError as error:
        raise preflight.explain_failed_download(cfg, error) from error


if __name__ == '__main__':
    main()
