from types import SimpleNamespace

import pytest
from measured import make_fixed

from gm_pose.sweep.outcome import conclude


def make_runs(choose, report, tables=()):
    """AP by candidate and seed on the two parts -> what `conclude` looks at."""
    parts = {
        part: {
            name: {seed: make_fixed(ap, 0.1) for seed, ap in enumerate(values)}
            for name, values in table.items()
        }
        for part, table in (('choose', choose), ('report', report))
    }
    plan = SimpleNamespace(candidates=[SimpleNamespace(name=name) for name in choose])
    return SimpleNamespace(
        plan=plan,
        uniform=[name for name in choose if name not in tables],
        per_joint=list(tables),
        get=lambda name, part: parts[part][name],
    )


def test_choosing_looks_at_the_part_for_choosing_only():
    runs = make_runs(
        dict(u1=[50, 50], u2=[60, 60], t1=[55, 56], t2=[58, 58]),
        dict(u1=[99, 99], u2=[61, 61], t1=[98, 98], t2=[64, 64]),
        ['t1', 't2'],
    )
    found = conclude(runs)
    assert (found.reference, found.chosen) == ('u2', 't2')
    assert 't2 has 64.0 AP, u2 61.0: +3.0 points' in found.answer
    assert found.answer.endswith('The difference is real: sigmas per joint help here.')
    differences = {s.name: s.difference and s.difference.mean for s in found.scores}
    assert differences == dict(
        u1=pytest.approx(38), u2=None, t1=pytest.approx(37), t2=pytest.approx(3)
    )


def test_tables_may_harm():
    runs = make_runs(dict(u=[60, 60], t=[50, 50]), dict(u=[60, 61], t=[50, 51]), ['t'])
    assert conclude(runs).answer.endswith('sigmas per joint harm here.')


def test_difference_that_seeds_do_not_agree_on_is_not_real():
    runs = make_runs(dict(u=[60, 60], t=[61, 61]), dict(u=[60, 60], t=[66, 59]), ['t'])
    assert conclude(runs).answer.endswith(
        'The difference is not significant: this sweep does not show that sigmas per '
        'joint help or harm.'
    )


def test_one_seed_is_no_proof():
    runs = make_runs(dict(u=[60], t=[61]), dict(u=[60], t=[70]), ['t'])
    assert 'one seed). Whether training again would show it is not known' in (
        conclude(runs).answer
    )


def test_candidate_with_fewer_seeds_is_not_chosen():
    runs = make_runs(
        dict(u1=[70], u2=[60, 60], u3=[59, 59]), dict(u1=[70], u2=[60, 60], u3=[59, 59])
    )
    found = conclude(runs)
    assert (found.reference, found.chosen) == ('u2', 'u3')
    assert found.answer.endswith('The difference is real: u2 is better.')


def test_only_tables_are_compared_with_each_other():
    runs = make_runs(
        dict(t1=[50, 50], t2=[60, 60]), dict(t1=[50, 50], t2=[60, 60]), ['t1', 't2']
    )
    assert (conclude(runs).reference, conclude(runs).chosen) == ('t2', 't1')


def test_nothing_finished_and_one_finished():
    assert conclude(make_runs(dict(u=[], t=[]), dict(u=[], t=[]), ['t'])) is None
    found = conclude(make_runs(dict(u=[60], t=[]), dict(u=[60], t=[]), ['t']))
    assert found.answer == 'Only u has finished: there is nothing to compare.'
