import re

from studies.analysis.device_results import DeviceResults, load_device_runs
from studies.analysis.study_results import StudyResults
from studies.report.device_tables import Finals
from studies.report.headline import render_headline
from studies.training.result_files import RESULTS, load_results
from studies.variants.catalog import VARIANTS


def render(results):
    return render_headline(StudyResults(results, 'studio17'))


def test_headline_has_means_difference_and_seeds(few_results):
    # 72.5 and 74.75 are the means over the two common seeds
    assert render(few_results) == (
        'The best joint-adaptive table (sqrt OKS, mean 2.0) reaches 74.8 AP, the best '
        'uniform sigma (2.0) 72.5 (+2.2 ± 3.2, 2 seeds); both were selected on other '
        'people.'
    )
    assert render([]) == 'No comparison is finished yet.'


def test_centering_is_described_for_both_sets(make_result):
    aps = {'published-set1': 50, 'centered-set1': 60, 'published-set2': 55}
    results = [make_result(name, 0, ap) for name, ap in aps.items()]
    assert 'Set 1' not in render(results)
    results.append(make_result('centered-set2', 0, 56))
    assert render(results) == (
        'Centering the targets alone lifts Set 1 from 50.0 to 60.0 AP (+10.0, 1 seed, no '
        'flip test) and Set 2 from 55.0 to 56.0 AP (+1.0).'
    )


def test_word_between_set1_and_uniform_2_follows_from_the_interval(make_result):
    for offsets, word in (
        ((5.0, 5.1), 'above'),
        ((-5.0, -5.1), 'below'),
        ((-1.0, 1.0), 'not significantly different from'),
    ):
        results = [make_result('subcell-uniform2', seed, 60) for seed in (0, 1)]
        results += [
            make_result('subcell-set1-balanced', seed, 60 + offset)
            for seed, offset in enumerate(offsets)
        ]
        assert f'AP, {word} a uniform sigma of 2 cells' in render(results)


def test_headline_of_the_results_is_short_and_names_no_variant():
    studio = StudyResults(load_results(RESULTS), 'studio17')
    text = render_headline(studio, Finals(DeviceResults(load_device_runs())))
    assert len(re.findall(r'\.(?:\n|$)', text)) == 3
    assert len(text.split()) < 120
    assert not any(name in text for name in VARIANTS)
    assert '`' not in text
