"""`gm_pose export`: a checkpoint as one ONNX file."""

import argparse
import os.path as osp
import sys
from typing import Any

from gm_pose.cli import make_parser
from gm_pose.cli.run_arguments import run_task

DESCRIPTION = """Export a model to one ONNX file: image and boxes in, joints in px of the
image, scores and covariances out, with cropping, decoding and calibration in the graph.

CHECKPOINT is one of a run, a config with --weights, or the name of a published MMPose
model. The file is compared with PyTorch on people (rendered ones, or those of --images)
and written only if no joint differs by more than 0.05 px. docs/deploy.md says how to run
it without PyTorch and MMPose."""
EXAMPLE = """example:
  gm_pose export work_dirs/best/epoch_210.pth --out best.onnx"""
# Checks need few people, ranges of activations more.
_CHECKED, _CALIBRATED = 32, 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'model', metavar='CHECKPOINT', help='checkpoint, config or name'
    )
    parser.add_argument('--weights', help='checkpoint for a config or a name')
    parser.add_argument(
        '--input',
        choices=('image', 'crop'),
        default='image',
        help='image: a whole image and boxes (default); crop: crops of people, '
        'float32 (N, 3, h, w) BGR of 0 to 255',
    )
    parser.add_argument(
        '--output',
        choices=('joints', 'maps'),
        default='joints',
        help='joints: decoded (default); maps: heatmaps, for a decoder of your own',
    )
    parser.add_argument(
        '--flip-test',
        action='store_true',
        help='average with the mirrored crop, aligned; twice the time',
    )
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument(
        '--fp16', action='store_true', help='the network in half precision'
    )
    precision.add_argument(
        '--int8',
        metavar='IMAGES',
        help='the network in 8 bits, calibrated on these images (a hundred or so)',
    )
    parser.add_argument(
        '--images', help='images to check the file on (default: rendered people)'
    )
    parser.add_argument(
        '--boxes',
        default='whole',
        metavar='B',
        help='people in --images or --int8: whole (default), or a COCO annotations or '
        'detections file',
    )
    parser.add_argument('--out', metavar='FILE', help='(default: CHECKPOINT.onnx)')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('export').parse_args(argv)


def run_export(args: argparse.Namespace) -> None:
    """Export and say what was written."""
    from gm_pose.export import ExportOptions, export_onnx
    from gm_pose.runs.user_errors import UserError

    for option in ('int8', 'images', 'out'):
        if getattr(args, option) == '':
            raise UserError(f'--{option} is empty; expected a path')
    if args.int8 and args.images:
        raise UserError(
            '--int8 and --images were both given; the file is checked on the images of '
            '--int8. Fix: leave --images out'
        )
    if args.boxes != 'whole' and not (args.int8 or args.images):
        raise UserError(
            f'--boxes is {args.boxes}, and there are no images. Fix: --images SOURCE'
        )
    precision = 'fp16' if args.fp16 else 'int8' if args.int8 else 'fp32'
    options = ExportOptions(args.input, args.output, args.flip_test, precision)
    samples = None
    if args.int8 or args.images:
        samples = open_samples(
            args.int8 or args.images, args.boxes, _CALIBRATED if args.int8 else _CHECKED
        )
    exported = export_onnx(
        args.model,
        args.out or osp.splitext(osp.basename(args.model))[0] + '.onnx',
        options,
        weights=args.weights,
        samples=samples,
        report=lambda line: print(line, flush=True),
    )
    print(f'{exported.path}: {exported.megabytes:.1f} MB')


def open_samples(source: str, boxes: str, most_people: int) -> Any:
    """Images and their boxes -> samples; unreadable files are named."""
    from gm_pose.export.samples import read_samples
    from gm_pose.inference.boxes import open_boxes
    from gm_pose.inference.sources import open_source

    frames = open_source(source)
    samples = read_samples(frames, open_boxes(boxes), most_people)
    for failure in frames.failures:
        print(f'not read: {failure}', file=sys.stderr)
    return samples


def run(args: argparse.Namespace) -> int:
    """Export; 0."""
    return run_task(run_export, args)


def main(argv: list[str] | None = None) -> None:
    run(parse_args(argv))


if __name__ == '__main__':
    main()
