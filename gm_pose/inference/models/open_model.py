"""Checkpoint, config or name of a model -> what a torch backend is built of."""

import glob
import os.path as osp
from typing import Any

from gm_pose.runs.user_errors import UserError

__all__ = ['open_model']


def open_model(model: str, weights: str | None = None) -> Any:
    """Checkpoint, config or name -> `OpenedModel`, for what needs the network itself.

    Args:
        model: checkpoint of a run, config file, or name of a published MMPose model.
        weights: checkpoint for a config or a name.

    Raises:
        UserError: it cannot be opened; the text says why and what to do.
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
        what = 'no file and no published model of MMPose'
        if osp.isfile(model):
            is_exported = model.lower().endswith('.onnx')
            what = 'exported already' if is_exported else 'a file of another kind'
        elif osp.isdir(model):
            what = 'a folder'
            saved = sorted(glob.glob(osp.join(glob.escape(model), '*.pth')))
            what += (
                f', with {", ".join(map(osp.basename, saved))} in it' if saved else ''
            )
        raise UserError(
            f'model {model} is {what}. Fix: '
            f'{suggest_names("mmpose", model) or "give"} a checkpoint (.pth), a config '
            '(.py) with --weights, an ONNX file (.onnx), or a name from its model zoo'
        )
    return read_published_model(published, weights)
