import pytest

from studies.variants.catalog import GROUPS, VARIANTS, find_variants
from studies.variants.former_names import FORMER_NAMES


def test_names_are_those_of_the_scheme():
    # placement-table[-balanced][-weights][-change], one of each
    assert {
        'published-set1',
        'centered-set2-block',
        'subcell-uniform1.25',
        'subcell-sqrtoks2-balanced-block-average',
        'subcell-face0.75-rest2.5-balanced-jw',
        'subcell-face1-rest2-balanced-jw2',
        'subcell-uniform2.5-weights-face1-rest2.5-jw',
        'subcell-oks2.5max2.5-inversesigma-jw',
        'subcell-sqrtoks2-balanced-annealed',
    } <= set(VARIANTS)


def test_names_and_titles_follow_from_the_settings():
    variant = VARIANTS['subcell-face1-rest2-balanced-jw2']
    assert variant.codec == dict(
        sigmas=[1.0] * 3 + [2.0] * 14, unbiased=True, balance_weights=True
    )
    assert variant.title == (
        "nose and eyes 1.0, others 2.0, balanced, MMPose's joint weights squared"
    )
    published = VARIANTS['published-set1']
    assert set(published.codec) == {'sigmas', 'alignment'}
    assert published.runs_on('studio17-long')
    assert not published.runs_on('lspet-4k')


def test_every_former_name_leads_to_another_variant():
    # the forms are newer than the names
    named = [name for name, variant in VARIANTS.items() if variant.group != 'forms']
    assert sorted(FORMER_NAMES.values()) == sorted(named)
    assert not FORMER_NAMES.keys() & VARIANTS.keys()


def test_former_name_is_accepted_with_a_warning():
    with pytest.warns(DeprecationWarning, match="'sub-u2.0' is now called 'subcell-un"):
        (variant,) = find_variants(['sub-u2.0'], 'studio17')
    assert variant == VARIANTS['subcell-uniform2']


def test_find_variants_keeps_order_and_drops_repetitions():
    patterns = ['subcell-uniform2', 'subcell', 'subcell-uniform2']
    names = [v.name for v in find_variants(patterns, 'studio17')]
    assert names[0] == 'subcell-uniform2'
    of_group = sum(v.group == 'subcell' for v in VARIANTS.values())
    assert len(set(names)) == len(names) == of_group


def test_find_variants_error_text():
    with pytest.raises(
        ValueError, match=r"no variant or group 'sigma2'; expected a gr"
    ):
        find_variants(['sigma2'], 'studio17')
    with pytest.raises(ValueError, match="'published-set1' needs COCO's 17 joints"):
        find_variants(['published-set1'], 'lspet-4k')
    name = 'subcell-uniform2.5-weights-face1-rest2.5-jw'
    with pytest.raises(ValueError, match="needs COCO's 17 joints"):
        find_variants([name], 'lspet-4k')


def test_every_group_has_variants():
    assert {variant.group for variant in VARIANTS.values()} == set(GROUPS)
