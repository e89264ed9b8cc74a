import numpy as np
import pytest

from studies.analysis.people_bootstrap import compute_ap
from studies.analysis.two_level_bootstrap import (
    bootstrap_seeds_and_people,
    compute_sampled_ap,
    draw_counts,
)


def make_people(rng, count=40, shift=0.0):
    oks = np.clip(rng.uniform(0.3, 1, count) + shift, 0, 1)
    return np.stack([oks, rng.uniform(size=count)])


def test_sampled_ap_is_that_of_the_people_written_out():
    rng = np.random.default_rng(0)
    oks, scores = make_people(rng)
    counts = draw_counts(40, 30)
    assert (counts.sum(1) == 40).all()
    assert counts.max() > 2
    expected = [
        compute_ap(*(np.repeat(values, row) for values in (oks, scores)))
        for row in counts
    ]
    found = compute_sampled_ap(oks, scores, counts)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_bootstrap_agrees_with_a_slow_one():
    rng = np.random.default_rng(1)
    variant = {seed: make_people(rng, shift=0.05) for seed in range(4)}
    reference = {seed: make_people(rng) for seed in range(1, 5)}
    found = bootstrap_seeds_and_people(variant, reference, 200)
    people, seeds = draw_counts(40, 200), draw_counts(3, 200, seed=1)
    samples = []
    for drawn_people, drawn_seeds in zip(people, seeds, strict=True):
        at = np.repeat(np.arange(40), drawn_people)
        gaps = [
            compute_ap(*variant[s][:, at]) - compute_ap(*reference[s][:, at])
            for s in np.repeat([1, 2, 3], drawn_seeds)
        ]
        samples.append(np.mean(gaps))
    assert (found.low, found.high) == pytest.approx(
        tuple(np.percentile(samples, (2.5, 97.5)))
    )
    assert found.count == 3
    gaps = [compute_ap(*variant[s]) - compute_ap(*reference[s]) for s in (1, 2, 3)]
    assert found.mean == pytest.approx(np.mean(gaps))


def test_interval_holds_both_kinds_of_chance():
    """Between seeds alone, and between people alone, it is narrower."""
    rng = np.random.default_rng(2)
    base = {seed: make_people(rng, 100) for seed in range(5)}
    better = {
        seed: np.stack([np.clip(oks + 0.1 * rng.uniform(), 0, 1), score])
        for seed, (oks, score) in base.items()
    }
    both = bootstrap_seeds_and_people(better, base)
    same_seed = bootstrap_seeds_and_people({0: better[0]}, {0: base[0]})
    assert both.is_above_zero
    assert both.low < both.mean < both.high
    assert same_seed.count == 1
    assert same_seed.high > same_seed.low
    assert str(both) == f'{both.mean:+.1f} ({both.low:+.1f} to {both.high:+.1f})'


def test_no_common_seed_is_an_error():
    people = make_people(np.random.default_rng(0))
    with pytest.raises(ValueError, match='no seed in common'):
        bootstrap_seeds_and_people({0: people}, {1: people})
