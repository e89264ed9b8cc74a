"""Places of a config: what is built there, datasets, the data of a split."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gm_pose.runs.checks.dataset_keypoints import count_keypoints

__all__ = ['Component', 'Dataset', 'Split']


@dataclass(frozen=True)
class Component:
    """Something that the config describes: a dict with a `type`, if it is right.

    Args:
        path: dotted config path.
        config: what stands there.
    """

    path: str
    config: Any

    def get(self, key: str) -> Any:
        """A setting, or None where there is none or `config` is no dict."""
        return self.config.get(key) if isinstance(self.config, dict) else None


@dataclass(frozen=True)
class Dataset(Component):
    """A dataset or a wrapper around others.

    Args:
        steps: its pipeline.
        is_posed: whether its own joints reach the model. A wrapper that names the joints
            itself (`CombinedDataset` with its `metainfo`) stands for what it wraps.
    """

    steps: tuple[Component, ...] = ()
    is_posed: bool = False

    @cached_property
    def num_keypoints(self) -> int | None:
        """K of its metainfo, or None where the config does not say.

        Raises:
            FileNotFoundError: the metainfo names a file that does not exist.
        """
        return count_keypoints(self.config)

    @property
    def converts_keypoints(self) -> bool:
        """Whether the pipeline turns its joints into another dataset's."""
        return any(step.get('type') == 'KeypointConverter' for step in self.steps)


@dataclass(frozen=True)
class Split:
    """The data of 'train', 'val' or 'test', and what evaluates it."""

    name: str
    loader: Component
    datasets: tuple[Dataset, ...]
    sampler: Component
    evaluator: Component
    metrics: tuple[Component, ...]
