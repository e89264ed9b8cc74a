"""One run of the study as a CUDA graph of one step, replayed (eager on a CPU).

The step is MMPose's: data preprocessor of the fast lane, `model.loss`, Adam. What changes
from step to step is looked up on the device by a counter, so a replay needs nothing from
Python: the crops of the whole run, the learning rates, where the losses are written.
"""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.runner import set_random_seed
from mmpose.registry import MODELS
from torch import Tensor

from studies.variants.person_heatmap import PersonHeatmap

WARM_UP = 2  # eager steps before a capture


class DeviceCrops(NamedTuple):
    """`device_data.Crops` as tensors on the device."""

    pixels: Tensor
    keypoints_px: Tensor
    visible: Tensor
    sizes_px: Tensor


def _read_model(cfg: Config) -> dict[str, Any]:
    """Config of the model with the fast lane's data preprocessor."""
    model = cfg.model.to_dict()
    target = cfg.train_dataloader.dataset.pipeline[-2]
    model['data_preprocessor'].update(
        type='FastPoseDataPreprocessor', encoder=target.encoder.to_dict()
    )
    return model


def build_model(cfg: Config, seed: int) -> Any:
    """The model of a run with the weights that its Runner begins with."""
    set_random_seed(seed)
    built = MODELS.build(_read_model(cfg))
    built.init_weights()
    return built


_PROTOTYPES: list[Any] = []


def build_quickly(cfg: Config, seed: int) -> Any:
    """As `build_model`, for models that differ in the head alone.

    The backbone, whose weights are ImageNet's, is built once in a process. So the head's
    are drawn from the seed at another place than in a Runner.
    """
    if not _PROTOTYPES:
        _PROTOTYPES.append(build_model(cfg, 0))
    settings = _read_model(cfg)
    model = copy.deepcopy(_PROTOTYPES[0])
    model.data_preprocessor = MODELS.build(settings['data_preprocessor'])
    set_random_seed(seed)
    model.head = MODELS.build(settings['head'])
    model.head.init_weights()
    return model


def list_learning_rates(cfg: Config, steps: int) -> list[float]:
    """Learning rate of every step, of the config's own schedulers.

    Args:
        cfg: of the run.
        steps: in an epoch.
    """
    text = json.dumps(cfg.param_scheduler, default=lambda part: part.to_dict())
    rate, epochs = cfg.optim_wrapper.optimizer.lr, int(cfg.train_cfg.max_epochs)
    return list(_list_rates(text, float(rate), epochs, steps))


@cache
def _list_rates(schedule: str, rate: float, epochs: int, steps: int) -> list[float]:
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import PARAM_SCHEDULERS

    optimizer = dict(optimizer=dict(type='SGD', lr=rate))
    wrapper = build_optim_wrapper(torch.nn.Linear(1, 1), optimizer)
    schedulers = []
    for settings in json.loads(schedule):
        if settings.pop('convert_to_iter_based', False):
            kind = PARAM_SCHEDULERS.get(settings.pop('type'))
            made = kind.build_iter_from_epoch(
                optimizer=wrapper, epoch_length=steps, **settings
            )
        else:
            made = PARAM_SCHEDULERS.build(
                settings, default_args=dict(optimizer=wrapper)
            )
        schedulers.append(made)
    rates = []
    for _ in range(epochs * steps):
        rates.append(float(wrapper.param_groups[0]['lr']))
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return rates


