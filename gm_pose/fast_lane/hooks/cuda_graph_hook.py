"""Backbone, neck and head replayed as CUDA graphs in training."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import Tensor, nn
from torch.utils import _pytree

__all__ = ['CudaGraphHook']

_PARTS = ('backbone', 'neck', 'head')


@HOOKS.register_module()
class CudaGraphHook(Hook):
    """Record forward and backward of backbone, neck and head, and replay them.

    At 64 people of 256x192 px a fast GPU waits for the process that launches ResNet-50's
    kernels one by one; a replay is one launch. Targets, loss, optimizer and other hooks
    run as before. Batches of another size, such as an epoch's last one, and evaluation
    run without the graphs.

    Recorded at the first iteration, weights, running statistics and random numbers stay
    as they were. Where a part cannot be recorded, or gradients of several batches are
    summed, the run goes on without graphs, with a warning.
    """

    # after all hooks that change the model, before the first forward
    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self._is_done = False
        self._replaced: list[tuple[nn.Module, Any]] = []

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        if self._is_done:
            return
        self._is_done = True
        reason = find_obstacle(runner, data_batch)
        if reason is None:
            try:
                self._record(runner, data_batch)
            except (RuntimeError, AssertionError, TypeError) as error:
                reason = ' '.join(str(error).strip().partition('\n')[0].split())
        if reason is not None:
            runner.logger.warning(f'{type(self).__name__} records nothing: {reason}')

    def after_train(self, runner: Runner) -> None:
        """Give the parts their own `forward` back: a copy must not replay for another."""
        for part, own in self._replaced:
            if own is None:
                del part.forward
            else:
                part.forward = own
        self._replaced.clear()

    def _record(self, runner: Runner, data_batch: Any) -> None:
        model: Any = runner.model
        names = [name for name in _PARTS if getattr(model, name, None) is not None]
        parts = [getattr(model, name) for name in names]
        own = [vars(part).get('forward') for part in parts]
        eager = [part.forward for part in parts]
        buffers = [buffer.clone() for buffer in model.buffers()]
        random_state = torch.cuda.get_rng_state()
        context: Any = runner.optim_wrapper.optim_context(model)
        try:
            with context:
                dtype = torch.get_autocast_dtype('cuda')
                is_mixed = torch.is_autocast_enabled('cuda')
            with torch.autocast('cuda', dtype, enabled=is_mixed, cache_enabled=False):
                samples = _make_samples(model, parts, data_batch)
                torch.cuda.make_graphed_callables(
                    tuple(parts), tuple(samples), allow_unused_input=True
                )
        finally:
            for buffer, value in zip(model.buffers(), buffers, strict=True):
                buffer.copy_(value)
            torch.cuda.set_rng_state(random_state)
        self._replaced = list(zip(parts, own, strict=True))
        for part, forward, sample in zip(parts, eager, samples, strict=True):
            part.forward = _choose_by_shape(part.forward, forward, sample)
        runner.logger.info(f'recorded as CUDA graphs: {", ".join(names)}')


def find_obstacle(runner: Runner, data_batch: Any) -> str | None:
    """Why a run's parts cannot be recorded; None if they can."""
    if not torch.cuda.is_available():
        return 'no CUDA device'
    if is_model_wrapper(runner.model):
        return 'it records one process alone'
    if getattr(runner.optim_wrapper, '_accumulative_counts', 1) > 1:
        return 'a replay overwrites the gradients that accumulative_counts sums'
    if not isinstance((data_batch or {}).get('inputs'), Tensor):
        return 'the batch is no tensor'
    return None


def _make_samples(model: Any, parts: list[Any], data_batch: Any) -> list[tuple]:
    """Arguments of each part, as the iteration will pass them."""
    batch = dict(data_batch, data_samples=dict(data_batch['data_samples']))
    value: Any = model.data_preprocessor(batch, True)['inputs'].detach().clone()
    samples = []
    for part in parts:
        samples.append((value,))
        with torch.no_grad():
            value = part(value)
        value = _pytree.tree_map(lambda x: x.detach().clone().requires_grad_(), value)
    return samples


def _choose_by_shape(
    replay: Callable[..., Any], eager: Callable[..., Any], sample: tuple
) -> Callable[..., Any]:
    """Replay where all tensors have the recorded shapes."""
    shapes = [value.shape for value in _pytree.tree_leaves(sample)]
    signature = inspect.signature(eager)

    def forward(*args: Any, **kwargs: Any) -> Any:
        values = signature.bind(*args, **kwargs).args
        leaves = _pytree.tree_leaves(values)
        fits = all(isinstance(leaf, Tensor) for leaf in leaves) and shapes == [
            leaf.shape for leaf in leaves
        ]
        # without gradients a replay would still overwrite what the last one returned
        if fits and torch.is_grad_enabled():
            return replay(*values)
        return eager(*args, **kwargs)

    return forward
