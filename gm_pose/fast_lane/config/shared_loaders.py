"""Data loaders of machines that have a share of the people each."""

from typing import Any

from mmengine.config import ConfigDict

from gm_pose.codecs.base_codec import get_type
from gm_pose.fast_lane.config.image_kinds import STREAM
from gm_pose.fast_lane.config.recipe import NotRecognised
from gm_pose.fast_lane.config.settings import FastLaneSettings

__all__ = ['check_sampler', 'get_share_arguments', 'share_people', 'unshare_people']

SAMPLER = 'NodeShardSampler'


def has_shares(settings: FastLaneSettings) -> bool:
    """Whether machines keep to shares; of a stream each fetches its own, at least."""
    return settings.shards == 'node' or settings.images.startswith(STREAM)


def check_sampler(loader: ConfigDict, settings: FastLaneSettings) -> None:
    """Raise NotRecognised for a sampler that `NodeShardSampler` cannot stand in for."""
    sampler = _find_sampler(loader)
    if has_shares(settings) and get_type(sampler) not in ('DefaultSampler', SAMPLER):
        reason = (
            f'images={settings.images!r}'
            if settings.shards is None
            else "shards='node'"
        )
        raise NotRecognised(f'sampler {get_type(sampler)} with {reason}')


def get_share_arguments(settings: FastLaneSettings) -> dict[str, Any]:
    """Arguments of `FastTopdownDataset`."""
    found: dict[str, Any] = {}
    if settings.shards is not None:
        found.update(shards=settings.shards)
    if settings.images.startswith(STREAM):
        found.update(stream_cache_gb=settings.stream_cache_gb)
    return found


def share_people(loader: ConfigDict, settings: FastLaneSettings) -> None:
    """Exchange the sampler that chooses people."""
    if has_shares(settings):
        _find_sampler(loader)['type'] = SAMPLER


def unshare_people(loader: ConfigDict) -> None:
    """Undo `share_people`."""
    sampler = _find_sampler(loader)
    if get_type(sampler) == SAMPLER:
        sampler['type'] = 'DefaultSampler'


def _find_sampler(loader: ConfigDict) -> Any:
    """The config of the sampler, below the one that hands out seeds."""
    sampler = loader.get('sampler') or {}
    if get_type(sampler) == 'SeededSampler':
        return sampler.get('sampler') or {}
    return sampler
