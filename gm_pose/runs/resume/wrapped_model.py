"""A model and the distributed wrapper around it."""

from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn

__all__ = ['unwrap_model']


def unwrap_model(model: nn.Module) -> nn.Module:
    """The module inside a distributed wrapper, or `model` itself."""
    inner: Any = model.module if is_model_wrapper(model) else model
    return inner
