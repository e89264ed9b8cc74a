"""What a merged config holds, read once: every check looks at this."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mmengine.config import Config

from gm_pose.runs.checks.component import Component, Dataset, Split
from gm_pose.runs.checks.component_builder import ComponentBuilder
from gm_pose.runs.config_dicts import iter_dicts

__all__ = ['Outline', 'find_metrics', 'read_outline']

SPLITS = ('train', 'val', 'test')
_DATASET_PLACE = re.compile(r'\.(dataset|datasets\.\d+)$')


@dataclass(frozen=True)
class Outline:
    """A merged config as the checks see it.

    Args:
        cfg: the config.
        splits: those that the run uses.
        codec: the config's `codec`; without one, the first encoder or decoder.
        codec_copies: encoders of every pipeline that runs, then the head's decoder.
        model: the config's `model`.
        model_components: its data_preprocessor, backbone, neck and head, if there.
        hooks: default hooks, then custom ones.
        schedulers: of `param_scheduler`.
        optimizer: of `optim_wrapper`.
        typed: every dict of the config that has a `type`.
        builder: builds components, each once.
        notes: what checks found good to know, logged when the run starts.
    """

    cfg: Config
    splits: tuple[Split, ...]
    codec: Component
    codec_copies: tuple[Component, ...]
    model: Component
    model_components: tuple[Component, ...]
    hooks: tuple[Component, ...]
    schedulers: tuple[Component, ...]
    optimizer: Component
    typed: tuple[Component, ...]
    builder: ComponentBuilder
    notes: list[str] = field(default_factory=list)

    def get(self, path: str) -> Any:
        """What stands at a dotted path of dicts, or None."""
        return find(self.cfg, path)

    @property
    def trains(self) -> bool:
        """Whether the run trains."""
        return any(split.name == 'train' for split in self.splits)

    @property
    def head_channels(self) -> int | None:
        """``model.head.out_channels`` where it is a number."""
        channels = self.get('model.head.out_channels')
        return channels if isinstance(channels, int) else None

    @property
    def num_keypoints(self) -> int | None:
        """K that the head and its datasets agree on; None where they do not."""
        counts = {self.head_channels}
        for split in self.splits[:1]:
            for dataset in split.datasets:
                if dataset.is_posed and not dataset.converts_keypoints:
                    try:
                        counts.add(dataset.num_keypoints)
                    except FileNotFoundError:  # `check_keypoint_count` reports it
                        continue
        counts.discard(None)
        return counts.pop() if len(counts) == 1 else None


def find(node: Any, path: str) -> Any:
    """What stands at a dotted path of dicts below `node`, or None."""
    for key in path.split('.'):
        node = node.get(key) if isinstance(node, (dict, Config)) else None
    return node


def read_outline(cfg: Config, splits: tuple[str, ...] = SPLITS) -> Outline:
    """Merged config -> its outline. Anything may stand anywhere; nothing is checked.

    Args:
        cfg: merged config, before `add_run_defaults`.
        splits: 'train', 'val', 'test': those that the run uses.
    """
    dicts = [Component(*place) for place in iter_dicts(cfg._cfg_dict)]
    copies = tuple(_find_codec_copies(dicts))
    model = Component('model', cfg.get('model'))
    names = ('data_preprocessor', 'backbone', 'neck', 'head')
    return Outline(
        cfg=cfg,
        splits=tuple(_read_split(cfg, split, dicts) for split in splits),
        codec=_choose_codec(cfg.get('codec'), copies),
        codec_copies=copies,
        model=model,
        model_components=tuple(
            Component(f'model.{name}', value)
            for name in names
            if (value := model.get(name)) is not None
        ),
        hooks=tuple(_find_hooks(cfg)),
        schedulers=_list('param_scheduler', cfg.get('param_scheduler')),
        optimizer=Component(
            'optim_wrapper.optimizer', find(cfg, 'optim_wrapper.optimizer')
        ),
        typed=tuple(place for place in dicts if 'type' in place.config),
        builder=ComponentBuilder(),
    )


def find_metrics(cfg: Config, split: str) -> tuple[Component, ...]:
    """A split's metrics, those that an evaluator wraps too."""
    path, metrics = f'{split}_evaluator', cfg.get(f'{split}_evaluator')
    if isinstance(metrics, dict) and 'metrics' in metrics:
        path, metrics = f'{path}.metrics', metrics['metrics']
    return () if isinstance(metrics, tuple) else _list(path, metrics)


def _list(path: str, values: Any) -> tuple[Component, ...]:
    """Each of several components; a single one stands for itself, None for none."""
    if not isinstance(values, (list, tuple)):
        return () if values is None else (Component(path, values),)
    return tuple(Component(f'{path}.{n}', value) for n, value in enumerate(values))


def _find_codec_copies(dicts: list[Component]) -> Iterator[Component]:
    # 'custom_hooks': the later pipeline of a PipelineSwitchHook
    for root in (*(f'{split}_dataloader' for split in SPLITS), 'custom_hooks'):
        for step in dicts:
            if not step.path.startswith(f'{root}.') or 'encoder' not in step.config:
                continue
            if step.get('type') == 'GenerateTarget':
                yield Component(f'{step.path}.encoder', step.config['encoder'])
    for place in dicts:  # `VisPredictHead` has it in its `pose_cfg`
        if f'{place.path}.'.startswith('model.head.') and 'decoder' in place.config:
            yield Component(f'{place.path}.decoder', place.config['decoder'])


def _choose_codec(codec: Any, copies: tuple[Component, ...]) -> Component:
    """`cfg.codec`; where no config variable has that name, the first copy."""
    copy = copies[0] if codec is None and copies else Component('codec', codec)
    return copy if isinstance(copy.config, dict) else Component('codec', None)


def _find_hooks(cfg: Config) -> Iterator[Component]:
    hooks = cfg.get('default_hooks') or {}
    for name, hook in hooks.items() if isinstance(hooks, dict) else ():
        if hook is not None:
            yield Component(f'default_hooks.{name}', hook)
    yield from _list('custom_hooks', cfg.get('custom_hooks'))


def _read_split(cfg: Config, name: str, dicts: list[Component]) -> Split:
    loader = Component(f'{name}_dataloader', cfg.get(f'{name}_dataloader'))
    return Split(
        name=name,
        loader=loader,
        datasets=tuple(_read_datasets(f'{loader.path}.dataset', dicts)),
        sampler=Component(f'{loader.path}.sampler', loader.get('sampler')),
        evaluator=Component(f'{name}_evaluator', cfg.get(f'{name}_evaluator')),
        metrics=find_metrics(cfg, name),
    )


def _read_datasets(root: str, dicts: list[Component]) -> Iterator[Dataset]:
    """The dataset at `root` and those that it wraps, outer ones first."""
    wrapper = None
    for place in dicts:
        path, config = place.path, place.config
        if path != root and not path.startswith(f'{root}.'):
            continue
        if 'ann_file' not in config and not _DATASET_PLACE.search(path):
            continue
        is_posed = (wrapper is None or not path.startswith(wrapper)) and bool(
            config.get('metainfo') or not {'dataset', 'datasets'} & {*config}
        )
        wrapper = f'{path}.' if is_posed else wrapper
        pipeline = config.get('pipeline')
        steps = pipeline if isinstance(pipeline, (list, tuple)) else []
        yield Dataset(path, config, _list(f'{path}.pipeline', steps), is_posed)
