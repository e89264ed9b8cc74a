"""The whole graph, run by PyTorch, against MMPose's own inference and `TorchBackend`."""

import numpy as np
import pytest
import torch
from mmpose.apis import inference_topdown
from mmpose.registry import MODELS
from tiny_models import (
    OURS,
    SIZES,
    build_model,
    make_config,
    make_samples,
    write_checkpoint,
)

from gm_pose.export.build_graph import build_graph
from gm_pose.inference.backends.torch_backend import TorchBackend
from gm_pose.inference.models.open_model import open_model
from gm_pose.ops.uncertainty import (
    average_expected_oks,
    compute_expected_oks,
    compute_tolerances,
)
from gm_pose.runs.user_errors import UserError

UDP_OURS = {**OURS, 'grid': 'udp', 'decode_sigmas': None}
CASES = {
    'block and head': dict(),
    'heatmap head': dict(neck=None, head='HeatmapHead'),
    'quarter': dict(codec=dict(OURS, unbiased=False, decode_sigmas=None)),
    'udp grid': dict(codec=UDP_OURS, use_udp=True),
    'MSRA': dict(codec=dict(type='MSRAHeatmap', **SIZES, sigma=2)),
    'DARK': dict(codec=dict(type='MSRAHeatmap', **SIZES, sigma=2, unbiased=True)),
    'UDP': dict(codec=dict(type='UDPHeatmap', **SIZES, sigma=2), use_udp=True),
}


def run_graph(opened, sample, flip_test=False):
    backend = TorchBackend(opened, 'cpu', flip_test)
    graph = build_graph(backend.network, opened, 'image', 'joints')
    with torch.inference_mode():
        outputs = graph(
            torch.from_numpy(sample.image), torch.from_numpy(sample.boxes_px)
        )
    names = graph.list_outputs()
    return dict(zip(names, (o.numpy() for o in outputs), strict=True)), backend


@pytest.fixture(autouse=True)
def _norms_are_not_folded(monkeypatch):
    """Its rounding would decide ties of an untrained network's maps; test_fold_norms.py."""
    from gm_pose.inference.backends import torch_backend

    monkeypatch.setattr(torch_backend, 'fold_norms', lambda model, size: model)


@pytest.mark.parametrize('name', CASES)
@pytest.mark.parametrize('flip_test', [False, True])
def test_joints_equal_mmposes(tmp_path, name, flip_test):
    """By MMPose's pipeline, estimator and codec, with their own flip test."""
    config = make_config(**CASES[name])
    opened = open_model(write_checkpoint(tmp_path / 'model.pth', config))
    model = build_model(config)
    if flip_test:
        config.model.test_cfg.update(flip_test=True, shift_heatmap=False)
        if name not in ('udp grid', 'UDP'):
            config.model.type = 'AlignedFlipTopdownPoseEstimator'
        flipping = MODELS.build(config.model)
        flipping.load_state_dict(model.state_dict())
        model = flipping.eval()
    model.cfg, model.dataset_meta = config, opened.metainfo
    for sample in make_samples():
        found, backend = run_graph(opened, sample, flip_test)
        expected = [
            r.pred_instances
            for r in inference_topdown(model, sample.image, sample.boxes_px)
        ]
        keypoints = np.concatenate([e.keypoints for e in expected])
        scores = np.concatenate([e.keypoint_scores for e in expected])
        # MMPose refines a joint of UDP without a peak, which is at (-1, -1), by what stands
        # in other maps.
        has_peak = scores > 0 if name == 'UDP' else np.ones_like(scores, dtype=bool)
        assert has_peak.mean() > 0.5
        distances = np.abs(found['keypoints'] - keypoints).max(-1)[has_peak]
        # One map of random weights may be so flat that DARK divides by next to nothing.
        assert np.sort(distances)[-2 if name == 'UDP' else -1] < 0.01
        assert np.abs(found['scores'] - scores).max() < 1e-5
        (people,) = backend.estimate([sample.image], [sample.boxes_px])
        # Standard deviations in px: covariances grow with the square of the crop's size.
        sigmas, expected_sigmas = (
            np.sqrt(c[..., (0, 1), (0, 1)])
            for c in (found['covariances'], people.covariances_px2)
        )
        np.testing.assert_allclose(
            sigmas[has_peak], expected_sigmas[has_peak], rtol=2e-3
        )
        presence = found['presence'][has_peak]
        np.testing.assert_allclose(presence, people.presence[has_peak], atol=1e-3)
        sides = sample.boxes_px[:, 2:] - sample.boxes_px[:, :2]
        tolerances = compute_tolerances(
            0.53 * sides.prod(1), np.array(backend.description.oks_sigmas)
        )
        joints = compute_expected_oks(
            found['covariances'], found['presence'], tolerances, opened.calibration
        )
        np.testing.assert_allclose(
            found['expected_oks'],
            average_expected_oks(joints),
            atol=1e-5,
        )


def test_calibration_is_in_the_graph(tmp_path):
    config = make_config()
    sample = make_samples()[0]
    plain, fitted = (
        run_graph(open_model(write_checkpoint(tmp_path / name, config, *args)), sample)[
            0
        ]
        for name, args in (('plain.pth', (None,)), ('fitted.pth', ()))
    )
    assert np.array_equal(plain['keypoints'], fitted['keypoints'])
    assert (
        fitted['covariances'][..., 0, 0] > 1.5 * plain['covariances'][..., 0, 0]
    ).all()
    assert (fitted['presence'] != plain['presence']).any()


def test_maps_of_any_codec_and_joints_of_those_that_are_known(tmp_path):
    """UDP's combined maps, three a joint."""
    codec = dict(type='UDPHeatmap', **SIZES, heatmap_type='combined')
    config = make_config(codec, neck=None, head='HeatmapHead', use_udp=True)
    config.model.head.out_channels = 51
    config.model.head.loss = dict(type='CombinedTargetMSELoss', use_target_weight=True)
    opened = open_model(write_checkpoint(tmp_path / 'model.pth', config))
    with pytest.raises(UserError, match='expected one Gaussian map per joint'):
        TorchBackend(opened, 'cpu')
    backend = TorchBackend(opened, 'cpu', any_codec=True)
    with pytest.raises(UserError, match='--output maps'):
        build_graph(backend.network, opened, 'image', 'joints')
    graph = build_graph(backend.network, opened, 'crop', 'maps')
    with torch.inference_mode():
        (maps,) = graph(torch.zeros(2, 3, 64, 48))
    assert maps.shape == (2, 51, 16, 12)