class Training:
    """A model and its step; `reset` begins another seed with the same graph.

    Args:
        cfg: of the run.
        crops: of the run, whose memory later seeds are copied into.
        steps: in an epoch.
        device: 'cuda' or 'cpu'.
        stream: that everything runs on, None on a CPU.
    """

    def __init__(
        self,
        cfg: Config,
        crops: DeviceCrops,
        steps: int,
        device: str,
        stream: Any = None,
    ) -> None:
        self.device, self.stream, self.crops = device, stream, crops
        self.batch_size = int(cfg.train_dataloader.batch_size)
        self.num_steps = steps * int(cfg.train_cfg.max_epochs)
        with self._on_stream():
            self.model = build_quickly(cfg, 0).to(device).train()
            rates = list_learning_rates(cfg, steps)
            self._rates = torch.tensor(rates, device=device)
            self._counter = torch.zeros((), dtype=torch.int64, device=device)
            self._rows = torch.arange(self.batch_size, device=device)
            self.losses = torch.zeros(self.num_steps, device=device)
            self._optimizer = self._build_optimizer(cfg)
            self._make_average(cfg)
            weights = cfg.train_dataloader.dataset.metainfo['joint_weights']
            target = cfg.train_dataloader.dataset.pipeline[-2]
            self._joint_weights = (
                torch.tensor(weights, device=device, dtype=torch.float32)
                if target.get('use_dataset_keypoint_weights')
                else None
            )
        self._graph: Any = None
        self._done = 0

    def _build_optimizer(self, cfg: Config) -> torch.optim.Optimizer:
        settings = cfg.optim_wrapper.optimizer.to_dict()
        kind = getattr(torch.optim, settings.pop('type'))
        rate = torch.tensor(settings.pop('lr'), device=self.device)
        options: dict[str, Any] = dict(foreach=False)
        if self.device == 'cuda':
            options = dict(fused=True, capturable=True)
        return kind(self.model.parameters(), lr=rate, **settings, **options)

    def _make_average(self, cfg: Config) -> None:
        """Copies of the weights, averaged as mmengine's ExpMomentumEMA does."""
        hooks = [h for h in cfg.custom_hooks if h['type'] == 'EMAHook']
        self._momentum = float(hooks[0]['momentum']) if hooks else None
        state = self.model.state_dict()
        self._floats = [v for v in state.values() if v.is_floating_point()]
        self._averages = [v.clone() for v in self._floats] if hooks else []

    @contextmanager
    def _on_stream(self) -> Iterator[None]:
        if self.stream is None:
            yield
        else:
            with torch.cuda.stream(self.stream):
                yield

    def reset(self, state: dict[str, Tensor], crops: DeviceCrops) -> None:
        """Begin anew with these weights and these crops."""
        with self._on_stream(), torch.no_grad():
            own = self.model.state_dict()
            for name, value in state.items():
                own[name].copy_(value, non_blocking=True)
            for average, value in zip(self._averages, self._floats, strict=False):
                average.copy_(value)
            for values in self._optimizer.state.values():
                for value in values.values():
                    value.zero_()
            self._counter.zero_()
            for mine, given in zip(self.crops, crops, strict=True):
                mine.copy_(given, non_blocking=True)
                if self.stream is not None:  # it may be forgotten before it is copied
                    given.record_stream(self.stream)
        self._done = 0
        self.model.train()

    def step(self) -> None:
        """One step, eager; what is captured."""
        rows = self._rows + self._counter * self.batch_size
        arrays = dict(
            keypoints_px=self.crops.keypoints_px.index_select(0, rows),
            visible=self.crops.visible.index_select(0, rows),
        )
        if self._joint_weights is not None:
            arrays['dataset_keypoint_weights'] = self._joint_weights
        encoder = getattr(self.model.data_preprocessor._encode, '__self__', None)
        if isinstance(encoder, PersonHeatmap):
            encoder.set_roots(self.crops.sizes_px.index_select(0, rows))
        pixels = self.crops.pixels.index_select(0, rows)
        data = dict(inputs=pixels, data_samples=arrays)
        self._optimizer.zero_grad(set_to_none=True)
        data = self.model.data_preprocessor(data, True)
        losses = self.model.loss(data['inputs'], data['data_samples'])
        loss = sum(value for name, value in losses.items() if 'loss' in name)
        loss.backward()
        rate = self._rates.index_select(0, self._counter[None])[0]
        for group in self._optimizer.param_groups:
            group['lr'].copy_(rate)
        self._optimizer.step()
        self.losses.index_copy_(0, self._counter[None], loss.detach()[None].float())
        if self._averages:
            # ExpMomentumEMA: the first steps count more
            age = self._counter + 1
            share = (1 - self._momentum) * (-(1 + age) / 2000).exp() + self._momentum
            torch._foreach_mul_(self._averages, 1 - share)
            torch._foreach_add_(self._averages, torch._foreach_mul(self._floats, share))
        self._counter.add_(1)

    def prepare(self, uses_graph: bool = True) -> None:
        """Capture the step; the weights must be `reset` afterwards."""
        if self.device != 'cuda' or not uses_graph:
            with self._on_stream():
                if not self._optimizer.state:  # so that `reset` finds it
                    self.step()
            return
        with self._on_stream():
            for _ in range(WARM_UP):
                self.step()
            self.stream.synchronize()
            # not `torch.cuda.graph`, which waits for the other runs' streams
            graph = torch.cuda.CUDAGraph()
            graph.capture_begin(capture_error_mode='thread_local')
            try:
                self.step()
            finally:
                graph.capture_end()
            self._graph = graph

    def compare_with_eager(
        self, state: dict[str, Tensor], crops: DeviceCrops, count: int = 4
    ) -> float:
        """Largest relative difference in loss of replayed and eager first steps."""
        found = []
        graph = self._graph
        for used in (None, graph):
            self._graph = used
            self.reset(state, crops)
            self.run(count)
            if self.stream is not None:
                self.stream.synchronize()
            found.append(self.losses[:count].tolist())
        pairs = zip(*found, strict=True)
        return max(abs(a - b) / abs(a) if a == a and b == b else 1e9 for a, b in pairs)

    def take_over(self, other: 'Training') -> None:
        """Go on where another training stopped, with its optimizer and crops."""
        state = {k: v.detach() for k, v in other.model.state_dict().items()}
        self.reset(state, other.crops)
        with self._on_stream(), torch.no_grad():
            self._counter.copy_(other._counter)
            mine, given = self._optimizer.state, other._optimizer.state
            pairs = zip(self.model.parameters(), other.model.parameters(), strict=True)
            for parameter, source in pairs:
                for name, value in given[source].items():
                    mine[parameter][name].copy_(value)
            self.losses.copy_(other.losses)
            for average, value in zip(self._averages, other._averages, strict=True):
                average.copy_(value)
        self._done = other._done

    def run(self, count: int, end: int | None = None) -> bool:
        """Enqueue up to `count` steps -> whether they were the last.

        Args:
            count: steps.
            end: number of the run's steps to stop at, None for all.
        """
        end = self.num_steps if end is None else end
        count = min(count, end - self._done)
        with self._on_stream():
            for _ in range(count):
                if self._graph is None:
                    self.step()
                else:
                    self._graph.replay()
        self._done += count
        return self._done == end

    def load_average(self) -> None:
        """Put the averaged weights, where there are any, in place of the last."""
        with self._on_stream(), torch.no_grad():
            for value, average in zip(self._floats, self._averages, strict=False):
                value.copy_(average)

    @torch.no_grad()
    def predict(self, pixels: Tensor, flip_indices: list[int], mirrored: bool) -> dict:
        """Crops (N, h, w, 3) uint8 -> maps (N, K, H, W) float16 of each test.

        Args:
            pixels: on the device.
            flip_indices: of the joints.
            mirrored: also MMPose's flip test with shift_heatmap=True.
        """
        from studies.training.flip_tests import predict_heatmaps

        self.model.eval()
        torch.backends.cudnn.benchmark = False  # these batches come once
        with self._on_stream():
            parts = []
            for part in pixels.split(256 if self.device == 'cuda' else 32):
                inputs = self.model.data_preprocessor._normalize(
                    part, self.model.data_preprocessor.mean,
                    self.model.data_preprocessor.std,
                )  # fmt: skip
                maps = predict_heatmaps(self.model, inputs, flip_indices, 2)
                kept = ('plain', 'flip', *(('flip_shift1',) if mirrored else ()))
                parts.append({name: maps[name].half() for name in kept})
            return {
                name: torch.cat([part[name] for part in parts]).cpu().numpy()
                for name in parts[0]
            }
