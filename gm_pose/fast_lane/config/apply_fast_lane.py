"""A merged config on the fast lane: loaders, data preprocessor, metrics, device.

Everything that the config says about data and targets stays where it is; the parts that
carry it out are exchanged. Where one of them is not recognised, nothing is changed and
the reason is returned.
"""

from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmpose.models import TopdownPoseEstimator
from mmpose.registry import DATASETS, MODELS

from gm_pose.codecs.base_codec import find_class, get_type, to_plain
from gm_pose.fast_lane.config.device_settings import set_device_options
from gm_pose.fast_lane.config.recipe import NotRecognised, Recipe, read_recipe
from gm_pose.fast_lane.config.settings import FastLaneSettings, read_settings
from gm_pose.fast_lane.config.shared_loaders import (
    check_sampler,
    get_share_arguments,
    share_people,
    unshare_people,
)
from gm_pose.fast_lane.device.batch_encoders import make_batch_encoder
from gm_pose.fast_lane.people.people_arrays import load_people
from gm_pose.fast_lane.people.people_columns import UnpackableDataset
from gm_pose.fast_lane.people.people_key import has_own_reader
from gm_pose.fast_lane.people.people_of_parts import is_combined
from gm_pose.runs.checks.outline import find_metrics

__all__ = ['apply_fast_lane', 'leave_fast_lane']

DATASET = 'FastTopdownDataset'
PREPROCESSOR = 'FastPoseDataPreprocessor'
# Hooks that exchange a pipeline while the run goes on.
_SWITCHES = ('PipelineSwitchHook', 'RTMOModeSwitchHook', 'YOLOXPoseModeSwitchHook')


def apply_fast_lane(
    cfg: Config, splits: tuple[str, ...] = ('train', 'val')
) -> list[str]:
    """Put a merged config on the fast lane, in place -> what is good to know.

    Does nothing where `cfg.fast_lane` is not set. Call it last, after `add_run_defaults`.

    Args:
        cfg: merged config.
        splits: 'train', 'val', 'test': those that the run uses.

    Raises:
        ValueError: a setting of `fast_lane` that does not exist.
        UserError: the cache cannot be written, see `load_people`.
    """
    leave_fast_lane(cfg)
    if cfg.get('fast_lane') is None:
        return []
    settings = read_settings(cfg.fast_lane)
    used = [split for split in splits if cfg.get(f'{split}_dataloader') is not None]
    try:
        recipes = {split: _read_split(cfg, split) for split in used}
        for split in used:
            check_sampler(cfg[f'{split}_dataloader'], settings)
        _check_hooks(cfg)
        for split in used:
            _check_people(_unwrap(cfg[f'{split}_dataloader'].dataset), settings)
        _check_model(cfg.model, next(iter(recipes.values())))
        if 'train' in used:
            _check_visibilities(cfg)
        for recipe in recipes.values():
            _check_encoder(recipe)
    except NotRecognised as error:
        return [f'fast lane: not used, it does not know {error}']
    for split in used:
        _change_loader(cfg[f'{split}_dataloader'], settings)
        _change_metrics(cfg, split)
    _change_preprocessor(cfg.model, recipes.get('train'))
    set_device_options(cfg, settings, trains='train' in used)
    return [f'fast lane: {", ".join(used)}, images={settings.images}']


