"""What a codec itself wants checked: its class says it.

A codec knows which settings around it must fit (channels of the head, weights that the
loss must use, the grid of the crop); the checks know no codec.
"""

from typing import Protocol, runtime_checkable

from gm_pose.runs.checks.model_building import build_codec
from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.problem import Problem

__all__ = ['HasConfigRules', 'check_codec_rules']


@runtime_checkable
class HasConfigRules(Protocol):
    """A codec that looks at the config around it."""

    def find_config_problems(self, outline: Outline) -> list[Problem]:
        """What in the config does not fit this codec; empty if all does.

        Args:
            outline: the config. ``outline.codec.path`` is this codec's place,
                ``outline.get('model.head.loss')`` what stands at a path,
                ``outline.splits`` has each data loader's datasets and pipelines.
        """


def check_codec_rules(outline: Outline) -> list[Problem]:
    """Ask the config's codec, if its class has rules."""
    codec = build_codec(outline)
    if not isinstance(codec, HasConfigRules):
        return []
    return list(codec.find_config_problems(outline))
