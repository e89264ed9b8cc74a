"""One run of a sweep: train, then predict both parts. `gm_pose sweep` starts it.

    python -m gm_pose.cli.sweep_run FOLDER CANDIDATE SEED

It can be started by hand, too. A run that was interrupted goes on from its last checkpoint;
one that was trained is only predicted with.
"""

import argparse
from pathlib import Path
from typing import Any

from gm_pose.cli.run_arguments import run_task

LOCK_SECONDS = 30.0
"""How long a process that dies with its parent may still hold the run's folder."""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m gm_pose.cli.sweep_run')
    parser.add_argument('folder', type=Path, help='of the sweep')
    parser.add_argument('candidate', help='name of the candidate')
    parser.add_argument('seed', type=int)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    return run_task(execute, parse_args(argv))


def execute(args: argparse.Namespace) -> None:
    """Do what is left of the run.

    Raises:
        UserError: as `train` and `test` do.
    """
    from gm_pose.sweep.plan import SweepRun, read_plan

    run = SweepRun(args.candidate, args.seed)
    parts = read_plan(args.folder).parts
    weights = run.find_folder(args.folder) / 'weights.pth'
    if not weights.is_file():
        train(run.find_config(args.folder), run.find_folder(args.folder), weights)
    for name in ('choose', 'report'):
        path = run.find_predictions(args.folder, name)
        if not path.is_file():
            predict(run.find_config(args.folder), weights, parts[name], path)


def train(config: Path, folder: Path, weights: Path) -> None:
    """Train to the end; keep the weights alone, a third of a checkpoint."""
    import io

    import torch

    from gm_pose.cli import train
    from gm_pose.runs.files.atomic_files import write_atomically
    from gm_pose.runs.resume.resumable_checkpoint import (
        find_resumable_checkpoint,
        read_checkpoint,
    )
    from gm_pose.runs.user_errors import UserError

    wait_for_folder(folder)
    arguments = [str(config), '--work-dir', str(folder), '--resume']
    train.run_training(train.parse_args(arguments))
    path, _ = find_resumable_checkpoint(str(folder))
    if path is None:
        raise UserError(f'{folder} has no whole checkpoint after training')
    checkpoint = read_checkpoint(path)
    kept: dict[str, Any] = {k: checkpoint[k] for k in ('meta', 'state_dict')}
    buffer = io.BytesIO()
    torch.save(kept, buffer)
    write_atomically(weights, buffer.getvalue())
    for file in (*folder.glob('epoch_*.pth'), *folder.glob('iter_*.pth')):
        file.unlink()
    (folder / 'last_checkpoint').unlink(missing_ok=True)


def wait_for_folder(folder: Path) -> None:
    """Wait a while for a process that is about to end to let go of the run's folder."""
    import time

    from gm_pose.runs.files.work_dir_lock import WorkDirLock
    from gm_pose.runs.user_errors import UserError

    deadline = time.monotonic() + LOCK_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        try:
            with WorkDirLock(str(folder)):
                return
        except UserError:
            time.sleep(0.5)


def predict(config: Path, weights: Path, part: Any, path: Path) -> None:
    """Predict the people of a part -> results file in COCO's format, whole or not there."""
    from gm_pose.cli import test

    partial = path.with_name('.' + path.name.removesuffix('.keypoints.json'))
    args = test.parse_args([str(config), str(weights), '--work-dir', str(path.parent)])
    args.cfg_options = {
        'test_dataloader.dataset.ann_file': part.annotations,
        'test_dataloader.dataset.data_prefix.img': part.images + '/',
        'test_evaluator.ann_file': part.annotations,
        'test_evaluator.outfile_prefix': str(partial),
    }
    test.run_test(args)
    partial.with_name(partial.name + '.keypoints.json').replace(path)


if __name__ == '__main__':
    main()
