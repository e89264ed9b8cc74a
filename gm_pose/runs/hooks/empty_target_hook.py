"""Targets without any joint, found at the start and not after an epoch of loss 0."""

from typing import Any

import numpy as np
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.models.heads import HeatmapHead
from mmpose.registry import HOOKS

from gm_pose.runs.loading.sample_seed import SeededIndex, make_sample_seed
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
        count = min(self.num_samples, len(dataset))
        indices = np.linspace(0, len(dataset) - 1, count).astype(int)
        indices = indices[runner.rank :: runner.world_size]
        has_target = False
        for index in indices:
            seed = make_sample_seed(0, 0, int(index))
            packed = dataset[SeededIndex(int(index), seed)]
            if 'data_samples' not in packed:
                raise UserError(
                    'a training sample has no `data_samples`. Fix: end the pipeline of '
                    'train_dataloader with PackPoseInputs'
                )
            if _needs_maps(runner.model) and 'gt_fields' not in packed['data_samples']:
                raise UserError(
                    'a training sample has no target heatmaps. Fix: put GenerateTarget, '
                    'with the codec as `encoder`, before PackPoseInputs in the pipeline of '
                    'train_dataloader'
                )
            weights = _get_weights(packed['data_samples'])
            if weights is None or bool((weights > 0).any()):
                has_target = True
                break
        if not any(all_gather_object(has_target)):
            raise UserError(
                f'no joint of {count} training samples looked at has a target: every '
                'visibility is 0 or every joint lies outside its crop, and the loss would '
                'be 0. Fix: run `python -m gm_pose check-data '
                f'{getattr(dataset, "ann_file", "ANN.json")}`'
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        if self._reported or not isinstance(data_batch, dict):
            return
        samples = data_batch.get('data_samples') or []
        weights = [_get_weights(sample) for sample in samples]
        if weights and all(w is not None and not (w > 0).any() for w in weights):
            self._reported = True
            runner.logger.warning(
                f'iteration {runner.iter + 1}: no joint of this batch has a target, so '
                f'its loss is 0 (samples {name_samples(samples)}); further such batches '
                'are not reported'
            )


def _needs_maps(model: Any) -> bool:
    """Whether the loss of a model reads target heatmaps; unknown heads may not."""
    return isinstance(getattr(unwrap_model(model), 'head', None), HeatmapHead)


def _get_weights(sample: Any) -> Any:
    """Keypoint weights (N, K) of a packed sample, or None if its codec makes none."""
    labels = getattr(sample, 'gt_instance_labels', None)
    return getattr(labels, 'keypoint_weights', None)


def name_samples(samples: list) -> str:
    """Annotation and image ids of packed samples, for messages."""
    names = [
        f'id {sample.metainfo.get("id")} in image {sample.metainfo.get("img_id")}'
        for sample in samples
    ]
    return ', '.join(names)
