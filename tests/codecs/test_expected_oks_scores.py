"""score='expected_oks': positions stay, scores follow areas and calibration."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.codecs import MSRAHeatmap, UDPHeatmap

from gm_pose.codecs import JointAdaptiveMSRAHeatmap, read_target_sigmas, with_codec
from gm_pose.codecs.expected_oks_scores import HOOK, add_score_hook
from gm_pose.codecs.target_sigmas import read_cell_px
from gm_pose.ops import COCO, compute_expected_oks, measure_uncertainty
from gm_pose.ops.uncertainty import Calibration, compute_tolerances

CONFIG = Path(__file__).parents[2] / 'configs' / 'sigma20_res50_coco.py'
SIZES = dict(input_size=(192, 256), heatmap_size=(48, 64))
SIGMAS = np.array(COCO.oks_sigmas)


@pytest.fixture(scope='module')
def maps() -> np.ndarray:
    """Maps (3, 17, 64, 48): Gaussians of several heights over noise."""
    rng = np.random.default_rng(0)
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas='set2', unbiased=True)
    drawn = [
        codec.encode(rng.uniform(20, 170, (1, 17, 2)).astype(np.float32))['heatmaps']
        for _ in range(3)
    ]
    heights = rng.uniform(0.3, 1, (3, 17, 1, 1))
    return (heights * drawn + rng.normal(0, 0.01, (3, 17, 64, 48))).astype(np.float32)


def build(**options) -> JointAdaptiveMSRAHeatmap:
    settings = dict(sigmas='set2', unbiased=True, score='expected_oks')
    return JointAdaptiveMSRAHeatmap(**SIZES, **{**settings, **options})


@pytest.mark.parametrize(
    'options',
    [{}, dict(unbiased=False), dict(decode_sigmas=3.0), dict(grid='udp')],
)
def test_positions_are_those_of_peaks_bit_for_bit(maps, options):
    plain = build(**{**options, 'score': 'peak'})
    scored = build(**options)
    for mine, theirs in zip(
        scored.batch_decode(torch.tensor(maps))[0],
        plain.batch_decode(torch.tensor(maps))[0],
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_targets_are_those_of_the_neutral_codec(maps):
    joints = np.random.default_rng(1).uniform(20, 170, (1, 17, 2)).astype(np.float32)
    mine, theirs = build().encode(joints), build(score='peak').encode(joints)
    for name in theirs:
        np.testing.assert_array_equal(mine[name], theirs[name])


def test_peak_is_the_default_and_the_maps_largest_value(maps):
    codec = JointAdaptiveMSRAHeatmap(**SIZES, sigmas='set2', unbiased=True)
    assert codec.expected_oks is None
    assert 'score' not in repr(codec)
    np.testing.assert_array_equal(codec.decode(maps[0])[1][0], maps[0].max((1, 2)))


def test_scores_are_the_expected_oks_of_the_boxes_area(maps):
    codec = build()
    boxes = np.array([[10, 10, 110, 210], [0, 0, 30, 80], [5, 5, 105, 55.0]])
    scales = 1.25 * np.array([[150, 200], [60, 80], [100, 133.0]])
    codec.expected_oks.set_boxes(boxes, scales)
    keypoints, scores = codec.batch_decode(torch.tensor(maps))
    sides = boxes[:, 2:] - boxes[:, :2]
    cells = np.prod(sides / scales * SIZES['heatmap_size'], 1)
    measured = measure_uncertainty(
        maps, np.concatenate(keypoints) / 4, codec.sigmas_cells
    )
    expected = compute_expected_oks(*measured, compute_tolerances(0.53 * cells, SIGMAS))
    assert scores[0].shape == (1, 17)
    assert scores[0].dtype == np.float32
    np.testing.assert_allclose(np.concatenate(scores), expected, atol=1e-4)


def test_boxes_hold_for_one_batch_and_must_be_as_many(maps):
    codec = build()
    alone = codec.decode(maps[0])[1]
    codec.expected_oks.set_boxes(np.array([[0, 0, 9, 9.0]]), np.array([[99, 132.0]]))
    small = codec.decode(maps[0])[1]
    assert (small < alone).all()
    np.testing.assert_array_equal(codec.decode(maps[0])[1], alone)
    codec.expected_oks.set_boxes(np.zeros((2, 4)), np.ones((2, 2)))
    with pytest.raises(ValueError, match='maps of 1 people and boxes of 2'):
        codec.decode(maps[0])


def test_one_person_is_scored_as_in_a_batch(maps):
    codec = build()
    together = np.concatenate(codec.batch_decode(torch.tensor(maps))[1])
    alone = np.concatenate([codec.decode(person)[1] for person in maps])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_a_calibration_changes_scores(maps):
    codec = build()
    before = codec.decode(maps[0])[1]
    codec.expected_oks.calibration = Calibration(
        *(np.full(17, value) for value in (4.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0))
    )
    assert (codec.decode(maps[0])[1] < before).all()


@pytest.mark.filterwarnings('ignore:metainfo of .deepfashion2')
@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(score='oks'), "score is 'oks'; expected one of"),
        (dict(sigmas=2.0), 'without a dataset'),
        (dict(sigmas=2.0, dataset='deepfashion2'), 'has no OKS sigmas'),
    ],
)
def test_refuses_scores_it_cannot_compute(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


@pytest.mark.parametrize(
    ('codec', 'sigmas', 'cell_px'),
    [
        (MSRAHeatmap(**SIZES, sigma=3), [3.0], [4, 4]),
        (UDPHeatmap(**SIZES, sigma=2), [2.0], [192 / 47, 256 / 63]),
        (JointAdaptiveMSRAHeatmap(**SIZES, sigmas=1.5), [1.5], [4, 4]),
    ],
)
def test_reads_sigmas_and_cells_of_mmposes_codecs(codec, sigmas, cell_px):
    np.testing.assert_allclose(read_target_sigmas(codec), sigmas)
    np.testing.assert_allclose(read_cell_px(codec), cell_px, rtol=1e-6)


def test_refuses_codecs_without_a_gaussian_map_per_joint():
    with pytest.raises(ValueError, match="heatmap_type='combined'"):
        read_target_sigmas(UDPHeatmap(**SIZES, sigma=2, heatmap_type='combined'))
    with pytest.raises(ValueError, match='the codec is int; expected'):
        read_target_sigmas(3)


def test_with_codec_adds_the_hook_once():
    base = Config.fromfile(CONFIG)
    with_codec(base, score='expected_oks', dataset='coco')
    with_codec(base, balance_weights=True)
    assert [hook['type'] for hook in base.custom_hooks].count(HOOK) == 1
    assert base.model.head.decoder.score == 'expected_oks'
    steps = base.train_dataloader.dataset.pipeline
    (target,) = [step for step in steps if step['type'] == 'GenerateTarget']
    assert dict(target['encoder']) == dict(base.model.head.decoder)


def test_no_hook_where_scores_are_peaks():
    cfg = dict(custom_hooks=[])
    add_score_hook(cfg, dict(score='peak'))
    assert cfg['custom_hooks'] == []
