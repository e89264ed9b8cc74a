"""`gm_pose predict`: joints of people in images, videos and camera pictures."""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from gm_pose.cli import make_parser
from gm_pose.cli.run_arguments import run_task

DESCRIPTION = """Predict the joints of people, and how sure each of them is.

MODEL is a checkpoint of a run (config, joint names and calibration are in it; none of it is
executed), a config with --weights, the name of a published MMPose model, or an ONNX file
of `gm_pose export`. SOURCE is an image, a folder, a quoted pattern, a list file (.txt), a
video, or the number of a camera (Ctrl-C ends it).

Exit status: 0, all was read; 1, something was not, and is named at the end; 2, a mistake
in the command; 130, Ctrl-C; 143, SIGTERM. Run the same command again to resume an
interrupted prediction."""
EXAMPLE = """example:
  gm_pose predict work_dirs/best/epoch_210.pth photos/ --boxes rtmdet-m \\
      --out predictions --save json,csv,images"""
_FAILURES_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('model', metavar='MODEL', help='checkpoint, config, name, ONNX')
    parser.add_argument('source', metavar='SOURCE', help='images, a video, a camera')
    parser.add_argument('--weights', help='checkpoint for a config or a name')
    parser.add_argument(
        '--boxes',
        default='whole',
        metavar='B',
        help='whole: one person anywhere in the image (default); a COCO annotations or '
        'detections file (.json); an MMDetection detector, such as rtmdet-m',
    )
    parser.add_argument('--box-weights', help="the detector's checkpoint")
    parser.add_argument(
        '--box-threshold',
        type=float,
        metavar='S',
        help="leave out boxes of a lower score (a detector's: 0.3, a file's: none)",
    )
    parser.add_argument(
        '--out', default='predictions', help='folder of the results (%(default)s)'
    )
    parser.add_argument(
        '--save',
        default='json,csv',
        metavar='KINDS',
        help='of json, csv, parquet, images, video (%(default)s)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='start over in --out, do not resume'
    )
    parser.add_argument(
        '--flip-test',
        action='store_true',
        help='average with the mirrored crop, aligned; twice the time',
    )
    parser.add_argument(
        '--score',
        choices=('peak', 'expected_oks'),
        default='peak',
        help="of a person: mean peak of the maps as MMPose's CocoMetric (default), or the "
        'expected OKS',
    )
    parser.add_argument(
        '--track', action='store_true', help='number people across frames (ByteTrack)'
    )
    parser.add_argument(
        '--threshold',
        type=float,
        default=0.3,
        metavar='S',
        help='joints of a lower score are hollow in pictures (%(default)s)',
    )
    parser.add_argument('--device', help='cpu, cuda:0, ... (a GPU where there is one)')
    parser.add_argument(
        '--batch-size',
        type=int,
        default=32,
        metavar='B',
        help='people that go through the network at once (%(default)s)',
    )


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('predict').parse_args(argv)


def run(args: argparse.Namespace) -> int:
    """Predict; 0, or 1 where something could not be read, or 130 after Ctrl-C."""
    status = 0

    def task(args: argparse.Namespace) -> None:
        nonlocal status
        status = run_predict(args)

    if args.model.lower().endswith('.onnx'):
        from gm_pose.cli.run_arguments import limit_image_size
        from gm_pose.runs.user_errors import report_user_errors

        limit_image_size()
        with report_user_errors():
            task(args)
    else:
        run_task(task, args)
    return status


def run_predict(args: argparse.Namespace) -> int:
    """Predict and report -> exit status."""
    from gm_pose.inference.boxes import open_boxes
    from gm_pose.inference.pose_estimator import PoseEstimator
    from gm_pose.inference.predict_run import OutputSettings, predict_into
    from gm_pose.inference.sources import open_source
    from gm_pose.runs.user_errors import UserError, as_user_errors

    for option in ('threshold', 'box_threshold'):
        value = getattr(args, option)
        if value is not None and math.isnan(value):
            name = option.replace('_', '-')
            raise UserError(f'--{name} is {value}; expected a number')
    with as_user_errors(ValueError):
        source = open_source(args.source)  # first: a typing mistake costs no waiting
        finder = open_boxes(
            args.boxes, args.box_threshold, args.box_weights, args.device
        )
        estimator = PoseEstimator(
            args.model,
            weights=args.weights,
            device=args.device,
            flip_test=args.flip_test,
            batch_size=args.batch_size,
            score=args.score,
        )
    names = ('weights', 'boxes', 'box_threshold', 'flip_test', 'score')
    output = OutputSettings(
        folder=Path(args.out),
        saved=[name.strip() for name in args.save.split(',') if name.strip()],
        threshold=args.threshold,
        track=args.track,
        overwrite=args.overwrite,
        model=args.model,
        settings={name: getattr(args, name) for name in names},
    )
    outcome = predict_into(estimator, source, finder, output)
    return report(outcome, finder, args.out)


def report(outcome: Any, finder: Any, out: str) -> int:
    """Say what happened -> exit status."""
    from gm_pose.runs.count_words import count_words

    done = f'{count_words(outcome.frames, "frame")} predicted'
    if outcome.skipped:
        done += f', {outcome.skipped} were done before'
    print(f'{done}; {count_words(outcome.people, "person")} in {out}')
    if str(outcome.counts):
        print(f'boxes left out: {outcome.counts}', file=sys.stderr)
    note = getattr(finder, 'unmatched_note', None)
    if note and outcome.frames:
        print(f'note: {note}', file=sys.stderr)
    failures = outcome.failures
    if failures:
        print(f'{len(failures)} not read, or not to the end:', file=sys.stderr)
        for failure in failures[:_FAILURES_SHOWN]:
            print(f'  {failure}', file=sys.stderr)
        if len(failures) > _FAILURES_SHOWN:
            print(f'  and {len(failures) - _FAILURES_SHOWN} more', file=sys.stderr)
    if outcome.is_interrupted:
        print('interrupted; run the same command again to resume', file=sys.stderr)
        return 130
    return 1 if failures else 0


def main(argv: list[str] | None = None) -> int:
    return run(parse_args(argv))


if __name__ == '__main__':
    sys.exit(main())
