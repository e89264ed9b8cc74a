import numpy as np
import pytest

from gm_pose.ops.skeleton import COCO_JOINT_NAMES
from studies.arms import ARMS
from studies.comparisons import COMPARISONS, LEADS
from studies.datasets import ROOT
from studies.draw_misplacement import PLACEMENTS, encode_joints
from studies.flip_tests import FLIP_TESTS
from studies.intervals import Interval
from studies.kept_results import RESULT_FORMAT, RESULTS, load_results
from studies.make_report import BEGIN, END, draw_figures, render_blocks, replace_block
from studies.report_readings import (
    get_people,
    render_goal,
    render_people,
    render_read_comparison,
    render_readings,
)
from studies.report_tables import (
    choose_best,
    describe_sign,
    group_results,
    is_candidate,
    render_comparisons,
)


def make_result(arm, seed, ap, select_ap=None):
    rng = np.random.default_rng(seed)
    joints = dict(
        mean_oks=rng.uniform(0.5, 0.9, 17).round(4).tolist(),
        median_error=rng.uniform(1, 5, 17).round(4).tolist(),
        mean_offset=rng.normal(0, 1, (17, 2)).round(4).tolist(),
        median_offset=rng.normal(0, 1, (17, 2)).round(4).tolist(),
    )

    def fill(value):
        metrics = dict.fromkeys(('AP', 'AP50', 'AP75', 'AR'), value)
        return {test: dict(metrics, joints=joints) for test in FLIP_TESTS}

    return dict(
        format=RESULT_FORMAT, dataset='studio17', arm=arm, seed=seed,
        learned_sigmas={'neck.mixture': [0.2, 0.5]} if 'block' in arm else {},
        evaluation=dict(report=fill(ap), select=fill(select_ap or ap)),
    )  # fmt: skip


RESULTS_3_ARMS = [
    make_result('sub-u2.0', 0, 72.0), make_result('sub-u2.0', 1, 73.0),
    make_result('sub-u1.5', 0, 79.0, select_ap=70.0),
    make_result('sub-u1.5', 1, 79.0, select_ap=70.0),
    make_result('bal-sqrt-m2.0', 0, 74.0), make_result('bal-sqrt-m2.0', 1, 75.5),
    make_result('bal-sqrt-m2.0-block', 0, 90.0),
]  # fmt: skip


def test_best_arm_is_chosen_on_the_select_part_only():
    grouped = group_results(RESULTS_3_ARMS, 'studio17')
    # uniform 1.5 is better on the report part, which must not count
    assert choose_best(grouped, adaptive=False) == 'sub-u2.0'
    # an arm with a block, or with fewer seeds, does not compete
    assert choose_best(grouped, adaptive=True) == 'bal-sqrt-m2.0'
    assert choose_best({}, adaptive=True) is None


def test_best_arm_is_chosen_over_the_seeds_that_all_have():
    results = [make_result('sub-u1.5', seed, 70.0) for seed in range(3)]
    results += [make_result('sub-u2.0', seed, 69.0) for seed in range(3)]
    # two further lucky seeds do not count, nor does an arm of one seed
    results += [make_result('sub-u2.0', seed, 90.0) for seed in (3, 4)]
    results += [make_result('sub-u2.5', 0, 90.0)]
    assert choose_best(group_results(results, 'studio17'), False) == 'sub-u1.5'


def test_further_seeds_tell_two_finalists_apart():
    aps = {'sub-u2.0': [70, 70, 70, 72, 72], 'sub-u2.5': [71, 70, 70, 70, 70]}
    results = [
        make_result(arm, seed, ap) for arm in aps for seed, ap in enumerate(aps[arm])
    ]
    results += [make_result('sub-u1.5', seed, 60.0) for seed in range(3)]
    assert choose_best(group_results(results, 'studio17'), False) == 'sub-u2.0'


def test_comparison_is_paired_by_seed():
    table = render_comparisons(group_results(RESULTS_3_ARMS, 'studio17'))
    row = next(line for line in table.splitlines() if 'best adaptive' in line)
    # differences 2.0 and 2.5: mean 2.25, half-width 12.706 * 0.3536 / sqrt(2) = 3.18
    assert (
        '`bal-sqrt-m2.0` | `sub-u2.0` | 2 | +2.2 ± 3.2 | +2.2 ± 3.2 | no | +2.2 ± 3.2 |'
        in row
    )


