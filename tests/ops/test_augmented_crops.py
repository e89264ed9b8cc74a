"""Augmented crops of a batch equal those of MMPose's transforms, one by one."""

import dataclasses

import numpy as np
import pytest
from mmpose.datasets.transforms import (
    GetBBoxCenterScale,
    RandomBBoxTransform,
    RandomFlip,
    RandomHalfBody,
    TopdownAffine,
)

from gm_pose.ops.augmented_crops import BodySides, CropFrame, augment_crops
from gm_pose.ops.counter_random import draw_uniforms
from gm_pose.ops.crop_augmentation import NUM_UNIFORMS, CropAugmentation

FLIP = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
UPPER, LOWER = list(range(11)), list(range(11, 17))
SIDES = BodySides(np.array(FLIP), np.arange(17) < 11, np.arange(17) >= 11)
W, H = 640, 480
AUGMENTATION = CropAugmentation(
    flip_prob=0.5, half_body_prob=0.6, shift_prob=0.5, scale_prob=0.8, rotate_prob=0.6
)


def make_people(count: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, keypoints in and around them, and from none to all of them labelled."""
    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 300, (count, 2))
    sizes = rng.uniform(30, 300, (count, 2))
    boxes = np.hstack([corners, corners + sizes]).astype(np.float32)
    keypoints = corners[:, None] + sizes[:, None] * rng.uniform(
        -0.1, 1.1, (count, 17, 2)
    )
    visible = rng.random((count, 17)) < rng.random((count, 1)) * 1.3
    return boxes, keypoints.astype(np.float32), visible.astype(np.float32)


def make_draws(count: int = 150, augmentation: CropAugmentation = AUGMENTATION):
    keys = np.stack([np.full(count, 5), np.zeros(count), np.arange(count)], 1)
    return augmentation.draw(draw_uniforms(keys.astype(np.uint64), NUM_UNIFORMS))


class Stock:
    """MMPose's transforms, with what they draw put in their mouths."""

    def __init__(self, monkeypatch, use_udp):
        self.set = monkeypatch.setattr
        self.box_center_scale = GetBBoxCenterScale(padding=1.25)
        self.flip = RandomFlip(prob=0.5)
        self.half = RandomHalfBody()
        self.box = RandomBBoxTransform()
        self.affine = TopdownAffine((192, 256), use_udp=use_udp)

    def run(self, k, people, draws):
        boxes, keypoints, visible = people
        results = dict(
            img=np.zeros((H, W, 3), np.uint8),
            img_shape=(H, W),
            flip_indices=FLIP,
            upper_body_ids=UPPER,
            lower_body_ids=LOWER,
            bbox=boxes[k : k + 1],
            keypoints=keypoints[k : k + 1],
            keypoints_visible=visible[k : k + 1],
        )
        side = 'horizontal' if draws.flipped[k] else None
        self.set(self.flip, '_choose_direction', lambda: side)
        # The first number is compared with prob, the second with upper_prioritized_prob.
        numbers = [
            0.0 if draws.halved[k] else 1.0,
            0.0 if draws.prefers_upper[k] else 1.0,
        ]
        self.set(np.random, 'rand', lambda *_: numbers.pop(0))
        drawn = (
            draws.shifts[k : k + 1],
            draws.scales[k : k + 1, None],
            draws.rotations_deg[k : k + 1],
        )
        self.set(self.box, '_get_transform_params', lambda _: drawn)
        for step in (
            self.box_center_scale,
            self.flip,
            self.half,
            self.box,
            self.affine,
        ):
            results = step.transform(results)
        return dict(results, is_half=not numbers)


@pytest.mark.parametrize('use_udp', [False, True])
def test_equal_to_mmpose_step_by_step(monkeypatch, use_udp):
    people, draws = make_people(), make_draws()
    crops = augment_crops(
        *people, CropFrame((192, 256), use_udp), SIDES, AUGMENTATION, draws
    )
    stock = Stock(monkeypatch, use_udp)
    halves = 0
    for k in range(len(people[0])):
        wanted = stock.run(k, people, draws)
        points = wanted['transformed_keypoints'][0]
        # A crop magnifies by up to 256 / input_scale; MMPose's points (up to 640 px, for
        # mirroring and in OpenCV's float32 matrix) are rounded about six times to 2^-24.
        gain = 256 / wanted['input_scale'].min()
        bound = 6 * 2**-24 * (640 * 2 * gain + np.abs(points).max() + 256)
        assert bound < 0.01
        assert np.abs(crops.keypoints_px[k] - points).max() <= bound
        assert np.array_equal(crops.visible[k], wanted['keypoints_visible'][0])
        halves += wanted['is_half']
    assert 20 < halves < 100


@pytest.mark.parametrize('use_udp', [False, True])
def test_matrix_takes_the_image_to_the_crop(use_udp):
    boxes, keypoints, visible = make_people()
    draws = make_draws()
    crops = augment_crops(
        boxes,
        keypoints,
        visible,
        CropFrame((192, 256), use_udp),
        SIDES,
        AUGMENTATION,
        draws,
    )
    assert draws.flipped.any()
    for k, matrix in enumerate(crops.matrices):
        points = keypoints[k].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
        points = points[FLIP] if draws.flipped[k] else points
        assert np.allclose(points, crops.keypoints_px[k], atol=1e-3)
        assert (np.linalg.det(matrix[:, :2]) < 0) == draws.flipped[k]


def test_neither_the_batch_nor_its_inputs_change_a_sample():
    people, draws = make_people(), make_draws()
    before = [array.copy() for array in people]
    frame = CropFrame((192, 256))
    whole = augment_crops(*people, frame, SIDES, AUGMENTATION, draws)
    for k in (0, 17, 149):
        one = slice(k, k + 1)
        own = {name: values[one] for name, values in vars(draws).items()}
        alone = augment_crops(
            *(array[one] for array in people),
            frame,
            SIDES,
            AUGMENTATION,
            dataclasses.replace(draws, **own),
        )
        for name, values in vars(alone).items():
            assert np.array_equal(values[0], getattr(whole, name)[k])
    assert all(np.array_equal(a, b) for a, b in zip(before, people, strict=True))


def half_body_box(labelled, draws, **settings):
    """Corners of the image region of a crop of a person whose keypoint k is at (k, 10k)."""
    keypoints = np.stack([np.arange(17), 10 * np.arange(17)], 1).astype(np.float32)
    visible = np.isin(np.arange(17), labelled).astype(np.float32)
    crops = augment_crops(
        np.float32([[0, 0, 600, 800]]),
        keypoints[None],
        visible[None],
        CropFrame((192, 256)),
        SIDES,
        CropAugmentation(**settings),
        draws,
    )
    inverse = np.linalg.inv(np.vstack([crops.matrices[0], [0, 0, 1]]))
    return (inverse @ [[0, 192], [0, 256], [1, 1]])[:2].T


def test_half_body_by_hand():
    always = CropAugmentation(half_body_prob=1, upper_prioritized_prob=1)
    draws = always.draw(np.full((1, NUM_UNIFORMS), 0.5))
    # Upper half: keypoints 0 to 10, mean (5, 50), 10 x 100 px, times 1.5, height rules.
    low, high = half_body_box(range(17), draws)
    assert np.allclose([low, high], [[5 - 56.25, -25], [5 + 56.25, 125]], atol=1e-3)
    lower = dataclasses.replace(draws, prefers_upper=np.array([False]))
    low, high = half_body_box(range(17), lower)  # 11 to 16, mean (13.5, 135), 5 x 50
    assert np.allclose([low[1], high[1]], [135 - 37.5, 135 + 37.5], atol=1e-3)
    # Too few of the upper half: the lower one, whatever is preferred.
    low, high = half_body_box([0, *range(11, 17)], draws, min_total_keypoints=7)
    assert np.allclose([low[1], high[1]], [135 - 37.5, 135 + 37.5], atol=1e-3)
    # Too few in all: the whole body, 600 x 800 px times 1.25.
    low, high = half_body_box(range(8), draws)
    assert np.allclose([low, high], [[-75, -100], [675, 900]], atol=1e-3)


def test_half_body_on_one_point_leaves_the_person_whole():
    always = CropAugmentation(half_body_prob=1)
    crops = augment_crops(
        np.float32([[0, 0, 60, 80]]),
        np.full((1, 17, 2), 7, np.float32),
        np.ones((1, 17), np.float32),
        CropFrame((192, 256), padding=1),
        SIDES,
        always,
        always.draw(np.zeros((1, NUM_UNIFORMS))),
    )
    assert np.allclose(crops.matrices[0], [[3.2, 0, 0], [0, 3.2, 0]], atol=1e-4)
