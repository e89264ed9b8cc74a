"""The arguments that commands share, and how a command is run."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable
from typing import Any


class _DictAction(argparse.Action):
    """MMEngine's `DictAction`, imported only where the option is given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        from mmengine.config import DictAction

        action = DictAction(self.option_strings, self.dest, nargs=self.nargs)
        action(parser, namespace, values, option_string)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add MMPose's options for running, and `--gt-boxes`."""
    parser.add_argument(
        '--work-dir',
        help='folder for logs, metrics and checkpoints (default: work_dirs/CONFIG)',
    )
    parser.add_argument(
        '--gt-boxes',
        action='store_true',
        help='validate and test on ground-truth boxes, without a detection file',
    )
    parser.add_argument(
        '--show-dir', help='folder for pictures of predictions, in WORK_DIR/TIME'
    )
    parser.add_argument(
        '--show', action='store_true', help='show predictions in a window'
    )
    parser.add_argument(
        '--interval', type=int, default=1, help='draw every N-th sample (default: 1)'
    )
    parser.add_argument(
        '--wait-time',
        type=float,
        default=1,
        help='seconds to show each window (default: 1)',
    )
    add_cfg_options(parser)
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what starts the processes of several GPUs (default: none)',
    )
    parser.add_argument(
        '--fast',
        action=argparse.BooleanOptionalAction,
        help='load, augment and evaluate whole batches, draw targets on the device; '
        '--cfg-options fast_lane.NAME=VALUE sets images, shards, precision, compile and '
        'workers; '
        "--no-fast: MMPose's own pipeline, whatever the config says",
    )
    parser.add_argument(
        '--full-log',
        action='store_true',
        help='print environment, config and hooks too, which the log file holds anyway',
    )
    # torch.distributed.launch passes --local-rank (--local_rank before PyTorch 2.0).
    parser.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help='set by the launcher'
    )


def run_task(
    task: Callable[[argparse.Namespace], Any], args: argparse.Namespace
) -> int:
    """Call `task(args)`; a user's mistake, or an unsupported stack, is one line and 2."""
    limit_image_size()

    from gm_pose.runs.launch.run_log import shorten_log
    from gm_pose.runs.user_errors import as_user_errors, report_user_errors

    is_full = getattr(args, 'full_log', False)
    with report_user_errors():
        with as_user_errors(ImportError):
            from gm_pose.runs.host.versions import check_versions

            check_versions()
        with contextlib.nullcontext() if is_full else shorten_log():
            task(args)
    return 0


def limit_image_size() -> None:
    """Let OpenCV refuse images above 10^8 pixels; call it before anything imports cv2.

    Its own limit is 2^30: a few bytes of PNG header could take 3 GB.
    """
    os.environ.setdefault('OPENCV_IO_MAX_IMAGE_PIXELS', str(100_000_000))


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add `--cfg-options`."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override settings of the config, for example optim_wrapper.optimizer.lr='
        '1e-3 or train_dataloader.batch_size=32; lists as key="[a,b]"; codec.NAME=VALUE '
        'reaches the encoder and the decoder too, data_root=DIR every file below it',
    )
