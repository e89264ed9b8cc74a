"""The command line: `gm_pose COMMAND`, or `python -m gm_pose COMMAND`.

A command is a module of this package with ``EXAMPLE``, ``add_arguments(parser)`` and
``run(args) -> exit status``. To add one, name it in COMMANDS. Neither this file nor the top
of a command's module imports more than the standard library: `--help` answers at once, and
`doctor` runs where the host packages are missing.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from importlib import import_module

from gm_pose.version import __version__

__all__ = ['COMMANDS', 'build_parser', 'main', 'make_parser']

# command -> what it does; its module has the same name, with underscores
COMMANDS = {
    'train': 'Train a pose model',
    'test': 'Evaluate a checkpoint',
    'export': 'Export a model to one ONNX file, from image and boxes to joints',
    'predict': 'Predict the joints of people in images, videos, camera pictures',
    'calibrate': 'Calibrate how sure a model is, and report how well that holds',
    'report': 'Measure what a run gets right and wrong, and compare runs',
    'draw-predictions': 'Draw predicted heatmaps, joint by joint, and skeletons',
    'draw-mixture': 'Draw which sigma a Gaussian mixture chooses at each position',
    'new-dataset': 'Write metainfo and config for your own annotations',
    'look': 'Draw what a config trains on, or predicts, as one sheet a person',
    'sweep': 'Try sigma tables on your own joints, choose, and report the difference',
    'check-data': 'Check a COCO keypoint file, and its images, before training on it',
    'estimate-sigmas': 'Estimate a sigma table from a COCO-style annotation file',
    'build-store': 'Decode the images of a config once, for runs with --fast',
    'make-synthetic-coco': 'Render a small dataset of people in the layout of COCO 2017',
    'doctor': 'Check the environment and name the command that fixes each fault',
    'replay-loss': 'Compute the loss of a dumped training step again',
}
# A ValueError below these is a bug and keeps its traceback; their own code reports a
# user's mistake.
_MODEL_RUNS = (
    'predict',
    'export',
    'calibrate',
    'report',
    'draw-predictions',
    'draw-mixture',
)
_RUNS = ('train', 'test', 'sweep', *_MODEL_RUNS, 'build-store')
_HOW_TO_GO_ON = {
    'train': '; the same command with --resume goes on from the last checkpoint',
}
# Their processes are ended by launchers, or by themselves.
_LAUNCHED = ('train', 'test', 'sweep')


def make_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command, as its script in tools/ has it."""
    parser = argparse.ArgumentParser()
    _fill(parser, name)
    return parser


def build_parser(asked: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands.

    Args:
        asked: the one command whose module is imported and whose arguments are added.
            None adds those of all; the others' summaries need no import.
    """
    parser = argparse.ArgumentParser(
        prog='gm_pose',
        description='Joint-adaptive heatmaps and the Gaussian Mixture Block for MMPose.',
        epilog='example: gm_pose train configs/gm_best_res50_coco.py --gt-boxes',
    )
    parser.add_argument('--version', action='version', version=__version__)
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if asked is None or name == asked:
            _fill(command, name)
    return parser


def _fill(parser: argparse.ArgumentParser, name: str) -> None:
    """Add a command's arguments, description and example."""
    module = import_module(f'gm_pose.cli.{name.replace("-", "_")}')
    parser.description = getattr(module, 'DESCRIPTION', f'{COMMANDS[name]}.')
    parser.epilog = module.EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


@contextlib.contextmanager
def _ended_by_sigterm(command: str) -> Iterator[None]:
    """Let SIGTERM, too, leave through `finally`, which removes half-written files."""
    owner = os.getpid()

    def end(*_: object) -> None:
        if os.getpid() != owner:  # a forked worker, which its pool ends
            os._exit(128 + signal.SIGTERM)
        print(f'gm_pose {command}: terminated', file=sys.stderr)
        sys.exit(128 + signal.SIGTERM)

    is_main = threading.current_thread() is threading.main_thread()
    if command in _LAUNCHED or not is_main:
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(argv: list[str] | None = None) -> int:
    """Run a command -> its exit status; a user's mistake is one line and 2."""
    words = sys.argv[1:] if argv is None else argv
    args = build_parser(words[0] if words else '').parse_args(words)
    try:
        with _ended_by_sigterm(args.command):
            return args.run(args)
    except KeyboardInterrupt:
        hint = _HOW_TO_GO_ON.get(args.command, '')
        print(f'gm_pose {args.command}: interrupted{hint}', file=sys.stderr)
        return 130
    except ValueError as error:
        if args.command in _RUNS:
            raise
        print(f'gm_pose {args.command}: {error}', file=sys.stderr)
        return 2
