"""Runs that never wait for the device: bad losses, accuracy and losses for the log."""

import json

import pytest
import torch
from fast_runs import BATCH, copy_weights, find_hook, make_runner

from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file
from gm_pose.runs.resume.loss_dump import replay_loss_dump
from gm_pose.runs.user_errors import UserError

FUSED = [
    dict(type='Adam', lr=0.01, fused=True),
    dict(type='AdamW', lr=0.01, fused=True),
    dict(type='SGD', lr=0.01, momentum=0.9, fused=True),
]
KEEP = dict(type='KeepHook')


def read_log(work_dir):
    files = list(work_dir.glob('*/vis_data/scalars.json'))
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize('optimizer', FUSED, ids=lambda o: o['type'])
@pytest.mark.parametrize('broken', [2, 5])
def test_step_of_a_bad_loss_is_skipped_and_the_run_stops_after_it(
    broken, optimizer, tmp_path
):
    """5 is the last iteration of the epoch, after which a checkpoint is due."""
    runner = make_runner(
        tmp_path,
        KEEP,
        dict(type='NonFiniteLossHook', delayed=True),
        optimizer=optimizer,
        dataset=dict(broken=broken),
    )
    path = tmp_path / f'non_finite_loss_iter_{broken + 1}.pth'
    with pytest.raises(UserError) as raised:
        runner.train()
    assert f'the loss is nan at epoch 1, iteration {broken + 1}, ' in str(raised.value)
    assert str(path) in str(raised.value)
    kept = find_hook(runner, 'KeepHook')
    assert len(kept.outputs) == broken + 1  # the bad one ran to its end
    for now, before in zip(copy_weights(runner), kept.weights[broken], strict=True):
        assert torch.equal(now, before)
    assert not torch.equal(kept.weights[0][0], kept.weights[1][0])
    assert not list(tmp_path.glob('epoch_*'))
    dump = load_checkpoint_file(str(path))
    assert dump['meta']['iter'] == broken
    assert dump['batch']['data_samples']['sample_indices'].tolist() == [
        broken * BATCH + i for i in range(BATCH)
    ]
    assert str(replay_loss_dump(dump)['loss_kpt']) == 'nan'
    dump['batch']['data_samples']['keypoints_px'].nan_to_num_(5.0)
    assert replay_loss_dump(dump)['loss_kpt'] > 0


def test_state_of_the_optimizer_is_that_before_the_bad_step(tmp_path):
    def train(iterations, broken):
        work_dir = tmp_path / str(broken)
        runner = make_runner(
            work_dir,
            dict(type='NonFiniteLossHook', delayed=True),
            optimizer=FUSED[0],
            dataset=dict(iterations=iterations, broken=broken),
        )
        if broken is None:
            runner.train()
        else:
            with pytest.raises(UserError):
                runner.train()
        return runner.optim_wrapper.optimizer

    stopped, expected = train(6, 3), train(3, None)
    assert not hasattr(expected, 'found_inf')
    states = zip(stopped.state.values(), expected.state.values(), strict=True)
    for state, other in states:
        assert state['step'] == other['step'] == 3
        assert torch.equal(state['exp_avg'], other['exp_avg'])


def test_optimizer_that_cannot_skip_is_looked_after_before_its_step(tmp_path):
    runner = make_runner(
        tmp_path,
        KEEP,
        dict(type='NonFiniteLossHook', delayed=True),
        optimizer=dict(type='Adam', lr=0.01),
        dataset=dict(broken=2),
    )
    with pytest.raises(UserError, match='the loss is nan at epoch 1, iteration 3'):
        runner.train()
    kept = find_hook(runner, 'KeepHook')
    assert len(kept.outputs) == 2  # stopped within the third
    for now, before in zip(copy_weights(runner), kept.weights[2], strict=True):
        assert torch.equal(now, before)


def test_bad_loss_while_gradients_are_accumulated_spoils_no_weight(tmp_path):
    runner = make_runner(
        tmp_path,
        KEEP,
        dict(type='NonFiniteLossHook', delayed=True),
        dataset=dict(iterations=8, broken=4),
        optim_wrapper=dict(accumulative_counts=3, optimizer=FUSED[0]),
    )
    with pytest.raises(UserError, match='iteration 5'):
        runner.train()
    assert all(w.isfinite().all() for w in copy_weights(runner))


