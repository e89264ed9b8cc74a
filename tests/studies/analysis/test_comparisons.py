from studies.analysis.comparisons import COMPARISONS, MAIN_COMPARISONS
from studies.variants.catalog import VARIANTS


def test_compared_variants_exist_and_differ():
    assert len(COMPARISONS) > 70
    assert len(MAIN_COMPARISONS) == 5
    for variant, reference, what in (*COMPARISONS, *MAIN_COMPARISONS):
        assert VARIANTS[variant] != VARIANTS[reference]
        assert what


def test_no_pair_is_compared_twice():
    for table in (COMPARISONS, MAIN_COMPARISONS):
        assert len({row[:2] for row in table}) == len(table)
