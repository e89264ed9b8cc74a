import shutil

import pytest

from studies.training.datasets import ROOT
from studies.training.result_files import RESULTS
from studies.training.run_study import main, parse_args


def test_listing_names_the_status_and_the_ap_of_every_run(capsys):
    assert main(['--list', '--variants', 'published-set1', '--seeds', '0', '9']) == 0
    _, kept, missing = capsys.readouterr().out.splitlines()
    words = ' '.join(kept.split())
    assert words == ('published-set1 seed 0 done select 52.3 / 61.3 report 48.8 / 56.8')
    assert ' '.join(missing.split()) == 'published-set1 seed 9 missing'


def test_former_option_and_former_names_are_accepted_with_warnings(capsys, tmp_path):
    shutil.copytree(
        RESULTS / 'studio17' / 'centered-set1', tmp_path / 'studio17' / 'centered-set1'
    )
    options = ['--seeds', '0', '--results', str(tmp_path)]
    with (
        pytest.warns(DeprecationWarning, match='--arms is now called --variants'),
        pytest.warns(
            DeprecationWarning, match="'ctr-set1' is now called 'centered-set1'"
        ),
    ):
        assert main(['--list', '--arms', 'ctr-set1', *options]) == 0
    assert 'centered-set1' in capsys.readouterr().out


def test_former_option_is_not_in_the_help(capsys):
    with pytest.raises(SystemExit):
        parse_args(['--help'])
    text = capsys.readouterr().out
    assert '--variants' in text
    assert '--arms' not in text


def test_error_texts(capsys):
    assert main(['--list', '--variants', 'sigma2']) == 2
    assert "run_study: no variant or group 'sigma2'" in capsys.readouterr().err
    for options, text in (
        ([], '--data is missing'),
        (['--list', '--jobs', '0'], '--jobs is 0; expected at least 1'),
    ):
        with pytest.raises(SystemExit):
            parse_args(options)
        assert text in capsys.readouterr().err


@pytest.mark.parametrize('name', ['run_study', 'make_report'])
def test_documented_commands_are_thin_entry_files(name):
    assert len((ROOT / 'studies' / f'{name}.py').read_text().splitlines()) < 15
