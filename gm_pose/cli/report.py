"""`gm_pose report`: what a run gets right and wrong, and whether another is better."""

from __future__ import annotations

import argparse
import os
import os.path as osp
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from gm_pose.cli import make_parser
from gm_pose.cli.run_arguments import run_task

if TYPE_CHECKING:
    from gm_pose.report.reading.run_folder import RunFolder
    from gm_pose.report.reading.run_inputs import RunInputs

DESCRIPTION = """Write one HTML file about one run or several: AP with its interval over
people, errors by joint and kind, people with pictures, training curves; of several runs the
paired differences, and a sentence that says whether they are real.

RUN is the work directory of a run (its model is run on its test data), a dump of
`mim test --dump FILE.pkl`, or a COCO results file (.json) of any program. LABEL=RUN names
it; runs of one label are seeds of one setting. The first label is the reference."""
EXAMPLE = """example:
  gm_pose report work_dirs/gm_set2_res50_coco --out report.html
  gm_pose report theirs.json --ann person_keypoints_val2017.json --images val2017
  gm_pose report sigma2=runs/a0 sigma2=runs/a1 set2=runs/b0 set2=runs/b1"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'runs', nargs='+', metavar='[LABEL=]RUN', help='folder, .pkl or .json'
    )
    parser.add_argument(
        '--out', default='report.html', help='HTML file to write (%(default)s)'
    )
    parser.add_argument(
        '--ann', metavar='FILE', help="COCO annotation file (default: the run's)"
    )
    parser.add_argument(
        '--images', metavar='DIR', help="folder of its images (default: the run's)"
    )
    parser.add_argument(
        '--metainfo',
        metavar='DATASET',
        help='MMPose dataset or metainfo file with joints and OKS sigmas (default: the '
        "run's, else COCO's if the joints are)",
    )
    parser.add_argument(
        '--people',
        type=int,
        default=20,
        metavar='N',
        help='worst and typical people to draw (%(default)s)',
    )
    parser.add_argument(
        '--gt-boxes',
        action='store_true',
        help='run models on ground-truth boxes, without a detection file',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='settings for running models, as in `gm_pose test`; for example '
        'data_root=DIR where the data has moved',
    )


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('report').parse_args(argv)


def check_arguments(args: argparse.Namespace) -> None:
    """Raise UserError before anything is read or run."""
    from gm_pose.report.page.libraries import check_libraries
    from gm_pose.runs.user_errors import UserError

    check_libraries()
    if args.people < 0:
        raise UserError(f'--people is {args.people}; expected at least 0')
    if not args.out.endswith(('.html', '.htm')):
        raise UserError(f'--out is {args.out}; expected a name in .html')
    if osp.isdir(args.out):
        raise UserError(f'--out {args.out} is a folder; expected a file to write')
    for option, path, exists in (
        ('--ann', args.ann, osp.isfile),
        ('--images', args.images, osp.isdir),
    ):
        if path is not None and not exists(path):
            raise UserError(f'{option} {path} does not exist')


def run_report(args: argparse.Namespace) -> None:
    """Read, measure and write; prints the verdicts and the path."""
    from gm_pose.report.analysis.comparison import judge
    from gm_pose.report.page.summary import describe_empty_images
    from gm_pose.report.reading.run_folder import open_run_folder
    from gm_pose.report.reading.run_inputs import (
        FILE_TYPES,
        DataOptions,
        read_run,
        split_label,
    )
    from gm_pose.report.write_report import write_report
    from gm_pose.runs.user_errors import UserError

    check_arguments(args)
    options = DataOptions(args.ann, args.images, args.metainfo)
    arguments = [split_label(argument) for argument in args.runs]
    given = [(label, osp.realpath(path)) for label, path in arguments]
    for n, (label, path) in enumerate(given):
        if label and (label, path) in given[:n]:
            raise UserError(f'{path} is given twice as {label}; expected another seed')
    folders = [
        None if path.endswith(FILE_TYPES) else open_run_folder(path)
        for _, path in arguments
    ]
    inputs: list[RunInputs] = []
    for (label, path), folder in zip(arguments, folders, strict=True):
        source = path if folder is None else predict(folder, args)
        name = label or _name_run(path, [run.label for run in inputs])
        inputs.append(read_run(source, name, options, folder))
    comparisons = write_report(inputs, args.out, args.people, Progress())
    for comparison in comparisons:
        print(judge(comparison))
    for run in inputs:
        for text in describe_empty_images(run):
            print(text)
    print(args.out)


def _name_run(path: str, taken: list[str]) -> str:
    """A label that no other run has: without LABEL= two runs are never two seeds."""
    name = osp.splitext(osp.basename(osp.normpath(path)))[0]
    parent = osp.basename(osp.dirname(osp.abspath(path)))
    for label in (name, f'{parent}/{name}'):
        if label not in taken:
            return label
    return f'{name} ({1 + len(taken)})'


def predict(folder: RunFolder, args: argparse.Namespace) -> str:
    """Run folder -> its predictions, kept there; the model runs if they are not up to date.

    Raises:
        UserError: the folder has no checkpoint.
    """
    from gm_pose.cli import test
    from gm_pose.runs.user_errors import UserError

    if folder.checkpoint is None:
        raise UserError(
            f'{folder.path} has no checkpoint (*.pth). Fix: give the folder of a run that '
            'was trained, or its predictions'
        )
    kept = folder.path / 'report' / f'{folder.checkpoint.stem}.pkl'
    is_plain = not args.cfg_options and not args.gt_boxes
    if (
        is_plain
        and kept.is_file()
        and kept.stat().st_mtime > folder.checkpoint.stat().st_mtime
    ):
        print(f'{kept}: predictions of an earlier report', file=sys.stderr)
        return str(kept)
    kept.parent.mkdir(exist_ok=True)
    if not is_plain:
        kept = kept.with_stem(f'{kept.stem}-options')
    with tempfile.TemporaryDirectory(dir=kept.parent) as work_dir:
        dump = osp.join(work_dir, 'predictions.pkl')
        words = [str(folder.config_path), str(folder.checkpoint), '--dump', dump]
        words += ['--work-dir', work_dir]
        words += ['--gt-boxes'] if args.gt_boxes else []
        words += ['--cfg-options', *args.cfg_options] if args.cfg_options else []
        test.run_test(test.parse_args(words))
        os.replace(dump, kept)
    return str(kept)


class Progress:
    """Prints what is done: a line that is overwritten on a terminal, else every tenth."""

    def __init__(self) -> None:
        self.what, self.began = '', 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self.what:
            self.what, self.began = what, time.monotonic()
        text = f'{done}/{total} {what}'
        if 1 < done < total:
            left = (time.monotonic() - self.began) / (done - 1) * (total - done)
            text += f', {left:.0f} s left'
        if sys.stderr.isatty():
            end = '\n' if done == total else ''
            print(f'\r{text:60}', end=end, file=sys.stderr, flush=True)
        elif done == total or 10 * done // total > 10 * (done - 1) // total:
            print(text, file=sys.stderr, flush=True)


def run(args: argparse.Namespace) -> int:
    """Write the report; 0."""
    return run_task(run_report, args)


def main(argv: list[str] | None = None) -> None:
    run(parse_args(argv))


if __name__ == '__main__':
    main()
