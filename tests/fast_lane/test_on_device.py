"""On a GPU: the same results as on the CPU, and nothing that waits between log lines."""

import contextlib

import numpy as np
import pytest
import torch
from fast_runs import (
    ENCODER,
    NUM_JOINTS,
    KeepHook,
    copy_weights,
    find_hook,
    make_runner,
)
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmpose.registry import HOOKS, MODELS

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.fast_lane.device.batch_encoders import make_batch_encoder
from gm_pose.runs.user_errors import UserError

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason='needs a CUDA device'
)

SIZES = dict(input_size=(190, 250), heatmap_size=(48, 64))
CODECS = [
    dict(SIZES, type='JointAdaptiveMSRAHeatmap', sigmas='set2'),
    dict(SIZES, type='JointAdaptiveMSRAHeatmap', sigmas='set2', unbiased=True),
    dict(SIZES, type='JointAdaptiveMSRAHeatmap', sigmas='set2', grid='udp'),
    dict(SIZES, type='MSRAHeatmap', sigma=1.1),
    dict(SIZES, type='UDPHeatmap', sigma=2.0),
]
FUSED = dict(type='Adam', lr=0.01, fused=True)


@contextlib.contextmanager
def forbid_waits():
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode('default')


def make_joints():
    rng = np.random.default_rng(0)
    joints = torch.from_numpy(rng.uniform(-60, 320, (32, 17, 2)).astype(np.float32))
    joints[:8] = (joints[:8] / (190 / 48)).round().add(0.5) * (190 / 48)
    visible = torch.from_numpy(rng.choice(np.float32([0, 0.5, 1, 2]), (32, 17)))
    return joints, visible


@pytest.mark.parametrize('compiles', [False, True])
@pytest.mark.parametrize('config', CODECS, ids=lambda c: c['type'])
def test_targets_are_those_of_the_cpu_and_nothing_waits(config, compiles):
    joints, visible = make_joints()
    draw = make_batch_encoder(config)
    expected = draw(joints, visible)
    on_device = joints.cuda(), visible.cuda()
    draw(*on_device)  # copies the constants
    if compiles:
        torch._dynamo.reset()
        draw = torch.compile(draw, fullgraph=True)
        draw(*on_device)
    with forbid_waits():
        maps, weights = draw(*on_device)
    # exp of float64 rounded once on either side, and one product. A compiled function may
    # leave out the rounding of positions to float32, half a step of 2^-17 below 128 cells;
    # a Gaussian's slope is at most 0.607 / s, s at least 0.84 here, along two axes.
    atol = 2e-7 + (2 * 2**-18 * 0.607 / 0.84 if compiles else 0)
    torch.testing.assert_close(maps.cpu(), expected[0], rtol=0, atol=atol)
    assert torch.equal(weights.cpu(), expected[1])


@pytest.mark.parametrize('config', CODECS, ids=lambda c: c['type'])
def test_joints_on_the_cpu_are_drawn_on_the_device_and_nothing_waits(config):
    joints, visible = make_joints()
    draw = make_batch_encoder(config)
    expected = draw(joints, visible)
    draw(
        joints, visible, torch.device('cuda')
    )  # copies the constants, takes pinned memory
    with forbid_waits():
        maps, weights = draw(joints, visible, torch.device('cuda'))
    torch.testing.assert_close(maps.cpu(), expected[0], rtol=0, atol=2e-7)
    assert torch.equal(weights.cpu(), expected[1])


def test_inputs_are_those_of_the_cpu_bit_for_bit_and_nothing_waits():
    init_default_scope('mmpose')
    preprocessor = MODELS.build(
        dict(
            type='FastPoseDataPreprocessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
            encoder=ENCODER,
        )
    )
    batch = dict(
        inputs=torch.randint(256, (8, 64, 48, 3), dtype=torch.uint8).pin_memory(),
        data_samples=dict(
            keypoints_px=torch.rand(8, NUM_JOINTS, 2).pin_memory(),
            visible=torch.ones(8, NUM_JOINTS).pin_memory(),
        ),
    )
    expected = preprocessor(batch, True)['inputs']
    preprocessor.cuda()
    preprocessor(batch, True)
    with forbid_waits():
        found = preprocessor(batch, True)['inputs']
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(found.cpu(), expected)


