"""A config of a top-down heatmap model, checked as far as its data and codec go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.config import Config
from mmpose.registry import KEYPOINT_CODECS

from gm_pose.codecs.base_codec import get_type
from gm_pose.looks.samples import Setup
from gm_pose.runs.checks.codec_agreement import check_codec_agreement
from gm_pose.runs.checks.data_files import check_data_files
from gm_pose.runs.checks.outline import read_outline
from gm_pose.runs.checks.run_checks import run_checks
from gm_pose.runs.config_dicts import iter_dicts
from gm_pose.runs.user_errors import UserError

__all__ = ['check_config', 'read_setup']


def check_config(cfg: Config, path: str, split: str) -> None:
    """Refuse a config whose crops or targets cannot be shown.

    Raises:
        UserError: no top-down model, no such data loader, a codec without heatmaps, or a
            file that is missing.
    """
    model = cfg.get('model') or {}
    if cfg.get('data_mode', 'topdown') != 'topdown' or 'head' not in model:
        raise UserError(
            f'config {path} is not a top-down heatmap model; expected one with a '
            'heatmap head'
        )
    if cfg.get(f'{split}_dataloader') is None:
        raise UserError(
            f'config {path} has no {split}_dataloader, whose people are shown'
        )
    outline = read_outline(cfg, (split,))
    run_checks(outline, [check_codec_agreement, check_data_files]).raise_errors()


def read_setup(encoder: Any, info: Mapping[str, Any], source: str) -> Setup:
    """Encoder and metainfo of the people that are shown -> what they share.

    Args:
        encoder: config of a codec, or of several, of which the last is shown.
        info: the dataset's metainfo, as MMPose parses it.
        source: see `Setup`.

    Raises:
        UserError: a codec that draws no heatmaps.
    """
    if isinstance(encoder, (list, tuple)):  # MSPN and RSN: the last one is the finest
        encoder = encoder[-1]
    codec = KEYPOINT_CODECS.build(dict(encoder))
    if not hasattr(codec, 'heatmap_size'):
        raise UserError(
            f'the codec {get_type(encoder)} draws no heatmaps; expected one that does'
        )
    count = info['num_keypoints']
    cell_px = getattr(codec, 'scale_factor', None)
    if cell_px is None:
        cell_px = np.divide(codec.input_size, codec.heatmap_size)
    return Setup(
        names=[info['keypoint_id2name'][k] for k in range(count)],
        flip_indices=list(info['flip_indices']),
        links=[(int(a), int(b)) for a, b in info['skeleton_links']],
        sigmas_cells=_read_sigmas(codec, count),
        cell_px=(float(cell_px[0]), float(cell_px[1])),
        heatmap_size=(int(codec.heatmap_size[0]), int(codec.heatmap_size[1])),
        input_size=(int(codec.input_size[0]), int(codec.input_size[1])),
        codec=get_type(encoder),
        source=source,
    )


def find_encoder(loader: Any) -> Any:
    """The encoder of a training loader's pipeline.

    Raises:
        UserError: it has none.
    """
    for _, step in iter_dicts(loader):
        if get_type(step) == 'GenerateTarget':
            return step['encoder']
    raise UserError('train_dataloader has no GenerateTarget, whose targets are shown')


def _read_sigmas(codec: Any, count: int) -> np.ndarray | None:
    """Sigma in cells of each joint, None for a codec without any."""
    if getattr(codec, 'heatmap_type', 'gaussian') != 'gaussian':
        return None  # UDP's discs: it has a sigma, and draws none
    sigmas = getattr(codec, 'sigmas_cells', getattr(codec, 'sigma', None))
    if sigmas is None:
        return None
    values = np.atleast_1d(np.asarray(sigmas, dtype=np.float64)).ravel()
    return np.full(count, values[0]) if len(values) == 1 else values
