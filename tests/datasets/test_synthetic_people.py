"""Bodies, rendering and visibility of the embedded dataset, on hand-made cases."""

import numpy as np
import pytest
from pycocotools import mask as run_lengths

from gm_pose.datasets.synthetic_people.capsule import Capsule
from gm_pose.datasets.synthetic_people.dressing import dress_body
from gm_pose.datasets.synthetic_people.outfit import sample_outfit
from gm_pose.datasets.synthetic_people.renderer import (
    draw_person,
    project_points,
    visible_joints,
)
from gm_pose.datasets.synthetic_people.scene import describe_person, make_scene
from gm_pose.datasets.synthetic_people.skeleton import (
    ADULT,
    KEYPOINTS,
    Body,
    pose_body,
    rotation,
    sample_body,
)

SIZE = (300, 300)
LIGHT = np.array([0.0, -0.6, 0.8])
AT, HEIGHT = np.array([150.0, 150.0]), 200.0
FACE = ('nose', 'left_eye', 'right_eye')


def make_body(heading_deg, arms=None, legs=None):
    """A person standing straight, arms a little off the body."""
    size = dict(ADULT, girth=1.0)
    arms = np.array([[0, 25, 0, 10]] * 2) if arms is None else arms
    legs = np.array([[0, 6, 0, 5]] * 2) if legs is None else legs
    root = rotation('y', np.deg2rad(heading_deg))
    return pose_body(size, root, legs, arms, np.zeros(3), np.zeros(3))


def make_outfit(**changes):
    from dataclasses import replace

    plain = dict(cap=False, long_hair=False, backpack=False, skirt=False)
    return replace(sample_outfit(np.random.default_rng(0)), **{**plain, **changes})


def look_at(body, outfit=None):
    """Visibility by name, and joints (17, 3) px."""
    parts = dress_body(body, outfit or make_outfit())
    drawing = draw_person(parts, HEIGHT, AT, SIZE, LIGHT)
    joints = project_points(body.keypoints(), HEIGHT, AT)
    seen = visible_joints(drawing, joints, HEIGHT, np.ones(drawing.part.shape, bool))
    return dict(zip(KEYPOINTS, seen, strict=True)), joints


def test_everything_is_seen_from_the_front_with_left_on_the_right_hand_side():
    seen, joints = look_at(make_body(0))
    assert all(seen.values()), seen
    for k, name in enumerate(KEYPOINTS):
        if name.startswith('left_'):
            assert joints[k, 0] > joints[k + 1, 0], name


def test_face_is_hidden_from_behind_and_left_is_on_the_left_hand_side():
    seen, joints = look_at(make_body(180))
    assert not any(seen[name] for name in FACE)
    assert all(seen[name] for name in KEYPOINTS[5:]), seen
    assert joints[5, 0] < joints[6, 0]


@pytest.mark.parametrize(
    ('heading', 'near', 'far'), [(90, 'right', 'left'), (-90, 'left', 'right')]
)
def test_far_side_is_hidden_from_the_side(heading, near, far):
    # Turned by +90 deg about the vertical the face (+z) points to +x, the picture's
    # right, and the person's left (+x) points away from the camera (-z). Arms forward,
    # so that they hang before nothing.
    arms = np.array([[80, 5, 0, 10]] * 2)
    seen, joints = look_at(make_body(heading, arms=arms))
    for part in ('eye', 'ear', 'shoulder', 'hip'):
        assert not seen[f'{far}_{part}'], part
        assert seen[f'{near}_{part}'], part
    assert np.sign(joints[0, 0] - AT[0]) == np.sign(heading)


def test_arm_before_the_chest_is_seen_and_arm_behind_the_back_is_not():
    front = np.array([[25, 5, 60, 100], [0, 25, 0, 10]])
    seen, _ = look_at(make_body(0, arms=front))
    assert seen['left_wrist']
    seen, _ = look_at(make_body(180, arms=front))
    assert not seen['left_wrist']
    assert seen['right_wrist']


def test_long_hair_hides_ears_from_behind_and_backpack_does_not_hide_arms():
    outfit = make_outfit(long_hair=True, backpack=True)
    seen, _ = look_at(make_body(180), outfit)
    assert not seen['left_ear']
    assert not seen['right_ear']
    assert seen['left_elbow']
    assert seen['right_wrist']


def test_thing_in_front_hides_exactly_the_joints_it_covers():
    body = make_body(0)
    drawing = draw_person(dress_body(body, make_outfit()), HEIGHT, AT, SIZE, LIGHT)
    joints = project_points(body.keypoints(), HEIGHT, AT)
    window = np.ones(drawing.part.shape, bool)
    table = int(AT[1] + 20 - drawing.origin[1])  # below the hips
    window[table:] = False
    seen = visible_joints(drawing, joints, HEIGHT, window)
    for k, name in enumerate(KEYPOINTS):
        assert seen[k] == (joints[k, 1] < AT[1] + 20), name


