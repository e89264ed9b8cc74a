"""Whatever a user calls MODEL -> a backend that is ready to predict."""

import os.path as osp
from typing import Any

from gm_pose.inference.backends.pose_backend import PoseBackend
from gm_pose.runs.user_errors import UserError

__all__ = ['open_backend', 'open_model']


def open_backend(
    model: str,
    weights: str | None = None,
    device: str | None = None,
    flip_test: bool = False,
    batch_size: int = 32,
) -> PoseBackend:
    """Open a model.

    Args:
        model: checkpoint of a run, config file, name of a published MMPose model, or ONNX
            file of `gm_pose export`.
        weights: checkpoint for a config or a name.
        device: 'cpu', 'cuda:0', ...; None: a GPU where there is one.
        flip_test: average the maps with those of the mirrored crop.
        batch_size: people that go through the network at once.

    Raises:
        UserError: it cannot be opened; the text says why and what to do.
    """
    if model.lower().endswith('.onnx'):
        from gm_pose.inference.backends.onnx_backend import OnnxBackend

        if weights is not None:
            raise UserError(f'{model} holds its weights. Fix: leave --weights out')
        return OnnxBackend(
            model, device=device, flip_test=flip_test, batch_size=batch_size
        )
    from gm_pose.inference.backends.torch_backend import TorchBackend

    return TorchBackend(open_model(model, weights), device, flip_test, batch_size)


def open_model(model: str, weights: str | None = None) -> Any:
    """Checkpoint, config or name -> `OpenedModel`, for what needs the network itself.

    Raises:
        UserError: as `open_backend`.
    """
    from gm_pose.runs.host.versions import check_versions
    from gm_pose.runs.user_errors import as_user_errors

    with as_user_errors(ImportError):
        check_versions()
    from gm_pose.inference.models.config_model import (
        read_config_model,
        read_published_model,
    )
    from gm_pose.inference.models.published_models import find_published, suggest_names
    from gm_pose.inference.models.run_checkpoint import read_run_checkpoint

    if model.endswith(('.pth', '.pt', '.ckpt')):
        if weights is not None:
            raise UserError(
                f'{model} is a checkpoint, and --weights names another. Fix: give a '
                'config as MODEL, or leave --weights out'
            )
        return read_run_checkpoint(model)
    if model.endswith('.py') and (osp.isfile(model) or osp.dirname(model)):
        return read_config_model(model, weights)
    published = find_published('mmpose', model)
    if published is None:
        raise UserError(
            f'model {model} is no file and no published model of MMPose. Fix: '
            f'{suggest_names("mmpose", model) or "give"} a checkpoint (.pth), a config '
            '(.py) with --weights, an ONNX file (.onnx), or a name from its model zoo'
        )
    return read_published_model(published, weights)
