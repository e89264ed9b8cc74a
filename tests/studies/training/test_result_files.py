import json

import pytest

from studies.training.result_files import (
    RESULT_FORMAT,
    Run,
    format_result,
    get_run_status,
    load_results,
)

FINGERPRINTS = dict(encoding=[1.0, 2.0], decoding=[3.0])


def write_result(folder, run, **changes):
    result = dict(
        format=RESULT_FORMAT,
        dataset=run.dataset,
        variant=run.variant,
        seed=run.seed,
        config_hash='c',
        fingerprints=dict(FINGERPRINTS),
    )
    result.update(changes)
    path = run.find_result(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(format_result(result))
    return path


@pytest.mark.parametrize(
    ('changes', 'status'),
    [
        ({}, 'done'),
        (dict(config_hash='other'), 'stale'),
        (dict(fingerprints=dict(encoding=[1.0, 2.1], decoding=[3.0])), 'stale'),
        (
            dict(fingerprints=dict(encoding=[1.0, 2.0], decoding=[3.1])),
            'stale-evaluation',
        ),
    ],
)
def test_status_of_a_finished_run(tmp_path, changes, status):
    path = write_result(tmp_path, Run('studio17', 'subcell-uniform2', 0), **changes)
    assert get_run_status(path, 'c', FINGERPRINTS) == status


def test_run_without_result_is_missing(tmp_path):
    assert get_run_status(tmp_path / 'seed0.json', 'c', FINGERPRINTS) == 'missing'


def test_result_text_is_json_with_lists_on_one_line():
    value = dict(a=dict(b=[1, [2, 3]], c={}), d='x')
    text = format_result(value)
    assert json.loads(text) == value
    assert '  "b": [1, [2, 3]],\n' in text


def test_loading_refuses_what_is_no_result(tmp_path):
    path = write_result(tmp_path, Run('studio17', 'subcell-uniform2', 0))
    assert [r['variant'] for r in load_results(tmp_path)] == ['subcell-uniform2']
    moved = tmp_path / 'studio17' / 'subcell-uniform1.5' / 'seed0.json'
    moved.parent.mkdir()
    path.rename(moved)
    with pytest.raises(ValueError, match='holds the result of'):
        load_results(tmp_path)
    moved.write_text('[]')
    with pytest.raises(ValueError, match='is no result of format'):
        load_results(tmp_path)
    moved.write_text('{"form')
    with pytest.raises(ValueError, match='is no JSON'):
        load_results(tmp_path)
