"""Runs of a tiny pose estimator on ready-made batches, in this process."""

import torch
from mmengine.config import ConfigDict
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpose.registry import DATASETS, HOOKS, MODELS
from torch import nn

NUM_JOINTS, BATCH = 17, 4
ENCODER = dict(
    type='JointAdaptiveMSRAHeatmap',
    input_size=(24, 32),
    heatmap_size=(12, 16),
    sigmas=1.0,
)


@MODELS.register_module(force=True)
class TinyFastBackbone(nn.Module):
    """One convolution of stride 2."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        return (self.norm(self.conv(x)).relu(),)


@DATASETS.register_module(force=True)
class ReadyBatches(torch.utils.data.Dataset):
    """`iterations` batches of the fast lane a epoch; one of them has a NaN joint."""

    metainfo = dict()

    def __init__(self, iterations=6, broken=None):
        self.iterations = iterations
        self.broken = broken

    def __len__(self):
        return int(self.iterations * BATCH)

    def __getitem__(self, index):
        return self.__getitems__([index])

    def __getitems__(self, indices):
        generator = torch.Generator().manual_seed(int(indices[0]))
        shape = (len(indices), NUM_JOINTS)
        joints = 24 * torch.rand(*shape, 2, generator=generator)
        if self.broken is not None and self.broken * BATCH in indices:
            joints[0, 0, 0] = float('nan')
        pixels = torch.randint(
            256, (len(indices), 32, 24, 3), generator=generator, dtype=torch.uint8
        )
        samples = dict(
            keypoints_px=joints,
            visible=torch.ones(shape),
            sample_indices=torch.tensor([int(i) for i in indices]),
            skipped_images=[],
        )
        return dict(inputs=pixels, data_samples=samples)


def take_batch(batch):
    """What a loader's `collate_fn` does to a batch that is one already."""
    return batch


@HOOKS.register_module(force=True)
class KeepHook(Hook):
    """Remember weights before each iteration, and what each gave."""

    priority = 'HIGHEST'

    def __init__(self):
        self.weights, self.optimizer_states, self.outputs, self.accuracy = (
            [],
            [],
            [],
            [],
        )

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.weights.append(copy_weights(runner))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.outputs.append({k: torch.as_tensor(v).item() for k, v in outputs.items()})


def copy_weights(runner):
    return [p.detach().clone() for p in runner.model.parameters()]


def make_runner(work_dir, *hooks, optimizer=None, dataset=None, **changes):
    """A Runner over ready batches; `hooks` are added to MMEngine's own."""
    init_default_scope('mmpose')
    model = dict(
        type='TopdownPoseEstimator',
        data_preprocessor=dict(
            type='FastPoseDataPreprocessor',
            mean=[120.0],
            std=[60.0],
            encoder=ENCODER,
        ),
        backbone=dict(type='TinyFastBackbone'),
        head=dict(
            type='HeatmapHead',
            in_channels=4,
            out_channels=NUM_JOINTS,
            deconv_out_channels=(),
            deconv_kernel_sizes=(),
            loss=dict(type='KeypointMSELoss', use_target_weight=True),
            decoder=ENCODER,
        ),
    )
    loader = dict(
        batch_size=BATCH,
        num_workers=0,
        dataset=dict(type='ReadyBatches', **(dataset or {})),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=take_batch,
    )
    settings = dict(
        model=model,
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=optimizer or dict(type='Adam', lr=0.01)),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=2),
            checkpoint=dict(type='AtomicCheckpointHook', interval=1),
        ),
        custom_hooks=list(hooks),
        default_scope='mmpose',
        experiment_name=f'{work_dir.parent.name}-{work_dir.name}',
        randomness=dict(seed=0),
    )
    for key, value in changes.items():
        settings[key] = {**settings.get(key, {}), **value}
    settings['cfg'] = ConfigDict(model=model)
    return Runner(**settings)


def find_hook(runner, kind):
    return next(hook for hook in runner.hooks if type(hook).__name__ == kind)
