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
