"""Targets without any joint, found at the start and not after an epoch of loss 0."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.models.heads import HeatmapHead
from mmpose.registry import HOOKS

from gm_pose.runs.hooks.batch_samples import get_samples, has_target, list_sample_names
from gm_pose.runs.loading.sample_seed import SeededIndex
from gm_pose.runs.loading.seeded_sampler import find_seeded_sampler
from gm_pose.runs.resume.wrapped_model import unwrap_model
from gm_pose.runs.user_errors import UserError


@HOOKS.register_module()
class EmptyTargetHook(Hook):
    """Look at targets before training, and at every batch while training.

    A dataset whose visibilities are all 0, or whose joints all fall outside the crop,
    trains happily at loss 0. Before the first iteration `num_samples` samples, spread
    over the dataset, go through the pipeline: if no joint of theirs has a weight, the
    run does not start. A single batch without any weighted joint is reported with its
    samples, once.

    Args:
        num_samples: samples to look at before training, over all processes.

    Raises:
        ValueError: `num_samples` is below 1.
        UserError: (before training) none of the samples looked at has a target, or the
            pipeline does not make or pack them.
    """

    def __init__(self, num_samples: int = 32):
        if num_samples < 1:
            raise ValueError(f'num_samples must be at least 1, got {num_samples}')
        self.num_samples = num_samples
        self._reported = False

    def before_train(self, runner: Runner) -> None:
        dataset = runner.train_dataloader.dataset
        rows = _list_own_rows(runner)
        count = min(self.num_samples, len(rows))
        indices = np.array(rows)[np.linspace(0, len(rows) - 1, count).astype(int)]
        indices = indices[runner.rank :: runner.world_size]
        is_any_weighted = False
        for index in indices:
            packed = _load(dataset, int(index))
            if 'data_samples' not in packed:
                raise UserError(
                    'a training sample has no `data_samples`. Fix: end the pipeline of '
                    'train_dataloader with PackPoseInputs'
                )
            samples = packed['data_samples']
            if isinstance(
                samples, dict
            ):  # a batch of one; its maps are made on the model
                is_any_weighted = has_target(samples, _get_input_size(packed))
            else:
                if _needs_maps(runner.model) and 'gt_fields' not in samples:
                    raise UserError(
                        'a training sample has no target heatmaps. Fix: put '
                        'GenerateTarget, with the codec as `encoder`, before '
                        'PackPoseInputs in the pipeline of train_dataloader'
                    )
                is_any_weighted = has_target([samples])
            if is_any_weighted:
                break
        if not any(all_gather_object(is_any_weighted)):
            raise UserError(
                f'no joint of {count} training samples looked at has a target: every '
                'visibility is 0 or every joint lies outside its crop, and the loss would '
                'be 0. Fix: run `python -m gm_pose check-data '
                f'{getattr(dataset, "ann_file", "ANN.json")}`'
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        if self._reported:
            return
        samples = get_samples(data_batch)
        if len(samples) == 0 or has_target(samples, _get_input_size(data_batch)):
            return
        self._reported = True
        names = list_sample_names(samples, runner.train_dataloader.dataset)
        runner.logger.warning(
            f'iteration {runner.iter + 1}: no joint of this batch has a target, so its '
            f'loss is 0 (samples {", ".join(names)}); further such batches are not reported'
        )


def _list_own_rows(runner: Runner) -> Sequence[int]:
    """Samples that this process may be given: a machine may have a share of them."""
    sampler = find_seeded_sampler(runner.train_dataloader)
    rows = getattr(getattr(sampler, 'inner', None), 'rows', None)
    return range(len(runner.train_dataloader.dataset)) if rows is None else rows


def _load(dataset: Any, index: int) -> dict:
    """One sample, or a batch of one from a dataset that makes batches."""
    seeded = SeededIndex(index, (0, 0, index))
    load_batch = getattr(dataset, '__getitems__', None)
    loaded = dataset[seeded] if load_batch is None else load_batch([seeded])
    return loaded[0] if isinstance(loaded, list) else loaded


def _get_input_size(batch: Any) -> tuple[int, int] | None:
    """(w, h) in px of a batch (B, h, w, 3); None for a list of images."""
    shape: Any = getattr(batch.get('inputs'), 'shape', ())
    return (shape[2], shape[1]) if len(shape) == 4 and shape[3] == 3 else None


def _needs_maps(model: Any) -> bool:
    """Whether the loss of a model reads target heatmaps; unknown heads may not."""
    return isinstance(getattr(unwrap_model(model), 'head', None), HeatmapHead)
