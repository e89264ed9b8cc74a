"""MixtureSigmaHook in a real Runner, read back from TensorBoard's files."""

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import Runner
from mmpose.registry import HOOKS, MODELS
from torch.utils.data import Dataset

import gm_pose  # noqa: F401  registers hook, block and head
from gm_pose.models.hooks.mixture_sigma_hook import MixtureSigmaHook, name_sigmas

NECK = dict(type='GaussianMixtureBlock', in_channels=4, mid_channels=4)
HEAD = dict(
    type='GaussianMixtureHead', in_channels=4, out_channels=2, deconv_out_channels=None
)


class NamedJoints(Dataset):
    metainfo = dict(keypoint_id2name={0: 'nose', 1: 'left_eye'})

    def __len__(self):
        return 6

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return dict(inputs=torch.randn(4, 8, 6, generator=generator))


class NeckAndHead(BaseModel):
    def __init__(self, neck: dict | None = NECK, head: dict | None = HEAD):
        super().__init__()
        self.neck = MODELS.build(neck) if neck else torch.nn.Conv2d(4, 4, 1)
        self.head = MODELS.build(head)

    def init_weights(self):
        """Keeps the weights of the test when the Runner starts to train."""

    def forward(self, inputs, mode='loss'):
        x = torch.stack(inputs)
        feats = (
            self.neck((x,)) if isinstance(self.neck, MODELS.get(NECK['type'])) else (x,)
        )
        return dict(loss=self.head(feats).square().mean())


def run_training(work_dir, model, hook: dict) -> Runner:
    runner = Runner(
        model,
        str(work_dir),
        train_dataloader=dict(
            dataset=NamedJoints(),
            batch_size=1,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
        ),
        train_cfg=dict(by_epoch=False, max_iters=6),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(checkpoint=None, logger=None),
        custom_hooks=[HOOKS.build(hook)],
        visualizer=dict(
            type='Visualizer',
            vis_backends=[dict(type='TensorboardVisBackend')],
            name=f'visualizer_{work_dir.name}',
        ),
        experiment_name=work_dir.name,
        default_scope='mmpose',
    )
    runner.train()
    return runner


def read_curves(work_dir) -> dict[str, list[tuple[int, float]]]:
    accumulator_module = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator'
    )
    folder = next(work_dir.rglob('events.out.tfevents*')).parent
    accumulator = accumulator_module.EventAccumulator(str(folder))
    accumulator.Reload()
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()['scalars']
    }


def test_widths_become_tensorboard_curves(tmp_path):
    pytest.importorskip('tensorboard')
    torch.manual_seed(0)
    model = NeckAndHead()
    for norm_or_scale in (model.neck.expand_norm.weight, model.head.mixture_scale):
        torch.nn.init.constant_(norm_or_scale, 1.0)  # so that widths learn at once
    torch.nn.init.normal_(model.head.final_layer.weight)
    runner = run_training(tmp_path, model, dict(type='MixtureSigmaHook', interval=3))
    runner.visualizer.close()
    curves = read_curves(tmp_path)
    wanted = {f'sigma/neck.mixture/{m}' for m in range(4)}
    wanted |= {
        f'sigma/head.mixture/{joint}/{m}'
        for joint in ('nose', 'left_eye')
        for m in range(3)
    }
    assert set(curves) == wanted
    for tag, points in curves.items():
        assert [step for step, _ in points] == [1, 3, 6], tag
    last = [curves[f'sigma/neck.mixture/{m}'][-1][1] for m in range(4)]
    assert last == pytest.approx(model.neck.mixture.sigmas.tolist(), rel=1e-6)
    assert len({value for _, value in curves['sigma/neck.mixture/1']}) == 3


def test_a_model_without_mixture_is_refused_before_training(tmp_path):
    head = dict(HEAD, type='HeatmapHead')
    model = NeckAndHead(neck=None, head=head)
    with pytest.raises(ValueError, match='MixtureSigmaHook found no Gaussian mixture'):
        run_training(tmp_path, model, dict(type='MixtureSigmaHook'))


def test_names_without_metainfo_are_joint_indices():
    widths = torch.tensor([[0.5, 1.0], [2.0, 4.0]])
    assert name_sigmas('s', widths, {1: 'nose'}) == {
        's/0/0': 0.5,
        's/0/1': 1.0,
        's/nose/0': 2.0,
        's/nose/1': 4.0,
    }


def test_interval_is_validated():
    with pytest.raises(
        ValueError, match='interval must be at least 1 iteration, got 0'
    ):
        MixtureSigmaHook(interval=0)
