import pytest

from studies.analysis.device_results import DeviceResults, load_device_runs
from studies.analysis.people_bootstrap import compute_ap
from studies.device.arms import (
    ADAPTIVE,
    LATER,
    TRIALS,
    UNIFORM,
    choose_finalists,
    find_job,
)
from studies.report.device_tables import describe_machines


@pytest.fixture(scope='module')
def device():
    return DeviceResults(load_device_runs())


def test_every_trial_was_screened_and_the_finalists_follow_from_the_rules(device):
    assert {*device.screening} == {*TRIALS, *LATER}
    assert {len(v['own-peaks']) for v in device.scores.values()} == {1}
    names = [trial.name for trial in choose_finalists(device.scores)]
    assert names == [f'{ADAPTIVE}-lr0.002', f'{UNIFORM}-lr0.002']
    for name in names:
        assert {*device.finals['studio17', name]} >= {*range(100, 107)}
        assert {*device.finals['coco-union', name]} == {*range(100, 107)}


def test_further_folds_choose_the_same_finalists(device):
    assert len(device.further_scores) == 6
    names = [trial.name for trial in choose_finalists(device.further_scores)]
    assert names == [f'{ADAPTIVE}-lr0.002', f'{UNIFORM}-lr0.002']


def test_people_give_the_ap_that_was_measured(device):
    """People are kept in float16, so some change the side of a threshold."""
    for dataset, most in (
        ('studio17', 0.15),
        ('coco-union', 0.15),
        ('coco-and-studio', 0.15),
    ):
        for name in (f'{ADAPTIVE}-lr0.002', f'{UNIFORM}-lr0.002', 'stock-uniform2'):
            stock = name.startswith('stock')
            reading = 'flip_shift1/stock-peaks' if stock else 'flip/uniform-mean'
            for seed, ap in device.get_ap(dataset, name, reading).items():
                people = device.get_people(dataset, name, reading, seed)
                assert compute_ap(*people) == pytest.approx(ap, abs=most)


def test_narrow_nose_and_eyes_are_ahead_in_29_of_30_seeds(device):
    adaptive, uniform = (
        device.get_ap('studio17', f'{side}-lr0.002', 'flip/uniform-mean')
        for side in (ADAPTIVE, UNIFORM)
    )
    lead = (adaptive - uniform).dropna()
    assert len(lead) == 30
    assert (lead > 0).sum() == 29


def test_line_that_is_no_run_is_named(tmp_path):
    path = tmp_path / 'runs.jsonl'
    assert load_device_runs([path]) == []
    path.write_text('{"splits": {}, "key": "a"}\n{"spl\n')
    with pytest.raises(ValueError, match='line 2 is no run'):
        load_device_runs([path])
    path.write_text('{"splits": {}, "key": "a"}\n')
    with pytest.raises(ValueError, match="run 'a' is there twice"):
        load_device_runs([path, path])


def test_seeds_of_other_machines_are_named(device):
    trial = f'{UNIFORM}-lr0.002'
    record = device.finals['studio17', trial][106]
    more = dict(record, seed=207, machine='CPU: AVX2, of a test', key='other')
    both = DeviceResults([*load_device_runs(), more])
    assert both.list_elsewhere()[trial][207] == 'CPU: AVX2, of a test'
    assert f'seed 207 of `{trial}` on CPU: AVX2, of a test' in describe_machines(both)
    assert len(both.get_ap('studio17', trial, 'flip/own-peaks')) == 1 + len(
        device.get_ap('studio17', trial, 'flip/own-peaks')
    )


def test_a_job_is_found_by_its_key(device):
    records = load_device_runs()
    for key in {record['key'] for record in records if '>' not in record['key']}:
        assert find_job(key).key == key
    person = LATER[1].name
    assert find_job(f'screen/studio17/{person}/1').fold == 1
    assert find_job(f'final/studio17/{person}/107').fold == 0
    for key in ('final/studio17/uniform2/107', f'last/studio17/{UNIFORM}/0', 'final'):
        with pytest.raises(ValueError, match=f"job is '{key}'; expected STAGE"):
            find_job(key)
