import numpy as np
import pytest

from gm_pose.ops.augmented_crops import BodySides, CropFrame, augment_crops
from gm_pose.ops.crop_augmentation import NUM_UNIFORMS, CropAugmentation
from gm_pose.ops.crop_reach import compute_reach

FRAME = CropFrame((192, 256))
FLIPS = np.array([0, 2, 1, 4, 3, 6, 5])
SIDES = BodySides(FLIPS, np.arange(7) < 5, np.arange(7) >= 5)
EVERYTHING = CropAugmentation(
    flip_prob=0.5,
    min_total_keypoints=3,
    half_body_prob=0.5,
    shift_prob=1,
    scale_prob=1,
    rotate_prob=1,
)


def make_people(count, seed=0):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-20, 300, (count, 2))
    extent = rng.uniform(1, 300, (count, 2)) * rng.choice([0.1, 1], (count, 2))
    points = corner[:, None] + rng.uniform(-0.2, 1.2, (count, 7, 2)) * extent[:, None]
    visible = rng.integers(0, 2, (count, 7)).astype(np.float32)
    boxes = np.hstack([corner, corner + extent]).astype(np.float32)
    return boxes, points.astype(np.float32), visible


def find_sampled_px(matrices, input_size):
    """Corners of the output, in px of the image: (B, 4, 2)."""
    width, height = input_size[0] - 1, input_size[1] - 1
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    inverse = np.linalg.inv(matrices[:, :, :2])
    moved = corners[None] - matrices[:, None, :, 2]
    return np.einsum('bij,bkj->bki', inverse, moved)


@pytest.mark.parametrize('use_udp', [False, True])
@pytest.mark.parametrize(
    'augmentation',
    [
        EVERYTHING,
        CropAugmentation(),
        CropAugmentation(rotate_prob=0.6, rotate_factor=20),
        CropAugmentation(rotate_prob=0.6, rotate_factor=170, flip_prob=0.5),
        CropAugmentation(scale_prob=0.5, scale_factor=(0.5, 0.8), shift_prob=0.5),
    ],
)
def test_10000_drawn_crops_stay_inside(augmentation, use_udp):
    people = make_people(10_000)
    frame = CropFrame((192, 256), use_udp)
    uniforms = np.random.default_rng(1).uniform(size=(10_000, NUM_UNIFORMS))
    uniforms[::2, :4] = np.round(uniforms[::2, :4])  # the ends of every range
    uniforms = np.minimum(uniforms, np.nextafter(1, 0))

    crops = augment_crops(
        *people, frame, SIDES, augmentation, augmentation.draw(uniforms)
    )
    reach = compute_reach(*people, frame, SIDES, augmentation)

    sampled = find_sampled_px(crops.matrices, frame.input_size)
    assert (sampled.min(1) - 1 >= reach[:, :2]).all()  # bilinear: 1 px more
    assert (sampled.max(1) + 1 <= reach[:, 2:]).all()


def test_the_reach_is_no_larger_than_it_must_be():
    boxes, points, visible = make_people(50)
    uniforms = np.random.default_rng(1).uniform(size=(200, NUM_UNIFORMS))
    uniforms[:, :4] = np.random.default_rng(2).choice([0, 0.5, 1 - 1e-12], (200, 4))
    augmentation = CropAugmentation(
        shift_prob=1, scale_prob=1, rotate_prob=1, rotate_factor=30
    )
    reach = compute_reach(boxes, points, visible, FRAME, SIDES, augmentation)
    low = np.full((50, 2), np.inf)
    high = -low
    for row in uniforms:
        draws = augmentation.draw(np.repeat(row[None], 50, 0))
        crops = augment_crops(boxes, points, visible, FRAME, SIDES, augmentation, draws)
        sampled = find_sampled_px(crops.matrices, FRAME.input_size)
        low, high = np.minimum(low, sampled.min(1)), np.maximum(high, sampled.max(1))

    size = reach[:, 2:] - reach[:, :2]
    # 2 px of margin, and up to one output px (s / input) on the right and below.
    slack = 2 + 2 + 1.5 * size / 150
    assert ((low - reach[:, :2]) < slack).all()
    assert ((reach[:, 2:] - high) < slack).all()


def test_evaluation_takes_the_padded_box():
    boxes = np.float32([[10, 20, 106, 148]])
    points, visible = np.zeros((1, 7, 2), np.float32), np.zeros((1, 7), np.float32)

    reach = compute_reach(boxes, points, visible, FRAME)

    # 96 x 128 about (58, 84), times 1.25, and 2 px
    np.testing.assert_allclose(reach, [[-4, 2, 120, 166]])
