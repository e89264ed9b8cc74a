"""Left and right by name: MMPose's own files are right, and swapped ones are found."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from mmengine.config import Config

from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.data_checks.joint_sides import find_counterparts
from gm_pose.runs.data_checks.keypoint_rules import wrong_flip_pairs

DATASETS = Path(find_spec('mmpose').origin).parent / '.mim/configs/_base_/datasets'
FILES = sorted(p.name for p in DATASETS.glob('*.py') if p.stem != '__init__')
# No joint's name says left or right there.
WITHOUT_SIDES = {
    '300vw.py',
    '300w.py',
    '300wlp.py',
    'aflw.py',
    'coco_wholebody_face.py',
    'coco_wholebody_hand.py',
    'cofw.py',
    'deepfashion2.py',
    'freihand2d.py',
    'horse10.py',
    'interhand2d.py',
    'lapa.py',
    'onehand10k.py',
    'panoptic_hand2d.py',
    'rhd2d.py',
    'wflw.py',
}


def read_names_and_mirror(name):
    info = Config.fromfile(DATASETS / name).dataset_info.keypoint_info
    joints = [info[k] for k in sorted(info, key=int)]
    names = [str(joint['name']) for joint in joints]
    return names, [
        names.index(j['swap']) if j['swap'] else k for k, j in enumerate(joints)
    ]


def judge(names, mirror):
    pairs = [(k, m) for k, m in enumerate(mirror) if m != k]
    table = AnnotationTable(dict(annotations=[]), len(names), (), names, pairs)
    return wrong_flip_pairs.find(table)


def test_all_of_mmposes_metainfo_files_are_walked():
    assert len(FILES) >= 50


@pytest.mark.parametrize('file', FILES)
def test_metainfo_of_mmpose_is_right_and_a_swapped_pair_is_found(file):
    names, mirror = read_names_and_mirror(file)
    assert judge(names, mirror) == []
    counterparts = find_counterparts(names)
    assert (not counterparts) == (file in WITHOUT_SIDES)
    if not counterparts:
        return
    lefts = [k for k, m in counterparts.items() if k < m]
    a, b = lefts[0], counterparts[lefts[0]]
    one_sided = [k if k in (a, b) else m for k, m in enumerate(mirror)]
    assert judge(names, one_sided) == [
        f'{names[a]} with {names[a]}',
        f'{names[b]} with {names[b]}',
    ]
    if len(lefts) > 1:
        c, d = lefts[1], counterparts[lefts[1]]
        crossed = list(mirror)
        crossed[a], crossed[d], crossed[c], crossed[b] = d, a, b, c
        assert len(judge(names, crossed)) == 4


PAIRS = [
    ('left_eye', 'right_eye'),
    ('L_Eye', 'R_Eye'),
    ('eye_l', 'eye_r'),
    ('LEye', 'REye'),
    ('leftEye', 'rightEye'),
    ('EyeLeft', 'EyeRight'),
    ('lft_eye', 'rgt_eye'),
    ('eye.L', 'eye.R'),
    ('Left Eye', 'Right Eye'),
    ('eye-lt', 'eye-rt'),
    ('LEFT_EYE', 'RIGHT_EYE'),
    ('lefteye', 'righteye'),
    ('eye (l)', 'eye (r)'),
    ('L1', 'R1'),
    ('hand_left2', 'hand_right2'),
    ('L_Eye', 'right_Eye'),
    ('body-L-Knee', 'body-R-Knee'),
    ('mixamo:LeftArm', 'mixamo:RightArm'),
    ('œil_l', 'œil_r'),
    ('LShoulder', 'RShoulder'),
    ('left', 'right'),
    ('l', 'r'),
]


@pytest.mark.parametrize('pair', PAIRS)
@pytest.mark.parametrize('order', [1, -1])
def test_counterparts_are_found(pair, order):
    left, right = pair[::order]
    assert find_counterparts(['nose', left, right]) == {1: 2, 2: 1}


NOTHING = [
    ('1', '2'),
    ('near_hip', 'off_hip'),
    ('left_eye', 'right_ear'),
    ('upright', 'upper'),
    ('right_eye_left_corner', 'left_eye_right_corner'),
    ('left_eye', 'nose'),
    ('collar', 'color'),
    ('left_eye', 'eye_right'),
    ('l_目', 'r_耳'),
    ('lower', 'rower'),
    ('small', 'smarr'),
    ('', ''),
    ('left_eye', 'left_ear'),
]


@pytest.mark.parametrize('pair', NOTHING)
def test_what_names_do_not_say_is_not_judged(pair):
    assert find_counterparts(['head', *pair]) == {}


def test_a_name_that_stands_twice_is_not_judged():
    assert find_counterparts(['l_eye', 'r_eye', 'R_eye']) == {}
