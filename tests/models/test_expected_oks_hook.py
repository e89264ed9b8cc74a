"""ExpectedOksHook: boxes before each batch, the calibration of a checkpoint."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData
from mmpose.registry import HOOKS
from mmpose.structures import PoseDataSample

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.uncertainty import META_KEY, Calibration


class Model(torch.nn.Module):
    """Predicts the same map for every sample."""

    def __init__(self, score):
        super().__init__()
        self.head = SimpleNamespace(
            decoder=JointAdaptiveMSRAHeatmap((96, 128), (24, 32), 'set2', score=score)
        )

    def forward(self, inputs, data_samples=None, mode='tensor'):
        joints = np.linspace(20, 70, 34).reshape(1, 17, 2).astype(np.float32)
        maps = 0.7 * self.head.decoder.encode(joints)['heatmaps']
        batch = np.stack([maps] * len(inputs))
        return np.concatenate(self.head.decoder.batch_decode(torch.tensor(batch))[1])


def make_samples(sides):
    samples = []
    for side in sides:
        sample = PoseDataSample(metainfo=dict(input_scale=np.array([150.0, 200.0])))
        box = np.array([[10, 10, 10 + side, 10 + 2 * side]], np.float32)
        sample.gt_instances = InstanceData(bboxes=box)
        samples.append(sample)
    return samples


@pytest.fixture
def runner():
    model = Model('expected_oks')
    loops = [
        SimpleNamespace(evaluator=SimpleNamespace(metrics=[metric]))
        for metric in (SimpleNamespace(keypoint_score_thr=0.2), SimpleNamespace())
    ]
    return SimpleNamespace(
        model=model,
        logger=MMLogger.get_instance('hook'),
        test_loop=loops[0],
        val_loop=loops[1],
    )


def test_areas_reach_the_decoder_in_validation_and_test_alone(runner):
    hook = HOOKS.build(dict(type='ExpectedOksHook'))
    samples = make_samples([20.0, 80.0])
    inputs = torch.zeros(2, 3, 8, 8)

    def predict(mode='predict'):
        return runner.model(inputs, data_samples=samples, mode=mode)

    unknown = predict()
    np.testing.assert_array_equal(unknown[0], unknown[1])
    for start, end in (
        (hook.before_val, hook.after_val),
        (hook.before_test, hook.after_test),
    ):
        start(runner)
        known = predict()
        assert (known[0] < known[1]).all()
        np.testing.assert_array_equal(predict(mode='tensor'), unknown)
        end(runner)
        np.testing.assert_array_equal(predict(), unknown)


def test_all_joints_count_in_the_metric_while_it_tests(runner):
    (metric,) = runner.test_loop.evaluator.metrics
    hook = HOOKS.build(dict(type='ExpectedOksHook'))
    hook.before_test(runner)
    assert metric.keypoint_score_thr < 0
    hook.after_test(runner)
    assert metric.keypoint_score_thr == 0.2


def test_nothing_happens_where_scores_are_peaks():
    model = Model('peak')
    runner = SimpleNamespace(model=model, logger=None)
    hook = HOOKS.build(dict(type='ExpectedOksHook'))
    hook.after_load_checkpoint(runner, dict(meta={META_KEY: 'anything'}))
    hook.before_test(runner)
    assert not model._forward_pre_hooks


def test_the_checkpoints_calibration_is_used(runner, caplog):
    hook = HOOKS.build(dict(type='ExpectedOksHook'))
    scores = runner.model.head.decoder.expected_oks
    stored = Calibration.neutral(17).to_dict()
    hook.after_load_checkpoint(runner, dict(meta={META_KEY: stored}))
    assert scores.calibration.to_dict() == stored
    hook.after_load_checkpoint(runner, dict(meta=None))
    assert scores.calibration is None


@pytest.mark.parametrize('stored', [3, Calibration.neutral(4).to_dict()])
def test_another_models_calibration_is_refused(runner, stored):
    hook = HOOKS.build(dict(type='ExpectedOksHook'))
    with pytest.raises(ValueError, match='the calibration'):
        hook.after_load_checkpoint(runner, dict(meta={META_KEY: stored}))
