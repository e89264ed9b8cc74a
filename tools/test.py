"""Evaluate a checkpoint: MMPose's options, plus `--gt-boxes`."""

import argparse
import os.path as osp

from run_arguments import add_run_arguments, load_config

EXAMPLE = """example:
  COCO_ROOT=/data/coco python tools/test.py configs/gm_set2_res50_coco.py \\
      work_dirs/gm_set2_res50_coco/epoch_210.pth --gt-boxes --out metrics.json
  mim test gm_pose gm_set2_res50_coco.py --checkpoint epoch_210.pth --show-dir pictures"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Evaluate a pose model',
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', help='file to write the metrics to (.json or .pkl)')
    parser.add_argument('--dump', help='file to write all predictions to (.pkl)')
    parser.add_argument(
        '--badcase', action='store_true', help='keep pictures of the worst samples'
    )
    add_run_arguments(parser)
    return parser.parse_args()


def merge_args(cfg, args: argparse.Namespace):
    """Merge the arguments that only testing has."""
    from gm_pose.engine.user_errors import UserError

    if not osp.isfile(args.checkpoint) and '://' not in args.checkpoint:
        raise UserError(
            f'checkpoint {args.checkpoint} does not exist: give the .pth file that '
            'training wrote into its work directory'
        )
    cfg.load_from = args.checkpoint
    if args.out is not None and not args.out.endswith(('.json', '.pkl', '.yaml')):
        raise UserError(f'--out {args.out}: the name must end in .json, .yaml or .pkl')
    if args.dump is not None:
        if not args.dump.endswith(('.pkl', '.pickle')):
            raise UserError(f'--dump {args.dump}: the name must end in .pkl or .pickle')
        evaluators = cfg.test_evaluator
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators]
        dump = dict(type='DumpResults', out_file_path=args.dump)
        cfg.test_evaluator = [*evaluators, dump]
    if args.badcase:
        hook = (cfg.get('default_hooks') or {}).get('badcase')
        if hook is None:
            raise UserError(
                '--badcase needs default_hooks.badcase in the config: add '
                "badcase=dict(type='BadCaseAnalysisHook', enable=False, "
                "metric_type='loss', badcase_thr=5)"
            )
        hook.enable = True
        hook.show = args.show
        hook.interval = args.interval
        if not hook.get('metric'):
            by_loss = hook.get('metric_type', 'loss') == 'loss'
            hook.metric = cfg.model.head.loss if by_loss else cfg.test_evaluator
    return cfg


def main() -> None:
    args = parse_args()

    import gm_pose  # noqa: F401  before mmpose, and for configs without our import
    from gm_pose.engine.user_errors import report_user_errors

    with report_user_errors():
        run_test(args)


def run_test(args: argparse.Namespace) -> None:
    import mmengine
    from mmengine.runner import Runner

    from gm_pose.engine import codec_config, cpu_processes, preflight

    cfg = merge_args(load_config(args), args)
    codec_config.check_codec_agreement(cfg)
    preflight.check_data_files(cfg, ('test',))
    cpu_processes.prepare_cpu_processes(cfg)
    metrics = Runner.from_cfg(cfg).test()
    if args.out is not None and metrics:
        mmengine.mkdir_or_exist(osp.dirname(osp.abspath(args.out)))
        mmengine.dump(metrics, args.out)


if __name__ == '__main__':
    main()
