"""Full batches over the frames, results in their order, few frames in memory."""

import gc
import weakref

import numpy as np
import pytest

from gm_pose.inference import PoseEstimator
from gm_pose.inference.batching import estimate_frames
from gm_pose.inference.boxes import BoxCounts, GivenBoxes
from gm_pose.inference.sources import Frame

IMAGE = np.zeros((60, 80, 3), np.uint8)


def make_boxes(count, first=0):
    return np.float32([[k, k, k + 5, k + 7] for k in range(first, first + count)])


def test_batches_are_full_over_frames_and_split_frames(fake, backend):
    boxes = [make_boxes(n, 10 * k) for k, n in enumerate([1, 0, 6, 2, 0, 1])]
    found = fake([IMAGE] * 6, boxes)
    assert [len(people) for people in found] == [1, 0, 6, 2, 0, 1]
    for people, given in zip(found, boxes, strict=True):
        np.testing.assert_array_equal(people.bboxes_px, given.reshape(-1, 4))
        np.testing.assert_array_equal(
            people.keypoints_px[:, 0], given.reshape(-1, 4)[:, :2]
        )
    assert [sum(batch) for batch in backend.batches] == [4, 4, 2]
    assert backend.batches == [[1, 3], [3, 1], [1, 1]]


def test_frames_are_given_out_as_soon_as_they_are_done(backend):
    seen = []

    def frames():
        for k in range(9):
            seen.append(k)
            yield Frame(IMAGE, '', k, k)

    boxes = GivenBoxes([make_boxes(1)] * 9)
    results = estimate_frames(frames(), boxes, backend, 4, BoxCounts())
    assert next(results).frame.index == 0
    assert seen == [0, 1, 2, 3]


def test_memory_does_not_grow_with_the_frames(backend):
    """Images of frames that were given out are gone."""
    alive = weakref.WeakSet()

    class Pixels(np.ndarray):
        pass

    def frames():
        for k in range(50):
            image = IMAGE.copy().view(Pixels)
            alive.add(image)
            most[0] = max(most[0], len(alive))
            yield Frame(image, '', k, k)

    # sets need hashes; an array's is its identity
    Pixels.__hash__ = object.__hash__
    most = [0]
    boxes = GivenBoxes([make_boxes(1)] * 50)
    for _ in estimate_frames(frames(), boxes, backend, 4, BoxCounts()):
        pass
    del _
    gc.collect()
    assert most[0] <= 9
    assert not alive


def test_large_frames_do_not_wait_for_a_full_batch(backend, monkeypatch):
    monkeypatch.setattr('gm_pose.inference.batching.MAX_WAITING_BYTES', IMAGE.nbytes)
    estimator = PoseEstimator(backend, batch_size=100)
    found = list(estimator.stream([IMAGE] * 5))
    assert len(found) == 5
    assert len(backend.batches) == 3


@pytest.mark.parametrize('batch_size', [0, -1, 2.0])
def test_a_batch_has_somebody(backend, batch_size):
    with pytest.raises(ValueError, match='expected at least 1'):
        PoseEstimator(backend, batch_size=batch_size)
