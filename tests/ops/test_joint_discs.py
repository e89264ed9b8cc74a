"""Discs of few joints, and masks drawn together, equal those of each person alone."""

import cv2
import numpy as np
import pytest

from gm_pose.ops.joint_discs import measure_radii
from gm_pose.ops.mask_strips import draw_strip
from gm_pose.ops.segmentation_masks import draw_mask
from gm_pose.ops.sigma_estimation import measure_boxes, measure_masks


@pytest.mark.parametrize('size', [(3, 5), (40, 70), (400, 330)])
@pytest.mark.parametrize('share', [0.5, 0.001])
def test_radii_equal_the_distance_transform(size, share):
    """Of noise, and of few zeros that leave joints to the farther rings and beyond."""
    rng = np.random.default_rng(0)
    mask = (rng.uniform(size=size) > share).astype(np.uint8)
    mask[0, 0] = 0
    cells = np.stack([rng.integers(0, n, 60) for n in size[::-1]], 1)
    full = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    found = measure_radii(mask, cells)
    # OpenCV takes square roots in 32 bits, in steps: 2 units in the last place
    np.testing.assert_allclose(found, full[cells[:, 1], cells[:, 0]], rtol=2**-22)


def test_mask_without_an_edge_has_no_discs():
    assert np.isnan(measure_radii(np.ones((9, 9), np.uint8), np.array([[4, 4]]))).all()


def draw_people(number, seed=0):
    rng = np.random.default_rng(seed)
    people = []
    for n in range(number):
        box = np.round([*rng.uniform(0, 99, 2), *rng.uniform(20, 200, 2)], 2)
        corners = rng.uniform(size=(2, 9, 2)) * box[2:] + box[:2]
        joints = np.c_[
            rng.uniform(size=(5, 2)) * box[2:] + box[:2], rng.integers(0, 3, 5)
        ]
        people.append(
            dict(
                id=n,
                image_id=n,
                area=float(box[2] * box[3]),
                bbox=box.tolist(),
                segmentation=[c.ravel().tolist() for c in corners],
                keypoints=joints.ravel().tolist(),
            )
        )
    return people


def test_people_drawn_together_are_those_drawn_alone():
    people = draw_people(40)
    people[3]['segmentation'][0][0] = -50.0  # leaves its box
    people[5]['segmentation'] = dict(size=[9, 9], counts=[40, 41])
    people[7]['segmentation'] = [[1.0, 2.0]]
    boxes = np.array([p['bbox'] for p in people])
    wanted = np.arange(40) != 11
    strip = draw_strip([p['segmentation'] for p in people], boxes, wanted)
    assert np.flatnonzero(~strip.are_drawn).tolist() == [3, 5, 7, 11]
    for n in np.flatnonzero(strip.are_drawn):
        mask, corner = draw_mask(people[n]['segmentation'], people[n]['bbox'])
        (x, y), (right, bottom) = strip.low[n], strip.high[n]
        np.testing.assert_array_equal(strip.mask[y:bottom, x:right], mask)
        assert (corner - strip.origins[n]).tolist() == strip.low[n].tolist()


def measure_one_by_one(people):
    radii = [[] for _ in range(5)]
    for person in people:
        mask, corner = draw_mask(person['segmentation'], person['bbox'])
        distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for k, (x, y, v) in enumerate(np.reshape(person['keypoints'], (5, 3))):
            column, row = np.round([x, y]).astype(int) - corner
            if v == 2 and distance[row, column] > 0:
                radii[k].append(distance[row, column] / person['area'] ** 0.5)
    return radii


def test_sizes_by_masks_equal_a_loop_over_people():
    people = draw_people(700)  # more than are drawn at once
    people[3]['segmentation'][0][0] = -50.0
    expected = measure_one_by_one(people)
    found = measure_masks(people, 5)
    assert found.counts.tolist() == [len(r) for r in expected]
    np.testing.assert_allclose(found.sizes, [np.median(r) for r in expected], rtol=1e-6)


def test_sizes_by_boxes_equal_a_loop_over_people():
    people = draw_people(50)
    halves = [[] for _ in range(5)]
    for person in people:
        rows = np.reshape(person['keypoints'], (5, 3))
        for k in range(5):
            others = [rows[j, :2] for j in range(5) if j != k and rows[j, 2] > 0]
            if rows[k, 2] > 0 and others:
                nearest = min(np.hypot(*(o - rows[k, :2])) for o in others)
                halves[k].append(nearest / 2 / person['area'] ** 0.5)
    found = measure_boxes(people, 5)
    assert found.counts.tolist() == [len(h) for h in halves]
    np.testing.assert_allclose(found.sizes, [np.median(h) for h in halves], rtol=1e-12)
