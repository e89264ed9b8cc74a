"""Curves of the mixtures' sigmas during training."""

from typing import Any

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import Tensor

from gm_pose.models.mixture_readout import find_mixtures
from gm_pose.runs.resume.wrapped_model import unwrap_model


@HOOKS.register_module()
class MixtureSigmaHook(Hook):
    """Log each mixture's sigmas (cells) to MMEngine's visualizer.

    Every scalar backend of the visualizer gets them; with `TensorboardVisBackend` they
    are curves named ``sigma/neck.mixture/0`` (block) or ``sigma/head.mixture/nose/0``
    (head, one per joint and component).

    Args:
        interval: iterations between two points; the first iteration is always logged.

    Raises:
        ValueError: `interval` is below 1, or at the start of training the model has no
            mixture.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 50):
        if interval < 1:
            raise ValueError(f'interval must be at least 1 iteration, got {interval}')
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        if not find_mixtures(unwrap_model(runner.model)):
            raise ValueError(
                f'{type(self).__name__} found no Gaussian mixture in the model: give it '
                'a GaussianMixtureBlock neck or a GaussianMixtureHead, or remove the '
                'hook from custom_hooks'
            )

    @master_only
    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        step = runner.iter + 1
        if runner.iter != 0 and step % self.interval:
            return
        metainfo = getattr(runner.train_dataloader.dataset, 'metainfo', {})
        joints = metainfo.get('keypoint_id2name', {})
        scalars: dict[str, float] = {}
        for name, mixture in find_mixtures(unwrap_model(runner.model)).items():
            scalars |= name_sigmas(f'sigma/{name}', mixture.sigmas, joints)
        runner.visualizer.add_scalars(scalars, step=step)


def name_sigmas(
    prefix: str, sigmas: Tensor, joints: dict[int, str]
) -> dict[str, float]:
    """Sigmas (M,) or (K, M) -> {'prefix/m': cells} or {'prefix/joint/m': cells}."""
    values = sigmas.detach().cpu().tolist()
    if sigmas.dim() == 1:
        return {f'{prefix}/{m}': value for m, value in enumerate(values)}
    return {
        f'{prefix}/{joints.get(k, k)}/{m}': value
        for k, row in enumerate(values)
        for m, value in enumerate(row)
    }
