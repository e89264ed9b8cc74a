"""The config's codec and model, built once for all checks that need them."""

import copy
import inspect
import warnings
from typing import Any

import torch

from gm_pose.runs.checks.component_arguments import (
    MISTAKES,
    explain_mistake,
    find_culprits,
    find_type,
)
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.problem import Problem
from gm_pose.runs.resume.rng_state import preserve_rng

__all__ = ['build_codec', 'build_meta_model', 'build_model']


def build_codec(outline: Outline) -> Any:
    """The config's codec, or None if it has none or a wrong one."""
    from mmpose.registry import KEYPOINT_CODECS

    if outline.codec.config is None:
        return None
    return outline.builder.build(KEYPOINT_CODECS, outline.codec)


def build_model(outline: Outline) -> torch.nn.Module | None:
    """The model without memory for its weights, or None if it cannot be built.

    Of a head whose codec is wrong the decoder is left out, so that the rest of the model
    is looked at all the same.
    """
    builder, path = outline.builder, outline.model.path
    if builder.is_tried(path):
        return builder.get_built(path)
    config, found = _prepare_config(outline)
    if config is None:
        return builder.keep(path, None, found)
    try:
        return builder.keep(path, build_meta_model(config), [])
    except MISTAKES as error:
        place = _find_place(outline, find_culprits(error))
        return builder.keep(path, None, [explain_mistake(error, place)])


def _prepare_config(outline: Outline) -> tuple[dict | None, list[Problem]]:
    """The model's config if its arguments are right; what is wrong with the model's own."""
    from mmpose.registry import MODELS

    builder, model = outline.builder, outline.model
    found = builder.check(MODELS, model)
    wrong = [builder.check(MODELS, component) for component in outline.model_components]
    if found or any(wrong) or not isinstance(model.config, dict):
        return None, found
    config = copy.deepcopy(model.config)
    if 'preprocess_cfg' in outline.cfg:
        preprocessor = copy.deepcopy(outline.cfg.preprocess_cfg)
        config.setdefault('data_preprocessor', preprocessor)
    if outline.codec.config is not None and build_codec(outline) is None:
        head = config.get('head') or {}
        if 'decoder' in head and not _can_omit(find_type(MODELS, head), 'decoder'):
            return None, []
        head.pop('decoder', None)
    return config, []


def build_meta_model(config: dict) -> torch.nn.Module:
    """A model on the meta device; on the CPU if it cannot be built there."""
    from mmpose.registry import MODELS

    try:
        with preserve_rng(), torch.device('meta'), warnings.catch_warnings():
            # PyTorch's, for each tensor of a backbone that loads weights when built
            warnings.filterwarnings('ignore', '.*copying from a non-meta parameter')
            return MODELS.build(copy.deepcopy(config))
    except Exception:  # any reason: what counts is whether the CPU can
        with preserve_rng():
            return MODELS.build(copy.deepcopy(config))


def _can_omit(kind: Any, argument: str) -> bool:
    parameter = inspect.signature(kind).parameters.get(argument) if kind else None
    return parameter is not None and parameter.default is None


def _find_place(outline: Outline, culprits: list[str]) -> str:
    """Path of the component whose class comes first among those that raised."""
    for name in culprits:
        paths = [
            component.path
            for component in outline.model_components
            if _name_type(component.get('type')) == name
        ]
        if paths:
            return paths[0]
    return outline.model.path


def _name_type(kind: Any) -> str:
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
    return name.rpartition('.')[2]
