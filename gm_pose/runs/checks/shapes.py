"""Keypoints and heatmap size must agree between codec, head and datasets."""

from collections.abc import Sequence
from typing import Any

import torch

from gm_pose.runs.checks.component import Dataset
from gm_pose.runs.checks.model_building import build_codec, build_model
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.problem import Problem
from gm_pose.runs.resume.rng_state import preserve_rng

__all__ = ['check_heatmap_size', 'check_keypoint_count']


def check_keypoint_count(outline: Outline) -> list[Problem]:
    """Every dataset has as many keypoints as the head has channels."""
    channels, found = outline.head_channels, []
    # A head for several datasets may hand out some of its joints when it is tested.
    kept = outline.get('model.test_cfg.output_keypoint_indices')
    for split in outline.splits:
        expected = channels if split.name == 'train' or not kept else len(kept)
        for dataset in split.datasets:
            if not dataset.is_posed:
                continue
            try:
                count = dataset.num_keypoints
            except FileNotFoundError as error:
                found.append(_explain_metainfo(dataset, error))
                continue
            found += _check_parts(dataset, split.datasets)
            if None in (count, expected) or count == expected:
                continue
            if not dataset.converts_keypoints:
                found.append(
                    Problem(
                        'model.head.out_channels',
                        f'is {channels}, and {dataset.path} has {count} keypoints',
                        f"set model.head.out_channels={count}, or the dataset's own "
                        'metainfo',
                    )
                )
    return found


def _check_parts(whole: Dataset, datasets: Sequence[Dataset]) -> list[Problem]:
    """What a `CombinedDataset` wraps has its keypoints, or converts its own to them."""
    found: list[Problem] = []
    if whole.get('type') != 'CombinedDataset' or whole.num_keypoints is None:
        return found
    for part in datasets:
        if part.path.rpartition('.')[0] != f'{whole.path}.datasets':
            continue
        converters = [s for s in part.steps if s.get('type') == 'KeypointConverter']
        try:
            count = converters[-1].get('num_keypoints') if converters else None
            count = part.num_keypoints if count is None else count
        except FileNotFoundError as error:
            found.append(_explain_metainfo(part, error))
            continue
        if count not in (None, whole.num_keypoints):
            found.append(
                Problem(
                    part.path,
                    f'has {count} keypoints, and the metainfo of {whole.path} '
                    f'{whole.num_keypoints}',
                    'let KeypointConverter, the only step of its pipeline, map them to '
                    f'num_keypoints={whole.num_keypoints}',
                )
            )
    return found


def _explain_metainfo(dataset: Dataset, error: Exception) -> Problem:
    return Problem(
        f'{dataset.path}.metainfo',
        f'cannot be read: {error}',
        "give from_file the path of a dataset description (MMPose's are in "
        'configs/_base_/datasets)',
    )


def check_heatmap_size(outline: Outline) -> list[Problem]:
    """The head's output has the codec's heatmap size.

    Shapes are all that is computed where the model has no memory for its weights. Some
    models cannot be followed that way and are built again, on the CPU.
    """
    codec = outline.cfg.get('codec')
    if not isinstance(codec, dict) or not {'input_size', 'heatmap_size'} <= {*codec}:
        return []
    model = build_model(outline)
    if model is None or build_codec(outline) is None:
        return []  # reported by `check_components`
    size = tuple(codec['input_size'])
    shape = _infer_output_shape(model, size)
    if isinstance(shape, Exception):
        shape = _infer_output_shape(_build_on_cpu(outline), size)
    if isinstance(shape, Exception):
        text = ' '.join(str(shape).split())[:300]
        return [
            Problem(
                'model',
                f'cannot process an image of codec.input_size={size} (W, H): {text}',
                'make in_channels of model.neck and model.head fit what comes before',
            )
        ]
    expected = tuple(codec['heatmap_size'])
    if shape is None or (shape[-1], shape[-2]) == expected:
        return []
    found = (shape[-1], shape[-2])
    return [
        Problem(
            'codec.heatmap_size',
            f'is {expected} (W, H); the head gives {found} for codec.input_size={size}',
            f'set codec.heatmap_size={found}, or change the head',
        )
    ]


def _build_on_cpu(outline: Outline) -> torch.nn.Module:
    import copy

    from mmpose.registry import MODELS

    model = copy.deepcopy(outline.model.config)
    if 'preprocess_cfg' in outline.cfg:
        model.setdefault('data_preprocessor', outline.cfg.preprocess_cfg)
    with preserve_rng():
        return MODELS.build(model)


def _infer_output_shape(
    model: Any, input_size: tuple[int, ...]
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
