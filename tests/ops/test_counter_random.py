"""Numbers that follow from a key: the published ones, uniform, and unrelated."""

import numpy as np
import pytest
from scipy import stats

from gm_pose.ops.counter_random import draw_uniforms, philox4x32

# Rows `philox4x32 10` of tests/kat_vectors in Random123: counter, key, result.
KNOWN_ANSWERS = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def make_keys(seed: int, epoch: int, count: int) -> np.ndarray:
    """The keys of an epoch's first samples."""
    return np.stack(
        [np.full(count, seed), np.full(count, epoch), np.arange(count)], 1
    ).astype(np.uint64)


@pytest.mark.parametrize(('counter', 'key', 'wanted'), KNOWN_ANSWERS)
def test_published_answers(counter, key, wanted):
    found = philox4x32(np.array(counter, np.uint64), np.array(key, np.uint64))
    assert tuple(found.tolist()) == wanted


def test_words_of_a_key_stand_where_the_documentation_says():
    seed, epoch, position = 0x299F31D0_A4093822, 0x85A308D3, 0x03707344_13198A2E
    found = draw_uniforms([[seed, epoch, position]], 4, start=4 * 0x243F6A88)
    assert (found[0] * 2**32).astype(np.uint64).tolist() == list(KNOWN_ANSWERS[2][2])


def test_numbers_depend_neither_on_the_batch_nor_on_what_else_is_drawn():
    keys = make_keys(3, 1, 20)
    whole = draw_uniforms(keys, 30)
    assert np.array_equal(draw_uniforms(keys[7:9], 30), whole[7:9])
    assert np.array_equal(draw_uniforms(keys, 5, start=17), whole[:, 17:22])
    assert draw_uniforms(keys, 0).shape == (20, 0)
    assert draw_uniforms(keys[:0], 4).shape == (0, 4)


def test_missing_words_are_zero():
    assert np.array_equal(draw_uniforms([[5, 6]], 3), draw_uniforms([[5, 6, 0]], 3))


@pytest.mark.parametrize('column', range(10))
def test_numbers_are_uniform_over_neighbouring_keys(column):
    drawn = draw_uniforms(make_keys(0, 0, 20_000), 10)[:, column]
    assert drawn.min() >= 0
    assert drawn.max() < 1
    # Keys are fixed, so this passes or fails for good; a fair generator is below 0.001
    # in one column of a thousand.
    assert stats.kstest(drawn, 'uniform').pvalue > 0.001
    counts = np.histogram(drawn, bins=100, range=(0, 1))[0]
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize('word', range(3))
def test_neighbouring_keys_give_unrelated_numbers(word):
    keys = make_keys(0, 0, 20_000)
    neighbours = keys.copy()
    neighbours[:, word] += 1
    first, second = draw_uniforms(keys, 8), draw_uniforms(neighbours, 8)
    if word == 2:  # the first columns of both would be one list, shifted by one
        first, second = first[::2], second[::2]
    correlation = np.corrcoef(first.T, second.T)
    # 120 pairs of columns, of standard deviation 1 / sqrt(10,000) at most: 4.5 of them.
    assert np.abs(correlation - np.eye(16)).max() < 0.045


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        ([[1, 2, 3, 4]], r'words are \(1, 4\); expected \(B, W\) with W from 1 to 3'),
        ([[1, 2**32, 3]], r'the second word is 4294967296; expected less than 2\^32'),
    ],
)
def test_words_that_would_be_lost_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        draw_uniforms(words, 1)
