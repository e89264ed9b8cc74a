"""The nearest known joint by name."""

import pytest

from gm_pose.new_dataset.known_joints import find_known_joint, split_words


@pytest.mark.parametrize(
    ('name', 'dataset', 'known', 'sigma'),
    [
        ('nose', 'coco', 'nose', 0.026),
        ('Snout', 'coco', 'nose', 0.026),
        ('leftEye', 'coco', 'left_eye', 0.025),
        ('R_shldr', 'coco', 'right_shoulder', 0.079),
        ('lefthip', 'coco', 'left_hip', 0.107),
        ('wrist.R', 'coco', 'right_wrist', 0.062),
        ('right foot', 'coco', 'right_ankle', 0.089),
        ('head_top', 'crowdpose', 'top_head', 0.079),
        ('Tail_base', 'ap10k', 'Root of tail', 0.035),
        ('hindpaw_l', 'ap10k', 'L_B_Paw', 0.089),
        ('left_heel', 'halpe26', 'left_heel', 0.079),
        ('sholder_left', 'coco', 'left_shoulder', 0.079),
    ],
)
def test_nearest_by_name(name, dataset, known, sigma):
    found = find_known_joint(name)
    assert (found.dataset, found.name, found.oks_sigma) == (dataset, known, sigma)


@pytest.mark.parametrize('name', ['17', 'left', 'winglet_3', 'joint 4', 'qqq', 'b'])
def test_unknown_names_have_none(name):
    assert find_known_joint(name) is None


def test_likeness_is_one_for_the_same_words_only():
    assert find_known_joint('L_Elbow').likeness == 1
    assert find_known_joint('left_toe').likeness < 1  # big or small, nobody knows


@pytest.mark.parametrize(
    ('name', 'words'),
    [('L_F_Paw', {'front', 'paw'}), ('eye_right', {'eye'}), ('MidHip', {'hip'})],
)
def test_words_leave_out_sides(name, words):
    assert split_words(name) == words