def test_tables_have_every_arm_that_was_run():
    blocks = render_blocks(RESULTS_3_ARMS)
    for name in {result['arm'] for result in RESULTS_3_ARMS}:
        assert f'(`{name}`)' in blocks['studio17']
    assert blocks['lspet-4k'] == 'No run is finished yet.'


def test_headline_has_means_difference_and_seeds():
    text = render_blocks(RESULTS_3_ARMS)['headline']
    # 72.5 and 74.75 are the means over the two common seeds
    assert '`sub-u2.0`' in text
    change = 'from 72.5 to 74.8 AP (+2.2 ± 3.2, 2 seeds)'
    assert f'{change} without flip test, {change} with it' in text
    assert 'Set 1' not in text
    assert render_blocks([])['headline'] == 'No comparison is finished yet.'


def add_reading(result, ap, select_ap):
    for part, value in (('report', ap), ('select', select_ap)):
        tests = result['evaluation'][part]
        for test in ('plain', 'flip'):
            tests[f'{test}_oks'] = dict(tests[test], AP=value)
    return result


def test_readings_are_paired_with_the_same_runs_and_chosen_by_themselves():
    results = [
        add_reading(make_result('sub-u2.0', 0, 70.0), 71.0, 71.5),
        add_reading(make_result('sub-u2.0', 1, 70.0), 72.0, 72.5),
        # a run from before there was a second reading
        make_result('sub-u2.0', 2, 70.0),
        add_reading(make_result('sub-u1.5', 0, 60.0), 75.0, 80.0),
        make_result('bal-sqrt-m2.0', 0, 90.0),
    ]
    grouped = group_results(results, 'studio17')
    rows = {
        line.split('`')[1]: line for line in render_readings(grouped).splitlines()[2:]
    }
    assert set(rows) == {'sub-u2.0', 'sub-u1.5'}
    # 71 and 72 against 70: gains of 1 and 2, half-width 12.706 * 0.7071 / sqrt(2)
    assert (
        '| 2 | 71.5 ± 6.4 | 71.5 ± 6.4 | +1.5 ± 6.4 | +1.5 ± 6.4 |' in rows['sub-u2.0']
    )
    assert '| 1 | 75.0 | 75.0 | +15.0 | +15.0 | +20.0 |' in rows['sub-u1.5']
    assert choose_best(grouped, adaptive=False) == 'sub-u2.0'
    # an arm with fewer seeds does not compete, nor one that was not read so
    assert choose_best(grouped, False, 'flip_oks') == 'sub-u2.0'
    assert choose_best(grouped, True, 'flip_oks') is None
    assert render_read_comparison(grouped).startswith('No joint-adaptive')
    both = add_reading(make_result('bal-sqrt-m2.0', 1, 90.0), 74.0, 75.0)
    text = render_read_comparison(group_results([*results, both], 'studio17'))
    # 74 - 72 and 75 - 72.5 in the one seed that both have
    assert '`bal-sqrt-m2.0` minus `sub-u2.0` is +2.0 AP' in text
    assert '+2.5 with it on the part for choosing' in text


def test_lead_has_the_pair_that_the_rule_picks_and_then_the_others():
    (arm, reference, _), (other, second, _), *_ = LEADS
    assert reference == second
    results = [
        add_reading(make_result(arm, 0, 72.0), 72.5, 73.0),
        add_reading(make_result(reference, 0, 71.5), 72.25, 73.0),
        make_result(other, 0, 72.5, select_ap=71.0),
    ]
    rows = render_goal(group_results(results, 'studio17')).splitlines()[2:]
    # the picked pair once; no row for arms that have not been run or read so
    assert len(rows) == 3
    for row, name in zip(rows, (arm, arm, other), strict=True):
        assert f'`{name}` | `{reference}` | 1 |' in row
    assert '| +0.5 | +0.5 | +0.5 |' in rows[0]
    assert '| +0.2 | +0.2 | +0.0 |' in rows[1]
    assert '| +1.0 | +1.0 | -0.5 |' in rows[2]


