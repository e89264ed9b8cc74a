import numpy as np

from studies.analysis.study_results import StudyResults


def test_metrics_are_by_seed_and_only_of_runs_that_have_them(make_result, add_decoded):
    results = StudyResults(
        [
            make_result('subcell-uniform2', 3, 72.0, select_ap=75.0),
            add_decoded(make_result('subcell-uniform2', 1, 71.0), 80.0, 81.0),
        ],
        'studio17',
    )
    ap = results.get_metric('subcell-uniform2', 'AP')
    assert ap.to_dict() == {1: 71.0, 3: 72.0}
    selected = results.get_metric('subcell-uniform2', 'AP', 'select', 'flip')
    assert selected.to_dict() == {1: 71.0, 3: 75.0}
    decoded = results.get_metric('subcell-uniform2', 'AP', 'report', 'flip_oks')
    assert decoded.to_dict() == {1: 80.0}
    assert results.get_metric('subcell-uniform3', 'AP').empty


def test_results_of_other_datasets_and_unknown_variants_do_not_count(make_result):
    other = make_result('subcell-uniform2', 0, 72.0)
    unknown = dict(other, variant='unknown')
    other = dict(other, dataset='lspet-4k')
    results = StudyResults([other, unknown], 'studio17')
    assert results.runs == {}
    assert 'subcell-uniform2' not in results


def test_differences_are_paired_by_seed(few_results):
    results = StudyResults(few_results, 'studio17')
    plain, flip, select = results.compare_ap('subcell-uniform1.5', 'subcell-uniform2')
    assert (plain.mean, flip.mean, select.mean) == (6.5, 6.5, -2.5)
    assert plain.count == 2


def test_joints_are_averaged_over_all_or_some_seeds(few_results):
    results = StudyResults(few_results, 'studio17')
    lists = [
        run['evaluation']['report']['plain']['joints']['mean_offset']
        for run in results.runs['subcell-uniform2'].values()
    ]
    both = results.average_joints('subcell-uniform2', 'mean_offset')
    np.testing.assert_allclose(both, np.mean(lists, axis=0))
    one = results.average_joints('subcell-uniform2', 'mean_offset', seeds=[1])
    np.testing.assert_allclose(one, lists[1])


def test_people_of_several_splits_follow_each_other(make_result):
    with_people, without = (
        make_result('subcell-uniform2', seed, 70) for seed in (0, 1)
    )
    for split, oks in (('report', [0.9, 0.8]), ('select', [0.7])):
        with_people['evaluation'][split]['flip']['people'] = dict(
            oks=oks, score=[1.0] * len(oks)
        )
    results = StudyResults([with_people, without], 'studio17')
    people = results.get_people('subcell-uniform2', ('report', 'select'), 'flip')
    assert list(people) == [0]
    np.testing.assert_array_equal(people[0], [[0.9, 0.8, 0.7], [1, 1, 1]])
