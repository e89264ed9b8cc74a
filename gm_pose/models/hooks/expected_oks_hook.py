"""People's boxes and the checkpoint's calibration for ``score='expected_oks'``."""

from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from gm_pose.codecs.expected_oks_scores import ExpectedOksScores
from gm_pose.ops.uncertainty import META_KEY, Calibration
from gm_pose.runs.resume.wrapped_model import unwrap_model

__all__ = ['ExpectedOksHook']

# below any score
EVERY_JOINT = -1.0


@HOOKS.register_module()
class ExpectedOksHook(Hook):
    """Give the decoder what its expected OKS depends on besides the maps.

    In validation and test, before each batch: the people's boxes, whose area scales the
    metric's tolerance; and `CocoMetric` takes the mean over all joints, not over those
    above its `keypoint_score_thr`, as `gm_pose predict` does: it ranks people as well or
    better (benchmarks/rescoring.md). When a checkpoint is loaded: the calibration that
    ``gm_pose calibrate`` stored in it, if there is one. Does nothing for other decoders.

    `gm_pose.with_codec` and ``gm_pose test`` add it where the codec has
    ``score='expected_oks'``.
    """

    def __init__(self) -> None:
        self._handles: list[Any] = []
        self._thresholds: list[tuple[Any, float]] = []

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Hand over the stored calibration.

        Raises:
            ValueError: what is stored is no calibration of this model.
        """
        scores = find_scores(runner.model)
        stored = (checkpoint.get('meta') or {}).get(META_KEY)
        if scores is None:
            return
        if stored is None:
            scores.calibration = None
            runner.logger.warning(
                'scores are the expected OKS, not calibrated: the checkpoint has no '
                f'{META_KEY}, and without it they may rank people worse than peaks do. '
                'Fix: gm_pose calibrate, and test the checkpoint that it writes'
            )
            return
        scores.calibration = Calibration.from_dict(stored, len(scores.oks_sigmas))
        runner.logger.info(
            f"scores are the expected OKS with the checkpoint's {META_KEY}"
        )

    def before_val(self, runner: Runner) -> None:
        self._watch(runner, 'val_loop')

    def before_test(self, runner: Runner) -> None:
        self._watch(runner, 'test_loop')

    def after_val(self, runner: Runner) -> None:
        self._release()

    def after_test(self, runner: Runner) -> None:
        self._release()

    def before_train_epoch(self, runner: Runner) -> None:
        self._release()

    def _watch(self, runner: Runner, loop: str) -> None:
        self._release()
        model = unwrap_model(runner.model)
        if find_scores(model) is None:
            return
        handle = model.register_forward_pre_hook(_set_boxes, with_kwargs=True)
        self._handles.append(handle)
        for metric in getattr(runner, loop).evaluator.metrics:
            threshold = getattr(metric, 'keypoint_score_thr', None)
            if threshold is not None:
                self._thresholds.append((metric, threshold))
                metric.keypoint_score_thr = EVERY_JOINT

    def _release(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
        for metric, threshold in self._thresholds:
            metric.keypoint_score_thr = threshold
        self._thresholds = []


def find_scores(model: Any) -> ExpectedOksScores | None:
    """A model, wrapped or not -> the scores of its decoder, None for other scores."""
    head = getattr(unwrap_model(model), 'head', None)
    # VisPredictHead has the decoder in the head that it wraps
    decoder = getattr(getattr(head, 'pose_head', head), 'decoder', None)
    return getattr(decoder, 'expected_oks', None)


def _set_boxes(model: Any, args: tuple, kwargs: dict[str, Any]) -> None:
    """Before a forward pass: the boxes of its samples, see `ExpectedOksScores`."""
    mode = kwargs.get('mode', args[2] if len(args) > 2 else 'tensor')
    samples = kwargs.get('data_samples', args[1] if len(args) > 1 else None)
    if mode != 'predict' or not samples:
        return
    scores = find_scores(model)
    if scores is not None:
        boxes = [sample.gt_instances.bboxes[0] for sample in samples]
        scales = [np.reshape(sample.metainfo['input_scale'], 2) for sample in samples]
        scores.set_boxes(np.array(boxes, float), np.array(scales, float))
