"""Mistakes in the arguments of `gm_pose sweep`: a line each, and nothing written."""

import pytest
from tiny_sweeps import refuse, write_config


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--sigmas', 'gauss:2'], '--sigmas gauss:2 is no table of sigmas'),
        (['--sigmas', 'uniform:2'], '--sigmas has 1 candidate; expected at least 2'),
        (
            ['--sigmas', 'uniform:1,2', '--seeds', '0'],
            '--seeds is 0; expected at least 1',
        ),
        (
            ['--sigmas', 'uniform:1,2', '--jobs', '0'],
            '--jobs is 0; expected at least 1',
        ),
        (
            ['--sigmas', 'uniform:1,2', '--gpus', 'all'],
            '--gpus is all; expected device',
        ),
        (['--sigmas', 'uniform:1,2', '--choose', 'no.json'], 'no.json cannot be read'),
        (
            ['--sigmas', 'uniform:1,200'],
            '--sigmas uniform:1,200: sigma is 200 cells; expected at most 3',
        ),
    ],
)
def test_mistake_is_one_line_and_nothing_is_written(
    capsys, config, tmp_path, arguments, message
):
    folder = tmp_path / 'sweep'
    assert message in refuse(capsys, config, '--work-dir', folder, *arguments)
    assert not folder.exists()


@pytest.mark.parametrize(
    ('count', 'message'),
    [
        (0, 'sees no CUDA device. Fix: leave --gpus out, to train on the CPU'),
        (2, '--gpus names device 3; PyTorch'),
    ],
)
def test_device_that_is_not_there(
    capsys, config, tmp_path, monkeypatch, count, message
):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    monkeypatch.setattr('torch.cuda.device_count', lambda: count)
    words = [
        '--sigmas',
        'uniform:1,2',
        '--gpus',
        '1,3',
        '--work-dir',
        tmp_path / 'sweep',
    ]
    assert message in refuse(capsys, config, *words)
    assert not (tmp_path / 'sweep').exists()


def test_fault_of_the_config_is_found_before_anything_starts(capsys, people, tmp_path):
    config = write_config(
        people, tmp_path / 'wrong.py', "model['head']['in_channels'] = 5\n"
    )
    folder = tmp_path / 'sweep'
    line = refuse(capsys, config, '--work-dir', folder, '--sigmas', 'uniform:1,2')
    assert 'expected input[1, 4, 16, 12] to have 5 channels' in line
    assert not folder.exists()
