"""`gm_pose replay-loss`: the loss of a dumped training step, computed again."""

import argparse

DESCRIPTION = """Compute the loss of a dumped training step again.

A run that stops because its loss is not finite writes the step's batch, weights and random
state into its work directory."""
EXAMPLE = """example:
  gm_pose replay-loss work_dirs/run/non_finite_loss_iter_1200.pth"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('dump', help='file that a stopped run wrote into its work_dir')


def run(args: argparse.Namespace) -> int:
    """Print the losses and the samples; 0."""
    from gm_pose.runs.resume.loss_dump import replay_loss_dump
    from gm_pose.runs.resume.resumable_checkpoint import read_checkpoint
    from gm_pose.runs.user_errors import UserError

    try:
        dump = read_checkpoint(args.dump)
    except UserError as error:
        raise ValueError(str(error)) from error
    for name, value in replay_loss_dump(dump).items():
        print(f'{name} {value:g}')
    samples = dump['batch']['data_samples']
    if isinstance(samples, dict):  # of a run with --fast
        print(*dump['meta'].get('samples', []), sep='\n')
        return 0
    for sample in samples:
        info = sample['metainfo']
        print(f'id {info.get("id")} image {info.get("img_path")}')
    return 0
