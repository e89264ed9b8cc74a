from dataclasses import replace

import pytest

from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.candidate import Candidate
from gm_pose.sweep.part_files import Part
from gm_pose.sweep.plan import Plan, SweepRun, join_plan, read_plan

PLAN = Plan(
    'tiny.py',
    'aaaa',
    (Candidate('u2', (2.0,)), Candidate('t', (1.0, 2.0), balance=True)),
    (0, 1),
    {n: Part(f'{n}.json', 'images', 5, n) for n in ('train', 'choose', 'report')},
    ('person_id',),
    0,
    ('a', 'b'),
)


def test_plan_is_read_back(tmp_path):
    assert join_plan(tmp_path, PLAN) == PLAN
    assert read_plan(tmp_path) == PLAN


def test_all_candidates_come_with_the_first_seed_before_any_with_the_second():
    assert PLAN.list_runs() == [
        SweepRun('u2', 0),
        SweepRun('t', 0),
        SweepRun('u2', 1),
        SweepRun('t', 1),
    ]


def test_candidates_and_seeds_are_added(tmp_path):
    join_plan(tmp_path, PLAN)
    more = replace(PLAN, candidates=(Candidate('u3', (3.0,)),), seeds=(0, 1, 2))
    joined = join_plan(tmp_path, more)
    assert [c.name for c in joined.candidates] == ['u2', 't', 'u3']
    assert joined.seeds == (0, 1, 2)
    assert join_plan(tmp_path, PLAN) == joined


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            dict(config_hash='bbbb'),
            r'another merged config than tiny.py was \(aaaa, now bbbb\)',
        ),
        (dict(split_seed=1), r'another --split-seed \(0, now 1\)'),
        (dict(joint_names=('a', 'c')), r'another list of joints'),
        (
            dict(parts={**PLAN.parts, 'report': Part('report.json', 'images', 5, 'x')}),
            r'whose part to report was report.json with other content',
        ),
        (
            dict(candidates=(Candidate('u2', (2.5,)),)),
            r'has tried u2 with sigmas \[2.0\], now \[2.5\]',
        ),
    ],
)
def test_another_sweep_is_refused_and_the_plan_stays(tmp_path, change, message):
    join_plan(tmp_path, PLAN)
    with pytest.raises(UserError, match=message):
        join_plan(tmp_path, replace(PLAN, **change))
    assert read_plan(tmp_path) == PLAN


@pytest.mark.parametrize('text', ['', '[]', '{"format": 9}', '{"format": 1}'])
def test_file_that_is_no_plan(tmp_path, text):
    (tmp_path / 'sweep.json').write_text(text)
    with pytest.raises(UserError, match=r'sweep.json is no plan of a sweep'):
        read_plan(tmp_path)