def leave_fast_lane(cfg: Config) -> None:
    """Undo the change of the loaders, in a config that a run on the fast lane wrote.

    The data preprocessor reads stock batches, too, and stays.
    """
    for split in ('train', 'val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader is None:
            continue
        dataset = _unwrap(
            loader.get('dataset') or {}
        )  # `add_run_defaults` wraps it again
        if get_type(dataset) != DATASET:
            continue
        loader.dataset = dataset.dataset
        loader.pop('collate_fn', None)
        unshare_people(loader)
        if split == 'train':
            loader.dataset = ConfigDict(type='SeededDataset', dataset=loader.dataset)
            loader.sampler.pop('mix', None)


def _read_split(cfg: Config, split: str) -> Recipe:
    loader = cfg[f'{split}_dataloader']
    for name in ('batch_sampler', 'collate_fn'):
        if loader.get(name) is not None:
            raise NotRecognised(f'{split}_dataloader.{name}')
    recipe = read_recipe(_unwrap(loader.dataset))
    if recipe.is_training != (split == 'train'):
        raise NotRecognised(
            f'a {split} pipeline {"with" if recipe.is_training else "without"} '
            'GenerateTarget'
        )
    for metric in find_metrics(cfg, split) if split != 'train' else ():
        if get_type(metric.config) == 'CocoMetric' and not metric.get('ann_file'):
            raise NotRecognised(f'{metric.path} without ann_file')
    return recipe


def _unwrap(dataset: ConfigDict) -> ConfigDict:
    return dataset.dataset if get_type(dataset) == 'SeededDataset' else dataset


def _check_people(dataset: ConfigDict, settings: FastLaneSettings) -> None:
    """A user's class may read samples that arrays cannot hold: it is let read them."""
    for part in dataset.datasets if is_combined(dataset) else [dataset]:
        kind = find_class(part, DATASETS)
        if not has_own_reader(kind):
            continue
        try:
            load_people(part, settings.cache_dir)
        except UnpackableDataset as error:
            raise NotRecognised(f'the samples of {kind.__name__}: {error}') from error


def _check_hooks(cfg: Config) -> None:
    """The pipeline is read once: a later one would be ignored silently."""
    for hook in cfg.get('custom_hooks') or []:
        if get_type(hook).endswith(_SWITCHES):
            raise NotRecognised(f'hook {get_type(hook)}, which changes the pipeline')


def _check_model(model: Any, recipe: Recipe) -> None:
    cls = MODELS.get(str(model.get('type')))
    if cls is None or not issubclass(cls, TopdownPoseEstimator):
        raise NotRecognised(f'model {get_type(model)}; it knows top-down estimators')
    preprocessor = model.get('data_preprocessor') or {}
    kind = get_type(preprocessor)
    if kind not in ('PoseDataPreprocessor', PREPROCESSOR):
        raise NotRecognised(f'data preprocessor {kind}')
    if preprocessor.get('batch_augments'):
        raise NotRecognised('model.data_preprocessor.batch_augments')
    if preprocessor.get('mean') is None:
        raise NotRecognised('model.data_preprocessor without mean and std')
    divisor = preprocessor.get('pad_size_divisor', 1)
    if any(side % divisor for side in recipe.input_size):
        raise NotRecognised(
            f'pad_size_divisor {divisor} at input size {list(recipe.input_size)}'
        )


def _check_visibilities(cfg: Config) -> None:
    """Which keypoints a part of the data has at all is not kept, and one head learns it."""
    is_learned = get_type(cfg.model.get('head') or {}) == 'VisPredictHead'
    if is_learned and is_combined(_unwrap(cfg.train_dataloader.dataset)):
        raise NotRecognised('VisPredictHead on CombinedDataset')


def _check_encoder(recipe: Recipe) -> None:
    if recipe.encoder is None:
        return
    try:
        make_batch_encoder(recipe.encoder)
    except ValueError as error:
        raise NotRecognised(str(error)) from error


def _change_loader(loader: ConfigDict, settings: FastLaneSettings) -> None:
    loader.dataset = ConfigDict(
        type=DATASET,
        dataset=_unwrap(loader.dataset),
        images=settings.images,
        cache_dir=settings.cache_dir,
        **get_share_arguments(settings),
    )
    share_people(loader, settings)
    loader.collate_fn = ConfigDict(type='keep_batch')
    loader.pin_memory = torch.cuda.is_available()
    sampler = loader.get('sampler')
    if sampler is not None and get_type(sampler) == 'SeededSampler':
        sampler.mix = False


def _change_metrics(cfg: Config, split: str) -> None:
    if split == 'train':
        return
    for metric in find_metrics(cfg, split):
        if get_type(metric.config) == 'CocoMetric':
            metric.config['type'] = 'FastCocoMetric'


def _change_preprocessor(model: ConfigDict, recipe: Recipe | None) -> None:
    preprocessor = model.data_preprocessor
    preprocessor.type = PREPROCESSOR
    if recipe is not None:
        preprocessor.encoder = to_plain(recipe.encoder)
