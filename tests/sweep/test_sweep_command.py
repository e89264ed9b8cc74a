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
            'candidate uniform200: sigma is 200 cells; expected at most 3',
        ),
    ],
)
def test_mistake_is_one_line_and_nothing_is_written(
    capsys, config, tmp_path, arguments, message
):
    folder = tmp_path / 'sweep'
    assert message in refuse(capsys, config, '--work-dir', folder, *arguments)
    assert not folder.exists()


def test_fault_of_the_config_is_found_before_anything_starts(capsys, people, tmp_path):
    config = write_config(
        people, tmp_path / 'wrong.py', "model['head']['in_channels'] = 5\n"
    )
    folder = tmp_path / 'sweep'
    line = refuse(capsys, config, '--work-dir', folder, '--sigmas', 'uniform:1,2')
    assert 'expected input[1, 4, 16, 12] to have 5 channels' in line
    assert not folder.exists()
