"""Tables: the paper's numbers, scaling, and every skeleton that MMPose ships."""

import json
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from gm_pose.codecs.dataset_metainfo import (
    MISORDERED_OKS_SIGMAS,
    find_metainfo_files,
    load_skeleton,
    parse_skeleton,
)
from gm_pose.ops.sigma_tables import (
    SIGMA_TABLES,
    compute_table_scale,
    resolve_sigmas,
    scale_to_mean,
)
from gm_pose.ops.skeleton import COCO, average_mirrored

DATASETS = sorted(find_metainfo_files())


def resolve(sigmas, heatmap_size=(48, 64), dataset=None):
    return resolve_sigmas(sigmas, heatmap_size, dataset, load_skeleton)


def test_papers_tables_by_joint():
    """All 17 joints of both columns, typed from the paper once more."""
    set1 = [1.1, 1.1, 1.1, 1.3, 1.3, 1.9, 1.9, 1.8, 1.8, 1.7, 1.7, 2.2, 2.2, 2, 2, 2, 2]
    set2 = [
        0.85,
        0.84,
        0.84,
        0.99,
        0.99,
        1.49,
        1.49,
        1.42,
        1.42,
        1.32,
        1.32,
        1.73,
        1.73,
        1.56,
        1.56,
        1.58,
        1.58,
    ]
    assert resolve('set1').cells.tolist() == set1
    assert resolve('set2').cells.tolist() == set2
    assert resolve('set2').joint_names == COCO.joint_names


def test_own_coco_skeleton_is_mmposes():
    assert load_skeleton('coco') == COCO


@pytest.mark.parametrize(
    ('size', 'factor'),
    [((48, 64), 1), ((64, 64), 1), ((72, 96), 1.5), ((96, 96), 1.5), ((64, 48), 1)],
)
def test_named_tables_are_rescaled_and_numbers_are_not(size, factor):
    """MMPose's recipes: sigma 2 at 48x64 and 64x64, 3 at 72x96 and 96x96."""
    assert compute_table_scale(size) == factor
    np.testing.assert_allclose(
        resolve('set2', size).cells, resolve('set2').cells * factor, rtol=1e-15
    )
    assert resolve(2.0, size).cells.tolist() == [2.0]
    assert resolve([1.0, 2.5], size).cells.tolist() == [1.0, 2.5]
    assert resolve(SIGMA_TABLES['set1'], size).cells[0] == 1.1
    assert resolve(dict(oks='coco', mean=1.5), size).cells.mean() == pytest.approx(1.5)
    assert resolve(dict(table='set2', mean=2), size).cells.mean() == pytest.approx(2)


def test_oks_table_by_hand():
    """COCO: nose 0.026, hips 0.107, all 17 add up to 1.138; mean 2: times 34 / 1.138."""
    cells = resolve(dict(oks='coco', mean=2.0)).cells
    assert cells[0] == pytest.approx(0.026 * 34 / 1.138)
    assert cells[11] == pytest.approx(0.107 * 34 / 1.138)
    roots = resolve(dict(oks='coco', mean=2.0, power=0.5)).cells
    assert roots[11] / roots[0] == pytest.approx((0.107 / 0.026) ** 0.5)


def test_one_number_fits_any_count_unless_a_dataset_is_named():
    assert resolve(2).is_uniform
    uniform = resolve(2, dataset='crowdpose')
    assert uniform.cells.tolist() == [2.0] * 14
    assert not uniform.is_uniform


def test_mapping_for_another_skeleton():
    names = load_skeleton('mpii').joint_names
    table = {name: 1 + 0.1 * i for i, name in enumerate(reversed(names))}
    found = resolve(table, dataset='mpii')
    assert found.joint_names == names
    assert found.cells.tolist() == [table[name] for name in names]


def test_mapping_with_a_default_for_the_other_joints():
    table = dict(default=2.5, nose=1.0, left_eye=1.1, right_eye=1.1)
    assert resolve(table).cells.tolist() == [1.0, 1.1, 1.1] + [2.5] * 14
    assert table['default'] == 2.5  # the caller's dict is left as it was
    assert resolve(dict(default=2.0)).cells.tolist() == [2.0] * 17
    atrw = resolve(dict(default=2.0, tail=3.0), dataset='atrw')
    assert atrw.cells.tolist() == [
        3.0 if n == 'tail' else 2.0 for n in atrw.joint_names
    ]
    with pytest.raises(ValueError, match=r"\['tail'\], which are no joints of 'coco'"):
        resolve(dict(default=2.0, tail=3.0))
    with pytest.raises(ValueError, match="every joint of 'coco' is named"):
        resolve(dict.fromkeys(COCO.joint_names, 1.0) | dict(default=2.0))
    with pytest.raises(ValueError, match='default must be finite and > 0, got -1'):
        resolve(dict(default=-1, nose=1.0))
    with pytest.raises(ValueError, match='or default=CELLS for the others'):
        resolve(dict(nose=1.0))


def test_named_table_says_which_joints_another_skeleton_lacks():
    with pytest.raises(
        ValueError, match=re.escape("no sigma for ['top_head', 'neck']")
    ):
        resolve('set2', dataset='crowdpose')


