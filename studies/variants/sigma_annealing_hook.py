"""Targets that are wide at the start of training and narrow at its end."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmpose.datasets.transforms import GenerateTarget
from mmpose.registry import KEYPOINT_CODECS


def compute_factor(epoch: int, max_epochs: int, start: float, fraction: float) -> float:
    """Factor of all sigmas in an epoch: `start` in the first, then linearly down to 1.

    1 is reached after `fraction` of the epochs and kept: the last epochs train on the
    targets that decoding is matched to.
    """
    steps = max(round(max_epochs * fraction), 1)
    return start + (1 - start) * min(epoch / steps, 1)


@HOOKS.register_module()
class SigmaAnnealingHook(Hook):
    """Scales every joint's sigma in the training pipeline, epoch by epoch.

    A wide target is easier to find and a narrow one easier to place. The table keeps its
    shape, and with it the weights of a balanced loss.

    Args:
        start: factor in the first epoch.
        fraction: part of the epochs after which the factor is 1.

    Raises:
        ValueError: an argument is out of its range; or, before training, data loader
            workers, which have their own copy of the pipeline, or no single
            `GenerateTarget` with sigmas.
    """

    def __init__(self, start: float = 2.0, fraction: float = 0.67):
        if not start > 0:
            raise ValueError(f'start must be above 0, got {start}')
        if not 0 < fraction <= 1:
            raise ValueError(f'fraction must be in (0, 1], got {fraction}')
        self.start = start
        self.fraction = fraction

    def before_train(self, runner: Runner) -> None:
        if runner.train_dataloader.num_workers:
            raise ValueError(
                'SigmaAnnealingHook changes the pipeline of this process: set '
                f'num_workers=0, got {runner.train_dataloader.num_workers}'
            )
        transforms = runner.train_dataloader.dataset.pipeline.transforms
        targets = [step for step in transforms if isinstance(step, GenerateTarget)]
        if len(targets) != 1 or not hasattr(targets[0].encoder, 'sigmas_cells'):
            raise ValueError(
                'SigmaAnnealingHook needs one GenerateTarget with per-joint sigmas, '
                f'found {len(targets)}'
            )
        self._target: Any = targets[0]
        self._final_cells = self._target.encoder.sigmas_cells

    def before_train_epoch(self, runner: Runner) -> None:
        factor = compute_factor(
            runner.epoch, runner.max_epochs, self.start, self.fraction
        )
        cells = (self._final_cells * factor).tolist()
        settings = dict(self._target.encoder_cfg)
        settings.pop('decode_sigmas', None)  # changes no target
        settings['sigmas'] = cells if len(cells) > 1 else cells[0]
        self._target.encoder = KEYPOINT_CODECS.build(settings)
        runner.logger.info(f'sigmas of this epoch: {factor:.3f} of the table')
