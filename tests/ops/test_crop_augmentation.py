"""What is drawn for a crop has the distributions of MMPose's transforms."""

import numpy as np
import pytest
from mmpose.datasets.transforms import RandomBBoxTransform, RandomFlip, RandomHalfBody
from scipy import stats

from gm_pose.ops.counter_random import draw_uniforms
from gm_pose.ops.crop_augmentation import NUM_UNIFORMS, CropAugmentation

COUNT = 20_000
AUGMENTATION = CropAugmentation(
    flip_prob=0.3,
    half_body_prob=0.4,
    upper_prioritized_prob=0.7,
    shift_factor=0.2,
    shift_prob=0.35,
    scale_factor=(0.6, 1.3),
    scale_prob=0.8,
    rotate_factor=45.0,
    rotate_prob=0.6,
)


@pytest.fixture(scope='module')
def draws():
    """What happens to the samples of one epoch."""
    keys = np.stack([np.full(COUNT, 11), np.full(COUNT, 2), np.arange(COUNT)], 1)
    return AUGMENTATION.draw(draw_uniforms(keys, NUM_UNIFORMS))


@pytest.fixture(scope='module')
def stock():
    """(offsets, scales, rotations) of MMPose for as many boxes."""
    np.random.seed(0)  # noqa: NPY002, its generator
    transform = RandomBBoxTransform(
        shift_factor=0.2,
        shift_prob=0.35,
        scale_factor=(0.6, 1.3),
        scale_prob=0.8,
        rotate_factor=45.0,
        rotate_prob=0.6,
    )
    return transform._get_transform_params(COUNT)


def split_columns(draws, stock) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Name -> (ours, MMPose's, value of a sample to which it does not happen)."""
    offsets, scales, rotations = stock
    return dict(
        shift_x=(draws.shifts[:, 0], offsets[:, 0], 0),
        shift_y=(draws.shifts[:, 1], offsets[:, 1], 0),
        scale=(draws.scales, scales[:, 0], 1),
        rotation=(draws.rotations_deg, rotations, 0),
    )


@pytest.mark.parametrize('name', ['shift_x', 'shift_y', 'scale', 'rotation'])
def test_box_has_the_distribution_of_mmpose(draws, stock, name):
    ours, theirs, rest = split_columns(draws, stock)[name]
    assert ours.dtype == np.float32
    happened, theirs_happened = ours[ours != rest], theirs[theirs != rest]
    # Both samples are fixed: this passes or fails for good.
    assert stats.ks_2samp(happened, theirs_happened).pvalue > 0.01
    # Shares and moments within 4 standard errors of a difference.
    share = np.array([len(happened), len(theirs_happened)]) / COUNT
    spread = np.sqrt(2 * share.mean() * (1 - share.mean()) / COUNT)
    assert abs(share[0] - share[1]) < 4 * spread
    low, high = min(theirs_happened), max(theirs_happened)
    unit = [
        (np.array(some) - low) / (high - low) for some in (happened, theirs_happened)
    ]
    for power in (1, 2, 3, 4):
        first, second = (some**power for some in unit)
        error = np.hypot(
            first.std() / np.sqrt(len(first)), second.std() / np.sqrt(len(second))
        )
        assert abs(first.mean() - second.mean()) < 4 * error


def test_box_has_the_exact_distribution(draws):
    normal = stats.truncnorm(-1, 1)
    happened = draws.rotations_deg[draws.rotations_deg != 0] / 45
    assert np.abs(happened).max() <= 1
    assert stats.kstest(happened, normal.cdf).pvalue > 0.01
    scales = (draws.scales[draws.scales != 1] - 0.95) / 0.35
    assert stats.kstest(scales, normal.cdf).pvalue > 0.01


def test_both_shifts_happen_together_and_the_rest_independently(draws):
    assert np.array_equal(draws.shifts[:, 0] != 0, draws.shifts[:, 1] != 0)
    mean = 0.95  # of scales that happen: 1 would tell whether they do
    columns = np.stack(
        [
            draws.flipped,
            draws.halved,
            draws.prefers_upper,
            draws.shifts[:, 0] != 0,
            draws.scales != 1,
            draws.rotations_deg != 0,
            draws.shifts[:, 0],
            draws.shifts[:, 1],
            np.where(draws.scales == 1, mean, draws.scales),
            draws.rotations_deg,
        ]
    )
    correlation = np.corrcoef(columns.astype(np.float64)) - np.eye(10)
    # 4.5 standard deviations of 1 / sqrt(20,000), for 45 pairs.
    assert np.abs(correlation).max() < 0.032


def test_rates_are_those_of_mmpose(draws):
    np.random.seed(1)  # noqa: NPY002, its generator
    flip = RandomFlip(prob=0.3)
    flips = [flip._choose_direction() is not None for _ in range(4000)]
    half = RandomHalfBody(prob=0.4, upper_prioritized_prob=0.7)
    visible = np.ones((COUNT, 17))
    ids = half._random_select_half_body(visible, list(range(11)), list(range(11, 17)))
    halved = np.array([one is not None for one in ids])
    upper = np.array([one[0] == 0 for one in ids if one is not None])
    for ours, theirs in (
        (draws.flipped, flips),
        (draws.halved, halved),
        (draws.prefers_upper, upper),
    ):
        rate = np.mean(theirs)
        spread = np.sqrt(rate * (1 - rate) * (1 / len(ours) + 1 / len(theirs)))
        assert abs(ours.mean() - rate) < 4 * spread


@pytest.mark.parametrize('value', [0.0, 1.0 - 2**-32])
def test_steps_of_probability_0_never_happen_and_of_1_always(value):
    uniforms = np.full((1, NUM_UNIFORMS), value)
    never = CropAugmentation().draw(uniforms)
    assert not never.flipped
    assert not never.halved
    assert not never.shifts.any()
    assert never.scales == 1
    assert never.rotations_deg == 0
    always = CropAugmentation(
        flip_prob=1, half_body_prob=1, shift_prob=1, scale_prob=1, rotate_prob=1
    ).draw(uniforms)
    assert always.flipped
    assert always.halved
    sign = -1 if value == 0 else 1
    assert always.shifts == pytest.approx(sign * 0.16, abs=1e-7)
    assert always.scales == pytest.approx(1 + sign * 0.5, abs=1e-7)
    assert always.rotations_deg == pytest.approx(sign * 80, abs=1e-4)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(flip_prob=1.5), 'flip_prob is 1.5; expected 0 to 1'),
        (dict(upper_prioritized_prob=-1), 'upper_prioritized_prob is -1; expected 0'),
        (dict(scale_factor=(0, 1.5)), r'scale_factor is \(0, 1.5\); expected two'),
    ],
)
def test_impossible_settings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CropAugmentation(**arguments)