def test_people_are_compared_over_the_seeds_that_have_them():
    def add_people(result, oks):
        for evaluation in result['evaluation'].values():
            for test in ('plain', 'flip', 'plain_oks', 'flip_oks'):
                evaluation.setdefault(test, {})['people'] = dict(oks=oks, score=[2, 1])
        return result

    arm, reference, _ = LEADS[0]
    results = [
        add_people(make_result(arm, 0, 70.0), [0.96, 0.96]),
        add_people(make_result(reference, 0, 70.0), [0.96, 0.0]),
        # no people kept
        make_result(arm, 1, 70.0),
        add_people(make_result(reference, 1, 70.0), [0.96, 0.0]),
    ]
    grouped = group_results(results, 'studio17')
    assert get_people(grouped[arm], ('report', 'select'), 'flip') == {
        0: ((0.96,) * 4, (2, 1, 2, 1))
    }
    # all found against half: AP 100 and, of 101 recalls up to 0.5, 51 / 101
    rows = render_people(grouped).splitlines()[2:]
    assert len(rows) == 4
    assert all('| 1 | +49.5 (+0.0 to +100.0) | +49.5 (' in row for row in rows)
    assert render_people({}) == 'Not run yet.'


def test_ties_go_to_the_higher_mean():
    # level over the seeds that both have
    results = [make_result('sub-u1.5', s, ap) for s, ap in enumerate((70, 70, 70))]
    results += [make_result('sub-u2.5', s, ap) for s, ap in enumerate((70, 70, 70, 72))]
    assert choose_best(group_results(results, 'studio17'), False) == 'sub-u2.5'


@pytest.mark.parametrize(
    ('interval', 'word'),
    [
        (Interval(1.0, None, 1), 'one seed'),
        (Interval(1.0, 0.9, 3), 'yes'),
        (Interval(1.0, 1.1, 3), 'no'),
        (Interval(-1.0, 1.1, 3), 'no'),
        (Interval(-1.0, 0.9, 3), 'below zero'),
    ],
)
def test_sign_of_an_interval_in_words(interval, word):
    assert describe_sign(interval) == word


def test_misplacement_figure_shows_what_its_caption_says():
    places, maps = encode_joints()
    for name, expected in (('nose', (23, 26)), ('left_eye', (26, 22))):
        joint = COCO_JOINT_NAMES.index(name)
        pasted, centred, exact = (
            np.unravel_index(maps[title][joint].argmax(), (64, 48))[::-1]
            for title in PLACEMENTS
        )
        assert tuple(map(int, pasted)) == expected
        assert tuple(np.subtract(centred, pasted)) == (1, 1)
        assert tuple(np.subtract(exact, pasted)) == (1, 1)
        assert np.abs(places[joint] / 4 - exact).max() <= 0.5


def test_compared_arms_exist():
    for arm, reference, _ in COMPARISONS:
        assert ARMS[arm] != ARMS[reference]


def test_weighted_uniform_arms_do_not_compete_as_uniform_tables():
    assert is_candidate(ARMS['sub-u2.0'], adaptive=False)
    assert not is_candidate(ARMS['sub-u2.0-w-sqrt'], adaptive=False)
    assert not is_candidate(ARMS['sub-u2.0'], adaptive=True)


def test_block_is_replaced_between_its_markers():
    text = f'a\n{BEGIN.format("x")}\nold\n{END.format("x")}\nb\n'
    once = replace_block(text, 'x', 'new')
    assert once == f'a\n{BEGIN.format("x")}\nnew\n{END.format("x")}\nb\n'
    assert replace_block(once, 'x', 'new') == once
    with pytest.raises(ValueError, match='once each'):
        replace_block('no markers', 'x', 'new')
    with pytest.raises(ValueError, match='stands before'):
        replace_block(f'{END.format("x")} {BEGIN.format("x")}', 'x', 'new')


def test_figures_are_drawn(tmp_path):
    draw_figures(RESULTS_3_ARMS, tmp_path)
    names = {path.name for path in tmp_path.glob('*.png')}
    assert names == {
        'misplaced-target.png', 'studio17-ap.png', 'studio17-offsets.png',
        'studio17-learned-sigmas.png',
    }  # fmt: skip


def test_report_in_the_docs_is_made_from_the_kept_results():
    text = (ROOT / 'docs' / 'study.md').read_text(encoding='utf-8')
    for name, content in render_blocks(load_results(RESULTS)).items():
        assert replace_block(text, name, content) == text, (
            f'tables of {name} differ from the results: run studies/make_report.py'
        )


def test_headline_in_the_readme_is_made_from_the_kept_results():
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    content = render_blocks(load_results(RESULTS))['headline']
    assert replace_block(text, 'headline', content) == text, (
        'run studies/make_report.py'
    )