def test_visibility_flags_of_coco():
    joints = np.full((17, 2), 10.0)
    joints[0] = (-0.4, 5)  # outside by less than a pixel
    joints[1] = (0, 19)  # on the border
    joints[2] = (30, 5)
    seen = np.ones(17, bool)
    seen[3] = False
    mask = np.zeros((20, 25), bool)
    mask[5:9, 6:12] = True
    result = describe_person(joints, seen, mask)
    rows = np.reshape(result['keypoints'], (17, 3)).tolist()
    assert rows[0] == rows[2] == [0, 0, 0]
    assert rows[1] == [0, 19, 2]
    assert rows[3] == [10, 10, 1]
    assert rows[4] == [10, 10, 2]
    assert result['num_keypoints'] == 15
    assert result['bbox'] == [6, 5, 6, 4]
    assert result['area'] == 24
    assert (run_lengths.decode(result['segmentation']) == mask).all()


@pytest.mark.parametrize('seed', range(6))
def test_mirrored_person_is_the_mirrored_picture(seed):
    """Sides differ by anatomy only, so that RandomFlip may swap left and right."""
    rng = np.random.default_rng(seed)
    body, outfit = sample_body(rng), sample_outfit(rng)

    def swap(name):
        if name.startswith('left_'):
            return 'right_' + name.removeprefix('left_')
        return name.replace('right_', 'left_')

    mirror = np.diag([-1.0, 1.0, 1.0])
    twin = Body(
        {swap(name): mirror @ point for name, point in body.points.items()},
        {name: mirror @ frame @ mirror for name, frame in body.frames.items()},
        body.proportions,
    )
    # Odd width: the pelvis' column is the axis of the mirror.
    pictures = []
    for person in (body, twin):
        drawing = draw_person(dress_body(person, outfit), HEIGHT, AT, (301, 300), LIGHT)
        canvas = np.zeros((300, 301, 3), np.float32)
        (u, v), (h, w) = drawing.origin, drawing.part.shape
        canvas[v : v + h, u : u + w] = drawing.colour
        pictures.append(canvas)
    different = np.abs(pictures[0] - pictures[1][:, ::-1]).max(axis=2) > 1
    # Equal up to rounding at outlines and where two solids touch.
    assert different.sum() < 0.01 * (pictures[0] > 0).any(axis=2).sum()


def test_capsule_is_a_swept_sphere():
    """Against a slow reference: the highest of many spheres along the axis."""
    start, end, radius = (
        np.array([-0.1, 0.05, 0.02]),
        np.array([0.15, -0.1, 0.02]),
        0.06,
    )
    white = np.full(3, 255.0)
    capsule = Capsule('torso', start, end, (radius, radius), white, white)
    drawing = draw_person([capsule], HEIGHT, AT, SIZE, LIGHT)
    a, b = project_points(np.stack([start, end]), HEIGHT, AT)
    r = radius * HEIGHT
    (u0, v0), (h, w) = drawing.origin, drawing.part.shape
    v, u = np.mgrid[v0 : v0 + h, u0 : u0 + w]
    highest = np.full((h, w), -np.inf)  # -inf: no sphere there
    for t in np.linspace(0, 1, 2001):
        centre = a + t * (b - a)
        rest = r**2 - (u - centre[0]) ** 2 - (v - centre[1]) ** 2
        height = np.where(rest > 0, centre[2] + np.sqrt(np.maximum(rest, 0)), -np.inf)
        highest = np.maximum(highest, height)
    inside = np.isfinite(highest)
    assert (inside != drawing.mask).sum() <= 2  # a pixel centre on the outline
    both = inside & drawing.mask
    # Between two of the spheres (half a step is 0.02 px along the axis) the reference
    # is low by 0.02^2 / (2 h), h the height over the axis: below 0.01 where h > 0.1.
    both &= highest - a[2] > 0.5
    assert np.abs(highest[both] - drawing.depth[both]).max() < 0.01


def test_person_outside_the_image_is_refused():
    body = make_body(0)
    with pytest.raises(ValueError, match=r'lies outside the image of 300x300 px'):
        draw_person(dress_body(body, make_outfit()), HEIGHT, [900, 0], SIZE, LIGHT)


def test_scene_has_the_people_asked_for():
    scene = make_scene(np.random.default_rng(0), 3)
    assert len(scene.annotations) == 3
    assert scene.image.dtype == np.uint8


def test_crowd_beyond_the_picture_is_refused(monkeypatch):
    from gm_pose.datasets.synthetic_people import scene

    monkeypatch.setattr(scene, '_ATTEMPTS', 1)
    with pytest.raises(ValueError, match=r'no room for 60 people'):
        make_scene(np.random.default_rng(0), 60)