def test_decoding_waits_for_its_results_alone():
    codec = JointAdaptiveMSRAHeatmap(
        (192, 256),
        (48, 64),
        'set2',
        unbiased=True,
        decode_sigmas=dict(oks='coco', mean=3.4),
    )
    maps = torch.rand(8, 17, 64, 48, device='cuda')
    codec.batch_decode(maps)
    copies = []

    class Counting(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            if function.overloadpacket is torch.ops.aten._to_copy:
                copies.append((args[0].device.type, result.device.type))
            return result

    with Counting():
        codec.batch_decode(maps)
    assert [pair for pair in copies if pair[0] != pair[1]] == [('cuda', 'cpu')]


@HOOKS.register_module(force=True)
class NoWaitHook(Hook):
    """Forbid waits in the iterations that are not logged, once all is set up."""

    priority = 'HIGHEST'

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        is_quiet = batch_idx >= 2 and (batch_idx + 1) % 4
        torch.cuda.set_sync_debug_mode('error' if is_quiet else 'default')

    def after_train_epoch(self, runner):
        torch.cuda.set_sync_debug_mode('default')


def test_iteration_that_is_not_logged_waits_for_nothing(tmp_path):
    """Every hook of a run on the fast lane, and MMEngine's own, under CUDA's eyes."""
    runner = make_runner(
        tmp_path,
        dict(type='NoWaitHook'),
        dict(type='NonFiniteLossHook', delayed=True),
        dict(type='LogTimeAccuracyHook'),
        dict(type='ExactResumeHook'),
        dict(type='ChannelsLastHook'),
        optimizer=FUSED,
        dataset=dict(iterations=11),
        default_hooks=dict(
            runtime_info=dict(type='LateRuntimeInfoHook'),
            logger=dict(type='LoggerHook', interval=4),
        ),
        train_dataloader=dict(pin_memory=True),
    )
    try:
        runner.train()
    finally:
        torch.cuda.set_sync_debug_mode('default')


def test_step_of_a_bad_loss_is_skipped_on_the_device(tmp_path):
    runner = make_runner(
        tmp_path,
        dict(type='KeepHook'),
        dict(type='NonFiniteLossHook', delayed=True),
        optimizer=FUSED,
        dataset=dict(broken=3),
    )
    with pytest.raises(UserError, match='the loss is nan at epoch 1, iteration 4'):
        runner.train()
    kept: KeepHook = find_hook(runner, 'KeepHook')
    for now, before in zip(copy_weights(runner), kept.weights[3], strict=True):
        assert torch.equal(now, before)


def train_with_validation(work_dir, *hooks):
    runner = make_runner(
        work_dir,
        dict(type='KeepHook'),
        dict(type='ChannelsLastHook'),
        *hooks,
        dict(type='LogTimeAccuracyHook'),
        optimizer=FUSED,
        dataset=dict(iterations=5.5),  # the last batch is half as large
        default_hooks=dict(logger=dict(type='LoggerHook', interval=2)),
    )
    runner.train()
    return runner


def test_replayed_graphs_train_as_eager_does(tmp_path):
    """Same kernels on the same numbers: what differs is the order of their launch."""
    eager = train_with_validation(tmp_path / 'eager')
    graphs = train_with_validation(tmp_path / 'graphs', dict(type='CudaGraphHook'))
    hook = find_hook(graphs, 'CudaGraphHook')
    assert hook._is_done
    assert 'forward' not in vars(graphs.model.backbone)
    log = (
        tmp_path / 'graphs' / graphs.timestamp / f'{graphs.timestamp}.log'
    ).read_text()
    assert 'recorded as CUDA graphs: backbone, head' in log
    found, expected = (
        [row['loss'] for row in find_hook(runner, 'KeepHook').outputs]
        for runner in (graphs, eager)
    )
    assert len(found) == 6
    # float32 products and sums of one network, rounded in TF32 where cuDNN chooses so
    np.testing.assert_allclose(found, expected, rtol=2e-3)
    for name, buffer in graphs.model.named_buffers():
        other = dict(eager.model.named_buffers())[name]
        torch.testing.assert_close(buffer, other, rtol=5e-3, atol=5e-3)
