"""How maps of a run on the device are scored."""

from types import SimpleNamespace

import numpy as np
import pytest

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from studies.device.read_maps import average_by_presence, expect_oks

SIZES = dict(input_size=(96, 128), heatmap_size=(48, 64))
SIGMAS = [1.0, 2.0, 1.5]


def test_joints_count_as_far_as_they_are_there():
    oks, presence = np.array([[0.6, 0.1], [0.0, 0.0]]), np.array([[0.75, 0.25], [0, 0]])
    assert average_by_presence(oks, presence) == pytest.approx([0.7, 0.0])


def test_sharp_maps_are_expected_to_be_right_and_smeared_ones_are_not():
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas=SIGMAS, unbiased=True)
    joints = np.array([[[30.0, 40.0], [50.0, 60.0], [61.0, 90.0]]], np.float32)
    sharp = codec.encode(joints)['heatmaps']
    smeared = 0.4 * sharp**0.05  # sigma 4.5 times as large
    people = SimpleNamespace(
        truth=[dict(bbox=[0, 0, 90, 120])] * 2,
        scales_px=np.full((2, 2), [120.0, 160.0]),
    )
    arguments = (dict(SIZES), np.array([0.026, 0.087, 0.05]))
    maps = np.stack([sharp, smeared])
    both = np.tile(joints, (2, 1, 1))
    found = expect_oks(maps, both, SIGMAS, people, *arguments)
    assert {*found} == {'oks', 'uniform'}
    for scores in found.values():
        assert scores[0] > 0.95 > 0.8 > scores[1]
    by_person = expect_oks(maps, both, [SIGMAS] * 2, people, *arguments)
    np.testing.assert_allclose(by_person['oks'], found['oks'])