@pytest.mark.parametrize('dataset', DATASETS)
@pytest.mark.parametrize('power', [1.0, 0.5])
def test_every_dataset_of_mmpose_has_a_table(dataset, power):
    """Right count and mean, left equal to right, in MMPose's own order of joints."""
    metainfo = parse_pose_metainfo(dict(from_file=str(find_metainfo_files()[dataset])))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        found = resolve(dict(oks=dataset, mean=1.5, power=power))
    count = metainfo['num_keypoints']
    assert found.cells.shape == (count,)
    assert found.cells.mean() == pytest.approx(1.5)
    assert (found.cells > 0).all()
    names = [metainfo['keypoint_id2name'][k] for k in range(count)]
    assert list(found.joint_names) == names
    flipped = found.cells[metainfo['flip_indices']]
    np.testing.assert_array_equal(found.cells, flipped)
    oks = metainfo['sigmas']
    ours = [str(w.message) for w in caught if 'OKS sigmas' in str(w.message)]
    if len(oks) == 0:
        assert np.ptp(found.cells) == 0
        assert len(ours) == 1
    else:
        averaged = (oks + oks[metainfo['flip_indices']]) / 2
        expected = averaged**power / (averaged**power).mean() * 1.5
        np.testing.assert_allclose(found.cells, expected, rtol=1e-6)
        assert len(ours) == (dataset in MISORDERED_OKS_SIGMAS)


def test_there_are_as_many_datasets_as_expected():
    """A change of MMPose's folder must not empty the test above."""
    wanted = {'coco', 'crowdpose', 'mpii', 'aic', 'halpe', 'ap10k', 'wflw'}
    assert wanted <= set(DATASETS)
    assert len(DATASETS) >= 50


@pytest.mark.parametrize('dataset', sorted(MISORDERED_OKS_SIGMAS))
@pytest.mark.filterwarnings('ignore')
def test_misordered_metainfo_is_misordered(dataset):
    """If MMPose repairs it, the warning must go: a right shoulder is no eye."""
    skeleton = load_skeleton(dataset)
    shoulder = skeleton.oks_sigmas[skeleton.joint_names.index('right_shoulder')]
    eye = COCO.oks_sigmas[COCO.joint_names.index('left_eye')]
    assert shoulder == eye


@pytest.mark.parametrize('suffix', ['.py', '.json'])
def test_own_metainfo_file(tmp_path, suffix):
    info = dict(
        dataset_name='two_hands',
        keypoint_info={
            '0': dict(name='wrist', id=0, swap=''),
            '1': dict(name='left_tip', id=1, swap='right_tip'),
            '2': dict(name='right_tip', id=2, swap='left_tip'),
        },
        sigmas=[0.03, 0.04, 0.06],
    )
    path = tmp_path / f'hands{suffix}'
    if suffix == '.py':
        path.write_text(f'dataset_info = {info!r}')
    else:
        path.write_text(json.dumps(dict(dataset_info=info)))
    found = resolve(dict(oks=str(path), mean=1.0))
    assert found.joint_names == ('wrist', 'left_tip', 'right_tip')
    # (0.03, 0.05, 0.05) over their mean 13 / 300
    np.testing.assert_allclose(found.cells, [9 / 13, 15 / 13, 15 / 13])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(keypoint_info={}), 'has no keypoint_info'),
        (dict(sigmas=[0.1]), '1 sigmas for 2 joints'),
        (dict(keypoint_info={0: dict(name='a', swap='z')}), "'z', which is not among"),
        (dict(keypoint_info={0: dict(name='a'), 1: dict(name='a')}), "twice: ['a']"),
    ],
)
def test_faulty_metainfo_raises(change, message):
    info = dict(keypoint_info={0: dict(name='a'), 1: dict(name='b')}, sigmas=[0.1, 0.2])
    assert len(parse_skeleton(info, 'mine')) == 2
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_skeleton({**info, **change}, 'mine')


def test_joints_that_swap_in_a_circle_share_their_mean():
    joints = {
        k: dict(name=n, swap=p) for k, (n, p) in enumerate(['ab', 'bc', 'ca', 'd '])
    }
    joints[3]['swap'] = ''
    with pytest.warns(UserWarning, match='does not swap back'):
        skeleton = parse_skeleton(dict(keypoint_info=joints), 'mine')
    averaged = average_mirrored([1.0, 2.0, 6.0, 5.0], skeleton.mirror)
    assert averaged.tolist() == [3, 3, 3, 5]


def test_file_without_dataset_info_raises(tmp_path):
    path = tmp_path / 'other.py'
    path.write_text('a = 1')
    with pytest.raises(ValueError, match='defines no dataset_info'):
        load_skeleton(str(path))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(0.005, 0.2), min_size=1, max_size=30),
    st.floats(0.1, 10),
    st.floats(-1, 2),
)
def test_scaling_keeps_order_and_hits_the_mean(values, mean, power):
    scaled = scale_to_mean(np.array(values), mean, power)
    assert scaled.mean() == pytest.approx(mean, rel=1e-9)
    ratios = np.array(values) ** power / scaled
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-9)
