from studies.analysis.select_variants import is_candidate, select_best, select_pair
from studies.analysis.study_results import StudyResults
from studies.variants.catalog import VARIANTS


def select_uniform(results):
    return select_best(StudyResults(results, 'studio17'), adaptive=False)


def test_best_variant_is_selected_on_the_selection_split_only(few_results):
    results = StudyResults(few_results, 'studio17')
    # uniform 1.5 is better on the report split, which must not count; a variant with a
    # block, or with fewer seeds, does not compete
    assert select_pair(results) == ('subcell-sqrtoks2-balanced', 'subcell-uniform2')
    assert select_pair(StudyResults([], 'studio17')) == (None, None)


def test_best_variant_is_selected_over_the_seeds_that_all_have(make_result):
    results = [make_result('subcell-uniform1.5', seed, 70.0) for seed in range(3)]
    results += [make_result('subcell-uniform2', seed, 69.0) for seed in range(3)]
    # two further lucky seeds do not count, nor does a variant of one seed
    results += [make_result('subcell-uniform2', seed, 90.0) for seed in (3, 4)]
    results += [make_result('subcell-uniform2.5', 0, 90.0)]
    assert select_uniform(results) == 'subcell-uniform1.5'


def test_further_seeds_decide_between_two_finalists(make_result):
    aps = {
        'subcell-uniform2': [70, 70, 70, 72, 72],
        'subcell-uniform2.5': [71, 70, 70, 70, 70],
    }
    results = [
        make_result(name, seed, ap)
        for name, of_seeds in aps.items()
        for seed, ap in enumerate(of_seeds)
    ]
    results += [make_result('subcell-uniform1.5', seed, 60.0) for seed in range(3)]
    assert select_uniform(results) == 'subcell-uniform2'


def test_ties_go_to_the_higher_mean(make_result):
    # level over the seeds that both have
    aps = {'subcell-uniform1.5': (70, 70, 70), 'subcell-uniform2.5': (70, 70, 70, 72)}
    results = [
        make_result(name, seed, ap)
        for name, of_seeds in aps.items()
        for seed, ap in enumerate(of_seeds)
    ]
    assert select_uniform(results) == 'subcell-uniform2.5'


def test_variants_decoded_with_the_metrics_sigmas_are_selected_by_themselves(
    make_result, add_decoded
):
    results = StudyResults(
        [
            add_decoded(make_result('subcell-uniform2', 0, 70.0), 71.0, 71.5),
            add_decoded(make_result('subcell-uniform2', 1, 70.0), 72.0, 72.5),
            # a variant with fewer seeds does not compete, nor one not decoded so
            add_decoded(make_result('subcell-uniform1.5', 0, 60.0), 75.0, 80.0),
            make_result('subcell-sqrtoks2-balanced', 0, 90.0),
        ],
        'studio17',
    )
    assert select_pair(results, 'flip_oks') == (None, 'subcell-uniform2')


def test_only_sigma_tables_compete():
    assert is_candidate(VARIANTS['subcell-uniform2'], adaptive=False)
    assert not is_candidate(VARIANTS['subcell-uniform2'], adaptive=True)
    assert is_candidate(VARIANTS['subcell-set1-balanced'], adaptive=True)
    # MMPose's joint weights are open to both sides, weights of another table are not
    assert is_candidate(VARIANTS['subcell-uniform2-jw2'], adaptive=False)
    for name in (
        'subcell-uniform2-weights-sqrtoks2',
        'subcell-uniform2-block',
        'subcell-uniform2-learned',
        'subcell-uniform2-annealed',
    ):
        assert not is_candidate(VARIANTS[name], adaptive=False), name
