import pytest

from gm_pose.runs.count_words import count_words


@pytest.mark.parametrize(
    ('count', 'noun', 'words'),
    [
        (0, 'image', '0 images'),
        (1, 'image', '1 image'),
        (2, 'image', '2 images'),
        (1, 'person', '1 person'),
        (1200, 'person', '1,200 people'),
    ],
)
def test_count_words(count, noun, words):
    assert count_words(count, noun) == words
