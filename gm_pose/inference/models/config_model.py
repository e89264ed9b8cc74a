"""A config file with weights, or a model that MMPose published under a name."""

import os.path as osp
from collections.abc import Mapping
from typing import Any

from gm_pose.inference.models.model_settings import read_settings
from gm_pose.inference.models.published_models import Published
from gm_pose.inference.models.run_checkpoint import OpenedModel, read_calibration
from gm_pose.runs.user_errors import UserError

__all__ = ['read_config_model', 'read_published_model']


def read_config_model(path: str, weights: str | None) -> OpenedModel:
    """Config file and checkpoint -> model. The config is executed, as MMEngine does.

    Raises:
        UserError: a file is missing or wrong, or no weights are given.
    """
    from gm_pose.runs.resume.resumable_checkpoint import read_checkpoint

    if weights is None:
        raise UserError(
            f'{path} is a config, which holds no weights. Fix: --weights CHECKPOINT.pth'
        )
    config = _read_config(path)
    return _combine(config, path, read_checkpoint(weights), weights)


def read_published_model(published: Published, weights: str | None) -> OpenedModel:
    """A model of MMPose's zoo, its maps decoded by `JointAdaptiveMSRAHeatmap`.

    The sigma is that of the original; the joint is found by fitting that Gaussian
    instead of moving a quarter cell or by DARK.

    Args:
        published: what MMPose says of it.
        weights: a local file; None: where mim and PyTorch keep what they downloaded, else
            downloaded.

    Raises:
        UserError: no weights there, and none to be had.
    """
    from gm_pose.codecs import with_codec
    from gm_pose.runs.resume.resumable_checkpoint import read_checkpoint

    config = _read_config(str(published.config))
    try:
        with_codec(config, unbiased=True)
    except ValueError as error:
        raise UserError(
            f'model {published.name} cannot be decoded: {error}. Fix: take a '
            'topdown_heatmap model'
        ) from error
    path = weights or published.fetch_weights()
    return _combine(config, published.name, read_checkpoint(path), path)


def _read_config(path: str) -> Any:
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    if not osp.isfile(path):
        raise UserError(f'config {path} does not exist. Fix: give the path of a config')
    try:
        config = Config.fromfile(path)
    except Exception as error:  # whatever a config's Python may raise
        raise UserError(f'config {path} cannot be read: {error}') from error
    init_default_scope(config.get('default_scope') or 'mmpose')
    return config


def _combine(
    config: Any, name: str, checkpoint: dict[str, Any], path: str
) -> OpenedModel:
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    metainfo = meta.get('dataset_meta')
    if not isinstance(metainfo, Mapping) or 'keypoint_id2name' not in metainfo:
        metainfo = _read_metainfo(config, name)
    return OpenedModel(
        settings=read_settings(config, name),
        checkpoint=checkpoint,
        metainfo=metainfo,
        calibration=read_calibration(meta, path),
        path=path,
    )


def _read_metainfo(config: Any, name: str) -> Mapping[str, Any]:
    """Of the data set that a config trains or tests on."""
    from mmpose.apis.inference import dataset_meta_from_config

    for split in ('train', 'test', 'val'):
        try:
            metainfo = dataset_meta_from_config(config, split)
        except (KeyError, TypeError, OSError, RuntimeError):
            continue
        if metainfo is not None:
            return metainfo
    raise UserError(
        f'{name} names no data set with metainfo, and neither do the weights. Fix: '
        'metainfo=dict(from_file=...) in test_dataloader.dataset'
    )
