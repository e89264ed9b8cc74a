"""Keypoints and heatmap size have to agree between codec, head, dataset and files."""

import copy
from typing import Any

import torch
from mmengine.config import Config
from mmpose import registry

from gm_pose.runs.checks.config_tree import iter_posed_datasets
from gm_pose.runs.resume.rng_state import preserve_rng
from gm_pose.runs.user_errors import UserError

__all__ = ['check_heatmap_size', 'check_keypoint_count', 'get_keypoint_count']


def get_keypoint_count(dataset: dict | None) -> int | None:
    """K of a dataset's metainfo, or None where the config does not say."""
    if not isinstance(dataset, dict):
        return None
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    metainfo = dataset.get('metainfo')
    kind = registry.DATASETS.get(dataset.get('type', ''))
    metainfo = metainfo or getattr(kind, 'METAINFO', None)
    if not metainfo:
        return None
    try:
        return parse_pose_metainfo(dict(metainfo))['num_keypoints']
    except FileNotFoundError as error:
        raise UserError(
            f'metainfo {metainfo} cannot be read ({error}): give from_file the path of a '
            "dataset description (MMPose's are in configs/_base_/datasets)"
        ) from error


def check_keypoint_count(cfg: Config, splits: tuple[str, ...]) -> None:
    """Raise UserError where the head, the codec or a dataset has another K."""
    head = cfg.model.get('head') or {}
    channels = head.get('out_channels')
    if not isinstance(channels, int):
        return
    # A head for several datasets may hand out some of its joints when it is tested.
    kept = (cfg.model.get('test_cfg') or {}).get('output_keypoint_indices')
    for split in splits:
        wanted = channels if split == 'train' or not kept else len(kept)
        for path, dataset in iter_posed_datasets(cfg, split):
            steps = [step.get('type') for step in dataset.get('pipeline') or []]
            count = get_keypoint_count(dataset)
            if count in (None, wanted) or 'KeypointConverter' in steps:
                continue
            raise UserError(
                f'model.head.out_channels is {channels}, and {path} has {count} '
                f'keypoints: set model.head.out_channels={count}, or give the '
                "dataset's own metainfo"
            )
    sigmas = (cfg.get('codec') or {}).get('sigmas')
    if isinstance(sigmas, (list, tuple)) and len(sigmas) != channels:
        raise UserError(
            f'codec.sigmas has {len(sigmas)} values, and model.head.out_channels is '
            f'{channels}: give one sigma for each keypoint'
        )


def check_heatmap_size(cfg: Config, model: torch.nn.Module) -> None:
    """Raise UserError if the head's output is not of the codec's heatmap size.

    Args:
        cfg: merged config; without a codec that has input_size and heatmap_size nothing
            is checked.
        model: its outline; where that has no weights, shapes are all that is computed.
    """
    codec = cfg.get('codec') or {}
    if 'input_size' not in codec or 'heatmap_size' not in codec:
        return
    shape = _infer_output_shape(model, tuple(codec.input_size))
    if isinstance(shape, Exception):
        shape = _infer_output_shape(_build_on_cpu(cfg), tuple(codec.input_size))
    if isinstance(shape, Exception):
        text = ' '.join(str(shape).split())[:300]
        raise UserError(
            f'the model cannot process an image of codec.input_size={codec.input_size} '
            f'(W, H): {text}; make in_channels of model.neck and model.head fit what '
            'comes before them'
        )
    if shape is None:
        return
    wanted = tuple(codec.heatmap_size)
    found = (shape[-1], shape[-2])
    if found != wanted:
        raise UserError(
            f'codec.heatmap_size is {wanted} (W, H), and the head gives {found} for '
            f'codec.input_size={tuple(codec.input_size)}: set codec.heatmap_size={found}, '
            'or change the head'
        )


def _build_on_cpu(cfg: Config) -> torch.nn.Module:
    """The model with its weights: some cannot be followed on the meta device."""
    with preserve_rng():
        model = copy.deepcopy(cfg.model)
        model.setdefault('data_preprocessor', cfg.get('preprocess_cfg'))
        return registry.MODELS.build(model)


def _infer_output_shape(
    model: Any, input_size: tuple[int, int]
) -> tuple[int, ...] | Exception | None:
    """Shape of the heatmaps (1, K, H, W), None if the output is of another kind."""
    parameter = next(model.parameters(), None)
    if parameter is None:
        return None
    width, height = input_size
    training = model.training
    model.eval()
    try:
        image = torch.zeros(1, 3, height, width, device=parameter.device)
        with torch.no_grad():
            output = model(image, None, mode='tensor')
    except Exception as error:  # anything that a model may raise
        return error
    finally:
        model.train(training)
    if torch.is_tensor(output) and output.dim() == 4:
        return tuple(output.shape)
    return None
