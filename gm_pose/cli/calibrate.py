"""`gm_pose calibrate`: fit how sure a model is, and report it on people kept aside."""

import argparse
from pathlib import Path
from typing import Any

from gm_pose.cli.run_arguments import add_run_arguments, run_task
from gm_pose.cli.run_config import load_config

DESCRIPTION = """Predict the people of test_dataloader (annotated boxes), report
how far a calibration holds on images that it was not fitted on, and store one in a copy of
the checkpoint.

Prints the expected calibration error of the expected OKS and of the presence without and
with the calibration, a reliability table, and for each joint how many true places lie
inside the 95 % ellipse."""
EXAMPLE = """example:
  gm_pose calibrate configs/gm_best_res50_coco.py work_dirs/best/epoch_210.pth"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--out',
        metavar='FILE',
        help='checkpoint to write (CHECKPOINT_calibrated.pth beside the first)',
    )
    parser.add_argument(
        '--in-place', action='store_true', help='write into CHECKPOINT itself'
    )
    parser.add_argument(
        '--plot', metavar='FILE', help='picture to write (beside --out, as .png)'
    )
    parser.add_argument(
        '--folds',
        type=int,
        default=5,
        metavar='N',
        help='parts of the images, each reported on by a fit on the others (%(default)s)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of the choice of the parts (%(default)s)'
    )
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Calibrate; 0."""
    return run_task(run_calibration, args)


def choose_files(args: argparse.Namespace) -> tuple[Path, Path]:
    """Arguments -> checkpoint and picture to write; makes nothing.

    Raises:
        UserError: the checkpoint does not exist, options contradict each other, or a file
            cannot be written.
    """
    from gm_pose.calibration.calibrated_checkpoint import name_calibrated
    from gm_pose.cli.test import check_out
    from gm_pose.runs.user_errors import UserError

    checkpoint = Path(args.checkpoint)
    if not checkpoint.is_file():
        raise UserError(
            f'checkpoint {checkpoint} does not exist. Fix: give the .pth file that '
            'training wrote into its work directory'
        )
    if args.in_place and args.out:
        raise UserError('--in-place and --out were both given. Fix: leave one out')
    if args.folds < 2:
        raise UserError(f'--folds is {args.folds}; expected at least 2')
    default = checkpoint if args.in_place else name_calibrated(checkpoint)
    out = Path(args.out) if args.out else default
    plot = Path(args.plot) if args.plot else out.with_suffix('.png')
    if plot.suffix != '.png':
        raise UserError(f'--plot is {plot}; expected a name in .png')
    if args.seed < 0:
        raise UserError(f'--seed is {args.seed}; expected at least 0')
    for path in (out, plot):
        check_out(str(path))
    config = Path(args.config)
    for one, other in ((out, plot), (out, config), (plot, config), (plot, checkpoint)):
        if one.resolve() == other.resolve():
            raise UserError(
                f'{one} would be written over {other}. Fix: another name for --out or '
                '--plot'
            )
    return out, plot


def prepare_config(args: argparse.Namespace) -> Any:
    """Arguments -> config whose test gives maps, on annotated boxes.

    Raises:
        UserError: the config has no head with one Gaussian map per joint.
    """
    from mmengine.registry import init_default_scope
    from mmpose.registry import KEYPOINT_CODECS

    from gm_pose.cli.run_config import drop_detection_files
    from gm_pose.codecs import read_target_sigmas
    from gm_pose.codecs.target_sigmas import read_cell_px
    from gm_pose.runs.user_errors import UserError, as_user_errors

    cfg = load_config(args)
    cfg.load_from = args.checkpoint
    drop_detection_files(cfg)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    head = (cfg.get('model') or {}).get('head') or {}
    decoder = head.get('decoder')
    if not isinstance(decoder, dict):
        raise UserError(
            f'config {args.config} has no model.head.decoder; expected a top-down heatmap '
            'model'
        )
    decoder.pop('score', None)  # peaks are what the scores are compared with
    with as_user_errors(ValueError):
        codec = KEYPOINT_CODECS.build(decoder)
        sigmas, cell_px = read_target_sigmas(codec), read_cell_px(codec)
    cfg.model.setdefault('test_cfg', {})
    cfg.model.test_cfg.output_heatmaps = True
    cfg.test_evaluator = dict(
        type='UncertaintyMetric', sigmas_cells=sigmas.tolist(), cell_px=cell_px.tolist()
    )
    return cfg


def measure_people(args: argparse.Namespace) -> tuple[Any, Any]:
    """Predict the test set -> its `UncertaintyMetric`, and the config.

    The metric is None on all but the first of several processes.

    Raises:
        UserError: config, data or checkpoint are wrong.
    """
    from gm_pose.cli.test import evaluate_config

    cfg = prepare_config(args)
    runner, _ = evaluate_config(
        cfg, args, lambda outline: check_folds(outline, args.folds)
    )
    return (runner.test_evaluator.metrics[0] if runner.rank == 0 else None), cfg


def check_folds(outline: Any, folds: int) -> None:
    """Refuse more parts than images before minutes of prediction.

    Raises:
        UserError: there are more; of images in another layout, `assign_folds` says so.
    """
    from gm_pose.runs.checks.annotation_files import find_annotation_file
    from gm_pose.runs.data_checks.json_file import read_json
    from gm_pose.runs.data_checks.schema import CocoFile
    from gm_pose.runs.user_errors import UserError

    images = 0
    for dataset in outline.splits[0].datasets:
        path = find_annotation_file(dataset)
        if path is None:
            return
        people = read_json(path, CocoFile)['annotations']
        images += len({person['image_id'] for person in people})
    if images < folds:
        raise UserError(
            f'--folds is {folds}; expected at most the {images} images with people'
        )


def run_calibration(args: argparse.Namespace) -> None:
    from gm_pose.calibration.calibrated_checkpoint import write_calibrated
    from gm_pose.calibration.predictions import (
        assign_folds,
        predict,
        predict_kept_aside,
    )
    from gm_pose.calibration.reliability import assess, assess_peaks
    from gm_pose.calibration.reliability_plot import draw_reliability
    from gm_pose.calibration.report_text import format_report
    from gm_pose.cli.run_config import read_config
    from gm_pose.ops.uncertainty import fit_calibration
    from gm_pose.runs.files.atomic_files import explain_write_error, write_atomically
    from gm_pose.runs.user_errors import as_user_errors

    out, plot = choose_files(args)
    metric, _ = measure_people(args)
    if metric is None:
        return
    evidence = metric.evidence
    with as_user_errors(ValueError):
        folds = assign_folds(metric.image_ids, args.folds, args.seed)
        kept_aside, _ = predict_kept_aside(evidence, folds)
        calibration = fit_calibration(evidence)
    names = metric.dataset_meta['keypoint_id2name']
    parts = (
        assess(evidence, predict(evidence, None)),
        assess(evidence, kept_aside),
        assess_peaks(evidence, metric.peaks),
        [names[k] for k in range(evidence.presence.shape[1])],
    )
    print(
        f'{len(folds)} people in {args.folds} parts (seed {args.seed}), those of an image '
        'together; each part is predicted by a calibration fitted on the others. The one '
        f'that is stored is fitted on all.\n\n{format_report(*parts)}\n'
    )
    config_text = read_config(args.config).pretty_text
    try:
        write_calibrated(Path(args.checkpoint), calibration, out, config_text)
        write_atomically(plot, draw_reliability(*parts))
    except OSError as error:
        raise explain_write_error(error, str(out), option='--out') from error
    print(f'calibration: meta.gm_pose_calibration of {out}')
    print(f'plot: {plot}')
