"""Parts that only tests use, imported by the tiny configs (`custom_imports`)."""

import contextlib
import json
import os
import resource
import signal
from pathlib import Path

import numpy as np
import psutil
import torch
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.structures import InstanceData
from mmpose.models.heads import HeatmapHead
from mmpose.registry import HOOKS, MODELS, OPTIM_WRAPPERS
from torch import nn


@MODELS.register_module()
class NoisyNeck(nn.Module):
    """Dropout on the feature map, so that the model itself draws random numbers."""

    def __init__(self, p: float = 0.2):
        super().__init__()
        self.p = p

    def forward(self, feats):
        return tuple(nn.functional.dropout(x, self.p, self.training) for x in feats)


@HOOKS.register_module()
class KillHook(Hook):
    """SIGKILL this process at a chosen point, as the kernel or an operator would.

    Args:
        where: the hook method to die in.
        iteration, epoch: counters (0-based) at which to die there.
        rank: the only process that dies, or None for any.
    """

    priority = 'LOWEST'

    def __init__(
        self,
        where: str,
        iteration: int | None = None,
        epoch: int | None = None,
        rank: int | None = None,
        error: str | None = None,
    ):
        self.conditions = dict(iter=iteration, epoch=epoch, rank=rank)
        self.error = error
        setattr(self, where, self._die)

    def _die(self, runner, *args, **kwargs):
        for name, wanted in self.conditions.items():
            if wanted is not None and getattr(runner, name) != wanted:
                return
        Path(runner.work_dir, 'died').touch()
        if self.error is not None:
            raise RuntimeError(self.error)
        os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class KillWorkerHook(Hook):
    """SIGKILL a data loader's worker before an iteration, as the kernel out of memory."""

    priority = 'LOWEST'

    def __init__(self, iteration: int, rank: int):
        self.iteration = iteration
        self.rank = rank

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration and runner.rank == self.rank:
            Path(runner.work_dir, 'died').touch()
            os.kill(psutil.Process().children()[0].pid, signal.SIGKILL)


@OPTIM_WRAPPERS.register_module()
class CpuAmpOptimWrapper(AmpOptimWrapper):
    """`AmpOptimWrapper`, which asks for a GPU, with a scaler and autocast of the CPU.

    The scale grows every second step, and by a factor that is no power of two: a wrong
    scale rounds the gradients otherwise and shows in the weights.
    """

    def __init__(self, precision='float16', **kwargs):
        OptimWrapper.__init__(self, **kwargs)
        self._scale_update_param = None
        self.cast_dtype = getattr(torch, precision)
        self.loss_scaler = torch.amp.GradScaler(
            'cpu', init_scale=1000.0, growth_factor=1.3, growth_interval=2
        )

    @contextlib.contextmanager
    def optim_context(self, model):
        with (
            OptimWrapper.optim_context(self, model),
            torch.autocast('cpu', self.cast_dtype),
        ):
            yield


@HOOKS.register_module()
class PoisonHook(Hook):
    """Make one weight infinite before an iteration, so that its loss is not finite."""

    def __init__(self, iteration: int):
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            with torch.no_grad():
                next(iter(runner.model.parameters())).fill_(float('inf'))


@HOOKS.register_module()
class FileSizeLimitHook(Hook):
    """From an epoch on, no file of this process may grow past a size (as `ulimit -f`)."""

    def __init__(self, epoch: int, num_bytes: int):
        self.epoch = epoch
        self.num_bytes = num_bytes

    def before_train_epoch(self, runner):
        if runner.epoch >= self.epoch:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.num_bytes,) * 2)


@MODELS.register_module()
class NearTruthHead(HeatmapHead):
    """Predicts the annotation, off by what the annotation's id says: AP is not 0."""

    def predict(self, feats, batch_data_samples, test_cfg=None):
        predictions = []
        for sample in batch_data_samples:
            info = sample.metainfo
            rng = np.random.default_rng(info['id'])
            truth = sample.gt_instances.keypoints
            scale = np.asarray(info['input_scale'])
            points = (truth - info['input_center'] + 0.5 * scale) / scale
            points = points * info['input_size'] + rng.normal(0, 1.5, truth.shape)
            scores = rng.uniform(0.3, 1, truth.shape[:2])
            predictions.append(InstanceData(keypoints=points, keypoint_scores=scores))
        return predictions


@MODELS.register_module()
class NearTruthPixelHead(NearTruthHead):
    """`NearTruthHead` whose error is larger or smaller by what the pixels say."""

    def predict(self, feats, batch_data_samples, test_cfg=None):
        predictions = super().predict(feats, batch_data_samples, test_cfg)
        for sample, found, features in zip(
            batch_data_samples,
            predictions,
            feats[0][-1],
            strict=True,  # not flipped
        ):
            info = sample.metainfo
            share = np.sin(20 * float(features.double().mean()))
            offset = 2 * share * np.random.default_rng(info['id']).normal(size=(17, 2))
            found.keypoints = found.keypoints + offset
        return predictions


@HOOKS.register_module()
class RecordSamplesHook(Hook):
    """Write down which samples each process trains on: 'epoch sample' a line.

    Args:
        folder: of the files, one a process.
    """

    def __init__(self, folder: str):
        self.folder = Path(folder)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.folder.mkdir(exist_ok=True)
        rows = data_batch['data_samples']['sample_indices'].tolist()
        with open(self.folder / f'{runner.rank}.txt', 'a') as file:
            file.writelines(f'{runner.epoch} {row}\n' for row in rows)


@HOOKS.register_module()
class UsageHook(Hook):
    """Write memory (bytes) of this process and its workers, and its open files."""

    def __init__(self, out: str, interval: int = 20):
        self.out = Path(out)
        self.interval = interval
        self.entries: list[dict] = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter % self.interval == 0 or runner.iter + 1 == runner.max_iters:
            main = psutil.Process()
            workers = sorted(main.children(), key=lambda process: process.pid)
            memory = [process.memory_info().rss for process in (main, *workers)]
            entry = dict(iteration=runner.iter + 1, memory=memory, files=main.num_fds())
            self.entries.append(entry)
            self.out.write_text(json.dumps(self.entries))
