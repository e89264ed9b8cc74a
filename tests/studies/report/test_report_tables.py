from studies.analysis.comparisons import MAIN_COMPARISONS
from studies.analysis.study_results import StudyResults
from studies.report.decoding_tables import (
    NOT_RUN,
    render_decoded_pair,
    render_decodings,
    render_people,
)
from studies.report.main_tables import (
    STEPS,
    render_main_comparison,
    render_main_table,
    render_selected_sigmas,
)
from studies.report.tables import render_comparisons, render_variants, to_markdown
from studies.variants.catalog import VARIANTS

NOTHING = StudyResults([], 'studio17')


def test_markdown_has_no_padding_and_keeps_numbers_as_they_are_written():
    table = to_markdown([{'a': 'one', 'b': '70.0'}, {'a': 'longer text', 'b': '+0.10'}])
    assert table.splitlines() == [
        '| a | b |',
        '|:---|:---|',
        '| one | 70.0 |',
        '| longer text | +0.10 |',
    ]


def test_variants_table_has_every_variant_under_its_group(few_results):
    lines = render_variants(StudyResults(few_results, 'studio17')).splitlines()
    assert [line.split(' | ')[0].strip('| ') for line in lines[2:]] == [
        '**sub-cell targets, each joint decoded with its own sigma**',
        '`subcell-uniform1.5`',
        '`subcell-uniform2`',
        '**sub-cell targets, loss balanced by 1 / sigma²**',
        '`subcell-sqrtoks2-balanced`',
        '**the Gaussian Mixture Block**',
        '`subcell-sqrtoks2-balanced-block`',
    ]


def test_comparison_is_paired_by_seed(few_results):
    table = render_comparisons(StudyResults(few_results, 'studio17'))
    row = next(line for line in table.splitlines() if 'best adaptive' in line)
    # differences 2.0 and 2.5: mean 2.25, half-width 12.706 * 0.3536 / sqrt(2) = 3.18
    assert row.endswith(
        '`subcell-sqrtoks2-balanced` | `subcell-uniform2` | 2 | +2.2 ± 3.2 | +2.2 ± 3.2 '
        '| | +2.2 ± 3.2 |'
    )


def test_main_table_describes_the_steps_and_the_selected_pair_in_words(few_results):
    assert set(STEPS) <= set(VARIANTS)
    table = render_main_table(StudyResults(few_results, 'studio17'))
    assert '`' not in table
    assert table.splitlines()[2:] == [
        '| **sub-cell** | **uniform 2.0** | **plain** | **2** | **72.5 ± 6.4** '
        '| **72.5 ± 6.4** |',
        '| **sub-cell** | **sqrt OKS, mean 2.0** | **balanced** | **2** '
        '| **74.8 ± 9.5** | **74.8 ± 9.5** |',
    ]
    assert render_main_table(NOTHING) == 'No run is finished yet.'


def test_decodings_are_paired_with_the_same_runs(make_result, add_decoded):
    results = [
        add_decoded(make_result('subcell-uniform2', 0, 70.0), 71.0, 71.5),
        add_decoded(make_result('subcell-uniform2', 1, 70.0), 72.0, 72.5),
        # a run from before there was a second decoding
        make_result('subcell-uniform2', 2, 70.0),
        add_decoded(make_result('subcell-uniform1.5', 0, 60.0), 75.0, 80.0),
        make_result('subcell-sqrtoks2-balanced', 0, 90.0),
    ]
    few = StudyResults(results, 'studio17')
    rows = {line.split('`')[1]: line for line in render_decodings(few).splitlines()[2:]}
    assert set(rows) == {'subcell-uniform2', 'subcell-uniform1.5'}
    # 71 and 72 against 70: gains of 1 and 2, half-width 12.706 * 0.7071 / sqrt(2)
    expected = '| 2 | 71.5 ± 6.4 | 71.5 ± 6.4 | +1.5 ± 6.4 | +1.5 ± 6.4 |'
    assert expected in rows['subcell-uniform2']
    expected = '| 1 | 75.0 | 75.0 | +15.0 | +15.0 | +20.0 |'
    assert expected in rows['subcell-uniform1.5']
    assert render_decoded_pair(few).startswith('No joint-adaptive')
    both = add_decoded(make_result('subcell-sqrtoks2-balanced', 1, 90.0), 74.0, 75.0)
    text = render_decoded_pair(StudyResults([*results, both], 'studio17'))
    # 74 - 72 and 75 - 72.5 in the one seed that both have
    assert '`subcell-sqrtoks2-balanced` minus `subcell-uniform2` is +2.0 AP' in text
    assert '+2.5 with it on the selection split' in text


def test_main_comparison_has_the_selected_pair_and_then_the_others(
    make_result, add_decoded
):
    (variant, reference, _), (other, second, _), *_ = MAIN_COMPARISONS
    assert reference == second
    results = [
        add_decoded(make_result(variant, 0, 72.0), 72.5, 73.0),
        add_decoded(make_result(reference, 0, 71.5), 72.25, 73.0),
        make_result(other, 0, 72.5, select_ap=71.0),
    ]
    table = render_main_comparison(StudyResults(results, 'studio17'))
    rows = table.splitlines()[2:]
    # the selected pair once; no row for variants that have not been run or decoded so
    assert len(rows) == 3
    for row, name in zip(rows, (variant, variant, other), strict=True):
        assert f'`{name}` | `{reference}` | 1 |' in row
    assert '| +0.5 | +0.5 | +0.5 |' in rows[0]
    assert '| +0.2 | +0.2 | +0.0 |' in rows[1]
    assert '| +1.0 | +1.0 | -0.5 |' in rows[2]


def test_people_are_compared_over_the_seeds_that_have_them(make_result):
    def add_people(result, oks):
        for evaluation in result['evaluation'].values():
            for test in ('plain', 'flip', 'plain_oks', 'flip_oks'):
                evaluation.setdefault(test, {})['people'] = dict(oks=oks, score=[2, 1])
        return result

    variant, reference, _ = MAIN_COMPARISONS[0]
    results = [
        add_people(make_result(variant, 0, 70.0), [0.96, 0.96]),
        add_people(make_result(reference, 0, 70.0), [0.96, 0.0]),
        # no people recorded
        make_result(variant, 1, 70.0),
        add_people(make_result(reference, 1, 70.0), [0.96, 0.0]),
    ]
    # all found against half: AP 100 and, of 101 recalls up to 0.5, 51 / 101
    rows = render_people(StudyResults(results, 'studio17')).splitlines()[2:]
    assert len(rows) == 4
    assert all('| 1 | +49.5 (+0.0 to +100.0) | +49.5 (' in row for row in rows)
    assert render_people(NOTHING) == NOT_RUN


def test_selected_sigmas_need_all_uniform_variants():
    text = render_selected_sigmas(NOTHING, ('nose',), (0,))
    assert text == 'The uniform variants are not finished yet.'
