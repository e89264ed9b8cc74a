"""Split, sides, links, sigmas, schedule and shape of a new dataset."""

import numpy as np
import pytest

from gm_pose.new_dataset.bases import BASES, choose_shape
from gm_pose.new_dataset.joints import describe_joints
from gm_pose.new_dataset.keypoint_data import MARGIN, KeypointData, add_boxes
from gm_pose.new_dataset.schedule import LEAST_ITERATIONS, plan_schedule
from gm_pose.new_dataset.sides import check_pairs, choose_pairs, read_swaps
from gm_pose.new_dataset.split import split_images
from gm_pose.new_dataset.suggested_links import suggest_links
from gm_pose.runs.user_errors import UserError


def make_data(count: int, per_image: int = 1) -> KeypointData:
    images = [
        dict(id=n, file_name=f'{n}.png', width=50, height=40) for n in range(count)
    ]
    people = [
        dict(id=n, image_id=n // per_image, keypoints=[10.0, 10.0, 2, 20.0, 30.0, 2])
        for n in range(count * per_image)
    ]
    return KeypointData('test', images, people, ['a', 'b'])


def test_both_joints_of_a_pair_are_in_one_half_of_the_body():
    names = ['PawL', 'PawR', 'KneeL', 'kneecapR']  # AP-10K's front paws: upper, lower
    joints = describe_joints(names, {0: 1, 1: 0, 2: 3, 3: 2}, [])
    assert [joint.part for joint in joints] == ['upper', 'upper', 'lower', 'lower']


def test_split_is_by_image_and_does_not_depend_on_the_order():
    data = make_data(20, per_image=3)
    train, val = split_images(data, 0.2, seed=0)
    assert len(train) == 16
    assert len(val) == 4
    assert not {i['id'] for i in train} & {i['id'] for i in val}
    data.images.reverse()
    assert split_images(data, 0.2, seed=0) == (train, val)
    assert split_images(data, 0.2, seed=1)[1] != val


def test_both_sides_of_a_split_have_an_image():
    assert [len(part) for part in split_images(make_data(2), 0.01, 0)] == [1, 1]
    assert [len(part) for part in split_images(make_data(3), 0.99, 0)] == [1, 2]


@pytest.mark.parametrize(('count', 'share'), [(1, 0.1), (9, 0.0), (9, 1.0)])
def test_impossible_splits_are_refused(count, share):
    with pytest.raises(UserError, match=r'expected'):
        split_images(make_data(count), share, 0)


def test_boxes_surround_joints_and_stay_in_the_image():
    data = make_data(1)
    data.annotations[0]['keypoints'] = [10.0, 10.0, 2, 20.0, 38.0, 1, 49.0, 5.0, 0]
    add_boxes(data)
    margin = MARGIN * 28
    x, y, w, h = data.annotations[0]['bbox']
    assert (x, y) == pytest.approx((10 - margin, 10 - margin))
    assert (x + w, y + h) == pytest.approx((20 + margin, 40))  # the image ends at 40
    assert data.annotations[0]['area'] == pytest.approx(0.53 * w * h, abs=0.01)
    assert len(data.notes) == 2
    assert data.must_be_written


def test_given_boxes_stay():
    data = make_data(1)
    data.annotations[0].update(bbox=[1, 2, 3, 4], area=5)
    add_boxes(data)
    assert (data.annotations[0]['bbox'], data.notes) == ([1, 2, 3, 4], [])


def test_swaps_are_by_name_or_as_stated():
    names = ['nose', 'L_ear', 'R_ear', 'near', 'far']
    assert choose_pairs(names, None) == {1: 2, 2: 1}
    assert choose_pairs(names, read_swaps(['near=far'])) == {3: 4, 4: 3}
    assert choose_pairs(names, read_swaps(['none'])) == {}


@pytest.mark.parametrize(
    ('texts', 'message'),
    [
        (['near'], 'expected LEFT=RIGHT'),
        (['near=fur'], "names 'fur'"),
        (['near=near'], 'one counterpart'),
        (['near=far', 'nose=far'], 'one counterpart'),
    ],
)
def test_wrong_swaps_are_refused(texts, message):
    with pytest.raises(UserError, match=message):
        choose_pairs(['nose', 'near', 'far'], read_swaps(texts))


def make_bodies(exchanged: bool, count: int = 40):
    """People who face the camera or turn away, with three pairs."""
    rng = np.random.default_rng(0)
    facing = rng.choice([-1, 1], count)
    points = np.zeros((count, 6, 2))
    for pair, height in enumerate((10, 40, 70)):
        points[:, 2 * pair] = np.stack([50 + 9 * facing, np.full(count, height)], 1)
        points[:, 2 * pair + 1] = np.stack([50 - 9 * facing, np.full(count, height)], 1)
    if exchanged:
        points[:, [4, 5]] = points[:, [5, 4]]
    return points + rng.normal(0, 1, points.shape)


PAIRED = ['left_ear', 'right_ear', 'left_hip', 'right_hip', 'left_knee', 'right_knee']


@pytest.mark.parametrize('exchanged', [False, True])
def test_a_pair_named_the_wrong_way_round_is_found(exchanged):
    labelled = np.ones((40, 6), bool)
    pairs = choose_pairs(PAIRED, None)
    found = check_pairs(make_bodies(exchanged), labelled, pairs, PAIRED)
    assert len(found) == exchanged
    if exchanged:
        assert found[0].startswith('left_knee and right_knee')


def test_few_people_say_nothing_of_pairs():
    pairs = choose_pairs(PAIRED, None)
    assert check_pairs(make_bodies(True, 5), np.ones((5, 6), bool), pairs, PAIRED) == []


def test_links_are_bones_and_not_what_happens_to_be_near():
    """Hip, knee, ankle of a swinging leg, and a hand that is near any of them."""
    rng = np.random.default_rng(0)
    count = 200
    swing, bend = rng.uniform(-1, 1, (2, count))
    hip = np.zeros((count, 2))
    knee = hip + 40 * np.stack([np.sin(swing), np.cos(swing)], 1)
    ankle = knee + 40 * np.stack([np.sin(swing + bend), np.cos(swing + bend)], 1)
    hand = hip + rng.uniform(-35, 35, (count, 2))
    points = np.stack([hip, knee, ankle, hand], 1)
    labelled = np.ones((count, 4), bool)
    links = suggest_links(points, labelled, np.full(count, 6400.0), {})
    assert links == [(0, 1), (0, 3), (1, 2)]
    labelled[:, 3] = False
    assert suggest_links(points, labelled, np.full(count, 6400.0), {}) == [
        (0, 1),
        (1, 2),
    ]


def test_links_do_not_cross_sides():
    """Knees and ankles of crossed legs: each ankle is nearer to the other knee."""
    rng = np.random.default_rng(0)
    points = np.array([[0, 0], [20, 0], [18, 30], [2, 30]], float)
    points = points + rng.normal(0, 1, (50, 4, 2))
    labelled, areas = np.ones((50, 4), bool), np.full(50, 900.0)
    names = ['left_knee', 'right_knee', 'left_ankle', 'right_ankle']
    links = suggest_links(points, labelled, areas, choose_pairs(names, None))
    assert (0, 3) not in links
    assert (1, 2) not in links
    assert len(links) == 3


def test_sigmas_come_from_the_nearest_known_joint_with_a_reason():
    names = ['nose', 'L_ankle', 'R_ankle', 'qqq']
    joints = describe_joints(names, {1: 2, 2: 1}, [])
    assert [j.oks_sigma for j in joints[:3]] == [0.026, 0.089, 0.089]
    assert joints[1].reason == 'as left_ankle of coco'
    assert joints[3].oks_sigma == pytest.approx((0.026 + 2 * 0.089) / 3, abs=1e-4)
    assert (
        joints[3].reason == 'a guess: no known joint, not measured; mean of the others'
    )
    assert [j.swap for j in joints] == ['', 'R_ankle', 'L_ankle', '']
    assert [j.part for j in joints] == ['upper', 'lower', 'lower', '']
    assert [j.weight for j in joints] == [1.0, 1.5, 1.5, 1.0]


def test_an_unknown_joint_has_its_size_on_the_scale_of_the_others():
    """A distance of 10 px between nose and eye, 20 to the unknown joint, area 2500."""
    joints = [0, 0, 2, 10, 0, 2, 30, 0, 2]
    people = [dict(image_id=n, keypoints=joints, area=2500) for n in range(6)]
    found = describe_joints(['nose', 'eye', 'qqq'], {}, people)
    assert found[2].oks_sigma == pytest.approx(2 * (0.026 + 0.025) / 2, abs=1e-4)
    assert found[2].reason.startswith('a guess: no known joint; its distance')


def test_sigmas_are_measured_where_people_are_annotated_twice():
    """+1 and -1 px along x: variance 2 d^2 / 2 = 2 px^2 of an area of 2500 px^2."""
    people = [
        dict(
            image_id=n,
            person_id=n,
            keypoints=[50 + move, 50, 2, 90, 50 + move, 2],
            area=2500,
        )
        for n in range(12)
        for move in (-1, 1)
    ]
    found = describe_joints(['nose', 'hip'], {}, people)
    assert [j.oks_sigma for j in found] == pytest.approx(
        [(2 / 2500) ** 0.5] * 2, abs=1e-4
    )
    assert 'annotated more than once' in found[0].reason


def test_left_and_right_have_one_sigma():
    joints = describe_joints(['left_eye', 'right_ankle'], {0: 1, 1: 0}, [])
    assert joints[0].oks_sigma == joints[1].oks_sigma == pytest.approx(0.057)


@pytest.mark.parametrize('people', [1, 8, 36, 500, 3000, 150_000])
def test_schedule_is_long_enough_and_never_shorter_than_cocos(people):
    schedule = plan_schedule(people)
    assert schedule.num_epochs >= 210
    assert schedule.num_epochs * schedule.iterations_per_epoch >= LEAST_ITERATIONS
    assert schedule.iterations_per_epoch * schedule.batch_size >= people


@pytest.mark.parametrize(
    ('aspects', 'size'),
    [
        ([0.4, 0.5, 2.0], (192, 256)),
        ([1.0, 1.1, 0.2], (256, 256)),
        ([2.0, 1.8, 0.3], (256, 192)),
        ([], (192, 256)),
    ],
)
def test_crop_has_the_shape_of_the_boxes(aspects, size):
    assert choose_shape(BASES['res50'], aspects).input_size == size
    assert choose_shape(BASES['vitpose_s'], aspects).input_size == (192, 256)
