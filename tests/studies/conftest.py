"""`import studies` works from any folder that pytest is started in."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pytest
import torch

import gm_pose  # noqa: F401  prepares the stack before a test imports mmpose
import studies  # noqa: F401  registers the study's parts


@pytest.fixture
def make_result():
    """Variant, seed and AP of the two splits -> a result as `load_results` gives it."""
    from studies.training.flip_tests import FLIP_TESTS

    def make(variant, seed, ap, select_ap=None):
        rng = np.random.default_rng(seed)
        joints = dict(
            mean_oks=rng.uniform(0.5, 0.9, 17).round(4).tolist(),
            median_error=rng.uniform(1, 5, 17).round(4).tolist(),
            mean_offset=rng.normal(0, 1, (17, 2)).round(4).tolist(),
            median_offset=rng.normal(0, 1, (17, 2)).round(4).tolist(),
        )

        def fill(value):
            metrics = dict.fromkeys(('AP', 'AP50', 'AP75', 'AR'), value)
            return {test: dict(metrics, joints=joints) for test in FLIP_TESTS}

        return dict(
            dataset='studio17',
            variant=variant,
            seed=seed,
            learned_sigmas={'neck.mixture': [0.2, 0.5]} if 'block' in variant else {},
            evaluation=dict(report=fill(ap), select=fill(select_ap or ap)),
        )

    return make


@pytest.fixture
def few_results(make_result):
    """Three variants with two seeds, one with a block and one seed."""
    return [
        make_result('subcell-uniform2', 0, 72.0),
        make_result('subcell-uniform2', 1, 73.0),
        make_result('subcell-uniform1.5', 0, 79.0, select_ap=70.0),
        make_result('subcell-uniform1.5', 1, 79.0, select_ap=70.0),
        make_result('subcell-sqrtoks2-balanced', 0, 74.0),
        make_result('subcell-sqrtoks2-balanced', 1, 75.5),
        make_result('subcell-sqrtoks2-balanced-block', 0, 90.0),
    ]


@pytest.fixture
def add_decoded():
    """Adds to a result what the maps give when decoded with the metric's sigmas."""

    def add(result, ap, select_ap):
        for split, value in (('report', ap), ('select', select_ap)):
            tests = result['evaluation'][split]
            for test in ('plain', 'flip'):
                tests[f'{test}_oks'] = dict(tests[test], AP=value)
        return result

    return add


@pytest.fixture
def make_samples():
    """Codec -> two PoseDataSamples with its targets, as the pipeline packs them."""
    from mmengine.structures import InstanceData, PixelData
    from mmpose.structures import PoseDataSample

    def make(codec):
        rng = np.random.default_rng(0)
        samples = []
        for _ in range(2):
            joints = rng.uniform((4, 4), (92, 124), (1, 17, 2)).astype(np.float32)
            encoded = codec.encode(joints)
            sample = PoseDataSample()
            sample.gt_fields = PixelData(heatmaps=torch.from_numpy(encoded['heatmaps']))
            labels = InstanceData(
                keypoint_weights=torch.from_numpy(encoded['keypoint_weights'])
            )
            if 'keypoint_labels' in encoded:
                labels.keypoint_labels = torch.from_numpy(encoded['keypoint_labels'])
            sample.gt_instance_labels = labels
            samples.append(sample)
        return samples

    return make
