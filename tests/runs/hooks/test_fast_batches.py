"""Hooks read the fast lane's batches, dicts of arrays, as they read lists of samples."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.structures import InstanceData
from mmpose.registry import HOOKS, MODELS
from mmpose.structures import PoseDataSample

from gm_pose.runs.data_checks.unreadable_image import SKIPPED
from gm_pose.runs.user_errors import UserError

B, K, W, H = 4, 17, 48, 64


@MODELS.register_module(force=True)
class SumOfVisible(BaseModel):
    """A loss that a dumped batch must bring back."""

    def __init__(self, factor: float):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((1,), float(factor)))

    def forward(self, inputs, data_samples, mode='loss'):
        drawn = torch.rand(())
        visible = torch.as_tensor(data_samples['visible'])
        return dict(loss=self.weight * visible.sum() / inputs.float().mean() + drawn)


class Pack:
    """A dataset that makes batches, as with `--fast`."""

    def __init__(self, **changes):
        self.changes, self.seeds = changes, []

    def __len__(self):
        return 50

    def __getitems__(self, indices):
        self.seeds += [index.seed for index in indices]
        return make_batch(indices, **self.changes)

    def get_data_info(self, index):
        return dict(id=100 + index, img_id=200 + index)


def make_batch(indices=range(B), **changes) -> dict:
    indices = list(map(int, indices))
    keypoints = torch.full((len(indices), K, 2), 20.0)
    samples = dict(
        keypoints_px=keypoints,
        visible=torch.ones(len(indices), K),
        sample_indices=torch.tensor(indices),
        skipped_images=[],
    )
    inputs = torch.full((len(indices), H, W, 3), 3, dtype=torch.uint8)
    for name, value in changes.items():
        shape = samples[name].shape if torch.is_tensor(samples.get(name)) else None
        samples[name] = value if shape is None else torch.full(shape, float(value))
    return dict(inputs=inputs, data_samples=samples)


@pytest.fixture
def runner(tmp_path, caplog):
    model = SumOfVisible(1.0)
    caplog.set_level(logging.WARNING)
    return SimpleNamespace(
        model=model,
        cfg=Config(dict(model=dict(type='SumOfVisible', factor=1.0))),
        optim_wrapper=OptimWrapper(torch.optim.SGD(model.parameters(), 0.1)),
        train_dataloader=SimpleNamespace(dataset=Pack(), batch_size=B),
        auto_scale_lr=dict(base_batch_size=512),
        logger=logging.getLogger('hooks'),
        work_dir=str(tmp_path),
        rank=0,
        world_size=1,
        epoch=0,
        iter=3,
    )


def build(name, **settings):
    return HOOKS.build(dict(type=name, **settings))


def test_skipped_images_are_counted(runner):
    hook = build('BadImageReportHook', max_share=0.04)
    hook.before_train_epoch(runner)
    hook.before_train_iter(runner, 0, make_batch())
    hook.before_train_iter(runner, 1, make_batch(skipped_images=['a.jpg: gone'] * 2))
    with pytest.raises(UserError, match=r'3 of 50 .*a\.jpg: gone, b\.jpg: gone'):
        hook.before_train_iter(
            runner, 2, make_batch(skipped_images=['b.jpg: gone', 'c.jpg: gone'])
        )


def test_skipped_images_of_samples_are_counted(runner):
    hook = build('BadImageReportHook', max_share=0)
    samples = [PoseDataSample() for _ in range(3)]
    hook.before_train_iter(runner, 0, dict(data_samples=samples))
    samples[1].set_metainfo({SKIPPED: ['a.jpg: gone', 'b.jpg: gone']})
    with pytest.raises(UserError, match=r'2 of 50 .*a\.jpg: gone, b\.jpg: gone'):
        hook.before_train_iter(runner, 1, dict(data_samples=samples))


EMPTY = [
    dict(visible=0),
    dict(keypoints_px=-1),
    dict(keypoints_px=64),
    dict(keypoints_px=48),  # within the height, past the width
    dict(keypoints_px=float('nan')),
    dict(dataset_keypoint_weights=torch.zeros(K)),
]


@pytest.mark.parametrize('changes', EMPTY)
def test_data_without_a_target_stops_before_training(changes, runner):
    runner.train_dataloader.dataset = Pack(**changes)
    with pytest.raises(UserError, match='no joint of 32 training samples looked at'):
        build('EmptyTargetHook').before_train(runner)


def test_data_with_a_target_is_seen_at_the_first_sample(runner):
    build('EmptyTargetHook').before_train(runner)
    assert runner.train_dataloader.dataset.seeds == [(0, 0, 0)]


@pytest.mark.parametrize('changes', EMPTY)
def test_batch_without_a_target_is_named_once(changes, runner, caplog):
    hook = build('EmptyTargetHook')
    for batch in (make_batch(), make_batch(**changes), make_batch(**changes)):
        hook.before_train_iter(runner, 0, batch)
    (record,) = caplog.records
    assert 'iteration 4: no joint of this batch has a target' in record.message
    assert 'samples id 100 in image 200, id 101 in image 201' in record.message


def test_one_joint_of_the_last_sample_is_a_target(runner, caplog):
    batch = make_batch(visible=0)
    batch['data_samples']['visible'][-1, -1] = 1
    build('EmptyTargetHook').before_train_iter(runner, 0, batch)
    samples = [PoseDataSample() for _ in range(3)]
    for sample in samples:
        weights = torch.zeros(1, K)
        sample.gt_instance_labels = InstanceData(keypoint_weights=weights)
    weights[0, -1] = 1
    build('EmptyTargetHook').before_train_iter(runner, 0, dict(data_samples=samples))
    assert not caplog.records
    weights[0, -1] = 0
    build('EmptyTargetHook').before_train_iter(runner, 0, dict(data_samples=samples))
    assert 'no joint of this batch' in caplog.text


def test_loss_that_is_not_finite_is_dumped_and_replayed(runner, capsys):
    from gm_pose.__main__ import main
    from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file
    from gm_pose.runs.resume.loss_dump import replay_loss_dump

    hook = build('NonFiniteLossHook')
    hook.before_train(runner)
    batch = make_batch(visible=0.5)
    hook.before_train_iter(runner, 0, batch)
    np.random.rand()  # noqa: NPY002  drawn after the states were read
    loss = runner.model(**batch)['loss']
    runner.optim_wrapper.update_params(loss.sum())
    with torch.no_grad():
        runner.model.weight.fill_(float('inf'))
    hook.before_train_iter(runner, 1, batch)
    with pytest.raises(UserError, match='samples in the batch: id 100 in image 200, '):
        runner.optim_wrapper.update_params(runner.model(**batch)['loss'].sum())
    path = f'{runner.work_dir}/non_finite_loss_iter_4.pth'
    dump = load_checkpoint_file(path)
    assert torch.equal(dump['batch']['inputs'], batch['inputs'])
    assert dump['batch']['data_samples'].keys() == batch['data_samples'].keys()
    assert replay_loss_dump(dump) == dict(loss=float('inf'))
    assert main(['replay-loss', path]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'loss inf',
        *(f'id {100 + n} in image {200 + n}' for n in range(B)),
    ]


def test_dump_brings_the_random_state_of_its_iteration_back(runner):
    from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file
    from gm_pose.runs.resume.loss_dump import replay_loss_dump

    hook = build('NonFiniteLossHook')
    hook.before_train(runner)
    batch = make_batch(visible=0.5)
    hook.before_train_iter(runner, 0, batch)
    loss = float(runner.model(**batch)['loss'].detach())
    with pytest.raises(UserError):
        runner.optim_wrapper.update_params(torch.tensor(float('nan')))
    dump = load_checkpoint_file(f'{runner.work_dir}/non_finite_loss_iter_4.pth')
    assert replay_loss_dump(dump) == dict(loss=loss)


def test_effective_batch_is_that_of_the_data_loader(runner, caplog):
    build('EffectiveBatchHook').before_train(runner)
    assert 'the effective batch is 4' in caplog.text
