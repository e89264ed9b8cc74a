from types import SimpleNamespace

from measured import make_fixed

from gm_pose.sweep.stopping import SEED_DEVIATION, find_hopeless


def make_runs(uniform, per_joint):
    """Runs of candidates, by name and seed; looks at the part for choosing."""

    def get(name, part):
        assert part == 'choose'
        return {**uniform, **per_joint}[name]

    return SimpleNamespace(uniform=list(uniform), per_joint=list(per_joint), get=get)


def test_candidate_far_behind_the_best_of_its_kind_is_stopped():
    runs = make_runs(
        dict(
            a={0: make_fixed(60, 1)},
            b={0: make_fixed(52, 1)},
            c={0: make_fixed(58, 1)},
            d={},
        ),
        dict(t={0: make_fixed(20, 1)}),
    )
    found = find_hopeless(runs)
    assert list(found) == ['b']  # t is the best of the tables, c is within reach
    assert found['b'].startswith('-8.0 points of AP against a on the part for choosing')


def test_limit_is_a_99_percent_interval_of_people_and_seeds():
    # z(0.99) = 2.326; spread over people 1, over seeds at least SEED_DEVIATION
    limit = 2.326 * (1 + SEED_DEVIATION**2) ** 0.5
    for gap, stops in ((limit - 0.05, False), (limit + 0.05, True)):
        runs = make_runs(
            dict(a={0: make_fixed(60)}, b={0: make_fixed(60 - gap, 1)}), {}
        )
        assert bool(find_hopeless(runs)) is stops


def test_seeds_that_disagree_keep_a_candidate():
    best = {0: make_fixed(60), 1: make_fixed(60)}
    runs = make_runs(dict(a=best, b={0: make_fixed(50), 1: make_fixed(66)}), {})
    assert not find_hopeless(runs)


def test_nothing_is_stopped_without_a_second_candidate_or_a_common_seed():
    assert not find_hopeless(make_runs(dict(a={0: make_fixed(60)}), {}))
    runs = make_runs(dict(a={0: make_fixed(60)}, b={1: make_fixed(1)}), {})
    assert not find_hopeless(runs)
