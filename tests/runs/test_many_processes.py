"""Two processes over gloo: the same metrics, the same steps, the same weights."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_jobs import INDEPENDENT, name_as_mpirun, name_as_slurm, run_ranks
from tiny_runs import NO_VALIDATION, Ended, hash_weights, save_checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """SLURM's command that unfolds a list of nodes; here every node is this machine."""
    script = tmp_path / 'bin' / 'scontrol'
    script.parent.mkdir()
    script.write_text(
        '#!/bin/sh\n'
        '[ "$1 $2 $3" = "show hostnames node[03-04]" ] || exit 1\n'
        'echo 127.0.0.1; echo node04\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv('PATH', str(script.parent), prepend=os.pathsep)


@pytest.mark.parametrize('name', [name_as_slurm, name_as_mpirun])
def test_other_launchers_start_processes_over_gloo_too(
    name, scontrol, write_config, tmp_path
):
    from gm_pose.cli import train

    config = write_config(f'{NO_VALIDATION}{INDEPENDENT}')
    launcher = 'slurm' if name is name_as_slurm else 'mpi'
    arguments = [str(config), '--work-dir', str(tmp_path / 'w'), '--launcher', launcher]
    for rank in run_ranks(lambda: train.main(arguments), tmp_path, name=name):
        assert rank.code == 0, rank.tail
    state = torch.load(tmp_path / 'w' / 'epoch_1.pth', weights_only=False)
    assert state['gm_pose_run']['conditions']['number of processes'] == 2


def test_two_processes_that_are_killed_and_resumed_end_with_the_same_weights(
    write_config, tmp_path
):
    """At the end of an epoch, with BatchNorm, and dropout that differs by process."""
    from gm_pose.cli import train

    def run(config: Path, folder: str, *arguments: str) -> list[Ended]:
        words = [str(config), '--work-dir', str(tmp_path / folder), *arguments]
        words += ['--launcher', 'pytorch']
        return run_ranks(lambda: train.main(words), tmp_path)

    extra = (
        f"{NO_VALIDATION}train_cfg['max_epochs'] = 2\n"
        'train_dataloader.update(num_workers=0, persistent_workers=False)\n'
        "randomness['diff_rank_seed'] = True\n"
    )
    hook = dict(type='KillHook', where='after_train_iter', iteration=4)
    plain = write_config(extra, 'plain.py')
    dying = write_config(f'{extra}custom_hooks.append({hook!r})\n', 'dying.py')
    for rank in run(plain, 'whole'):
        assert rank.code == 0, rank.tail
    assert [rank.code for rank in run(dying, 'cut')] == [-9, -9]
    assert not (tmp_path / 'cut' / 'epoch_2.pth').exists()
    resumed = run(plain, 'cut', '--resume')
    assert [rank.code for rank in resumed] == [0, 0], resumed[0].tail
    assert 'an exact continuation' in resumed[0].output
    assert hash_weights(tmp_path / 'whole' / 'epoch_2.pth') == hash_weights(
        tmp_path / 'cut' / 'epoch_2.pth'
    )


def test_evaluation_over_two_processes_gives_the_metrics_of_one(write_config, tmp_path):
    from gm_pose.cli import test as test_tool

    config = write_config("model['head']['type'] = 'NearTruthHead'\n")
    checkpoint = tmp_path / 'epoch_1.pth'
    save_checkpoint(config, checkpoint)
    found = {}
    for size in (1, 2):
        arguments = [
            str(config),
            str(checkpoint),
            '--work-dir',
            str(tmp_path / f'w{size}'),
            '--out',
            str(tmp_path / f'{size}.json'),
            '--dump',
            str(tmp_path / f'{size}.pkl'),
            '--launcher',
            'pytorch',
        ]
        ranks = run_ranks(lambda words=arguments: test_tool.main(words), tmp_path, size)
        for rank in ranks:
            assert rank.code == 0, rank.tail
        metrics = json.loads((tmp_path / f'{size}.json').read_text())
        people = pickle.loads((tmp_path / f'{size}.pkl').read_bytes())
        found[size] = metrics, sorted(person['id'] for person in people)
    assert found[1] == found[2]
    metrics, people = found[2]
    assert 0.1 < metrics['coco/AP'] < 0.99
    assert len(people) == len(set(people)) == 11  # odd: 6 and 5


def test_step_of_two_processes_is_the_step_of_one_with_twice_the_batch(
    write_config, tmp_path
):
    from gm_pose.cli import train

    def run(size: int, batch: int) -> dict:
        config = write_config(
            f"{NO_VALIDATION}{INDEPENDENT}train_dataloader['batch_size'] = {batch}\n"
        )
        work_dir = tmp_path / f'{size}x{batch}'
        arguments = [str(config), '--work-dir', str(work_dir), '--launcher', 'pytorch']
        for rank in run_ranks(lambda: train.main(arguments), tmp_path, size):
            assert rank.code == 0, rank.tail
        return torch.load(work_dir / 'epoch_1.pth', weights_only=False)['state_dict']

    one, two, half = run(1, 4), run(2, 2), run(1, 2)
    differs = False
    for name, value in one.items():
        # Six steps add float32 gradients in another order: 2^-23 of their size each,
        # and rates of 1 pass them on whole. 1e-5 leaves a factor of ten.
        np.testing.assert_allclose(
            two[name].numpy(), value.numpy(), rtol=1e-5, atol=1e-6, err_msg=name
        )
        differs |= not torch.allclose(half[name], value, rtol=1e-5, atol=1e-6)
    assert differs  # from a run with half the batch


def test_learning_rate_is_scaled_for_processes_and_accumulated_passes(
    write_config, tmp_path
):
    from gm_pose.cli import train

    config = write_config(
        f"{NO_VALIDATION}{INDEPENDENT}train_dataloader['batch_size'] = 4\n"
        "optim_wrapper['accumulative_counts'] = 2\n"
    )
    arguments = [
        str(config),
        '--work-dir',
        str(tmp_path / 'w'),
        '--launcher',
        'pytorch',
    ]
    first, _ = run_ranks(lambda: train.main([*arguments, '--auto-scale-lr']), tmp_path)
    assert first.code == 0, first.tail
    path = tmp_path / 'w' / 'epoch_1.pth'
    optimizer = torch.load(path, weights_only=False)['optimizer']
    rate = optimizer['param_groups'][0]['lr']
    assert rate == pytest.approx(1.0 * (4 * 2 * 2) / 512)
    assert 'the effective batch is' not in first.output

    first, second = run_ranks(lambda: train.main(arguments), tmp_path)
    told = 'the effective batch is 16 (4 samples x 2 processes x 2 accumulated passes)'
    assert first.output.count(told) == 1
    assert told not in second.output