def test_mmengines_own_checkpoint_hook_saves_no_unread_step(tmp_path):
    runner = make_runner(
        tmp_path,
        dict(type='NonFiniteLossHook', delayed=True),
        optimizer=FUSED[0],
        dataset=dict(broken=3),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False)
        ),
    )
    with pytest.raises(UserError, match='iteration 4'):
        runner.train()
    assert [path.name for path in tmp_path.glob('iter_*')] == ['iter_2.pth']


def test_accuracy_is_computed_where_it_is_logged_and_the_log_is_the_same(tmp_path):
    logs, outputs = {}, {}
    for name, hooks in (('all', ()), ('logged', (dict(type='LogTimeAccuracyHook'),))):
        runner = make_runner(tmp_path / name, KEEP, *hooks, dataset=dict(iterations=5))
        model = runner.model
        runner.train()
        logs[name] = [line['acc_pose'] for line in read_log(tmp_path / name)]
        outputs[name] = find_hook(runner, 'KeepHook').outputs
    assert logs['logged'] == logs['all']
    assert len(logs['all']) == 2
    assert ['acc_pose' in each for each in outputs['all']] == [True] * 5
    wanted = [False, True, False, True, False]
    assert ['acc_pose' in each for each in outputs['logged']] == wanted
    assert model.train_cfg['compute_acc'] is True


def test_accuracy_that_a_config_turns_off_stays_off(tmp_path):
    runner = make_runner(tmp_path, KEEP, dict(type='LogTimeAccuracyHook'))
    runner.model.train_cfg = dict(compute_acc=False)
    runner.train()
    assert not any('acc_pose' in o for o in find_hook(runner, 'KeepHook').outputs)


@pytest.mark.parametrize('ignore_last', [True, False])
def test_losses_reach_log_and_checkpoint_as_mmengine_has_them(ignore_last, tmp_path):
    """7 iterations, logged every 3: what is left over is in the checkpoint, too."""
    logs, buffers = {}, {}
    for kind in ('RuntimeInfoHook', 'LateRuntimeInfoHook'):
        runner = make_runner(
            tmp_path / kind,
            dataset=dict(iterations=7),
            default_hooks=dict(
                runtime_info=dict(type=kind),
                logger=dict(type='LoggerHook', interval=3, ignore_last=ignore_last),
            ),
        )
        assert [h for h in runner.hooks if type(h).__name__ == kind]
        runner.train()
        logs[kind] = [
            {k: line[k] for k in ('loss', 'loss_kpt', 'acc_pose', 'lr', 'step')}
            for line in read_log(tmp_path / kind)
        ]
        checkpoint = load_checkpoint_file(str(tmp_path / kind / 'epoch_1.pth'))
        scalars = checkpoint['message_hub']['log_scalars']
        buffers[kind] = {
            key: value.data[0].tolist()
            for key, value in scalars.items()
            if 'time' not in key
        }
    assert logs['LateRuntimeInfoHook'] == logs['RuntimeInfoHook']
    assert len(logs['RuntimeInfoHook']) == 2 + (not ignore_last)
    assert buffers['LateRuntimeInfoHook'] == buffers['RuntimeInfoHook']
    assert len(buffers['RuntimeInfoHook']['train/loss']) == 7


class Unread(torch.Tensor):
    """A loss on a device that nobody may wait for."""

    reads: list[str] = []

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        name = getattr(function, '__name__', '')
        if name in ('item', '__bool__', '__float__', 'cpu', 'numpy', 'tolist'):
            cls.reads.append(name)
        return super().__torch_function__(function, types, args, kwargs or {})


def test_no_hook_of_the_fast_lane_reads_a_loss_between_logged_iterations(tmp_path):
    runner = make_runner(
        tmp_path,
        dict(type='NonFiniteLossHook', delayed=True),
        dict(type='LogTimeAccuracyHook'),
        dataset=dict(iterations=6),
        optimizer=FUSED[0],
        default_hooks=dict(
            runtime_info=dict(type='LateRuntimeInfoHook'),
            logger=dict(type='LoggerHook', interval=4),
        ),
    )
    parse = runner.model.parse_losses
    reads_after = []

    def parse_unread(losses):
        reads_after.append(len(Unread.reads))
        loss, log_vars = parse(losses)
        marked = {k: v.as_subclass(Unread) for k, v in log_vars.items()}
        return loss.as_subclass(Unread), marked

    Unread.reads = []
    runner.model.parse_losses = parse_unread
    runner.train()
    assert reads_after[:4] == [0, 0, 0, 0]
    assert len(Unread.reads) > 0  # the log's, so that this test would see any
