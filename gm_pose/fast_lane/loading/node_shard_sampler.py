"""Sampler of people whose images are on this machine."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import sync_random_seed
from mmpose.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from gm_pose.fast_lane.images.node_shares import NodeShare
from gm_pose.fast_lane.images.store_plan import order_people
from gm_pose.fast_lane.images.streamed_images import WINDOW_SHARDS
from gm_pose.runs.launch.nodes import find_node
from gm_pose.runs.user_errors import UserError

__all__ = ['NodeShardSampler']


@DATA_SAMPLERS.register_module()
class NodeShardSampler(Sampler):
    """`DefaultSampler` whose machines keep to their own share of the people.

    Machine I of N draws from the share that `gm_pose build-store --node I --nodes N`
    stores. Over all processes everybody comes once an epoch; `round_up` repeats the first
    ones of a share until every process has as many.

    Where images come in shards of a stream, a machine's shards are shuffled, and people
    within `WINDOW_SHARDS` of them at a time: its processes fetch each shard about once an
    epoch. Without shuffling people come ordered by image.

    Args:
        dataset: a `FastTopdownDataset`.
        shuffle: another order each epoch.
        seed: of the order, the same in every process; drawn if None.
        round_up: as many samples in every process.

    Raises:
        TypeError: of a dataset that does not know where its images are.
        UserError: see `find_node`; or fewer people than machines to train on.
    """

    def __init__(
        self,
        dataset: Any,
        shuffle: bool = True,
        seed: int | None = None,
        round_up: bool = True,
    ) -> None:
        if not hasattr(dataset, 'find_stream_shards'):
            raise TypeError(
                f'dataset is {type(dataset).__name__}; expected FastTopdownDataset. Fix: '
                "let --fast with fast_lane.shards='node' choose the sampler"
            )
        self.place = find_node()
        self.shuffle, self.round_up = shuffle, round_up
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        share = NodeShare(self.place.node, self.place.num_nodes)
        count = len(dataset)
        if round_up and count < share.num_nodes:
            raise UserError(
                f'{count} people are fewer than the {share.num_nodes} machines that share '
                "them; expected at least one each. Fix: leave out fast_lane.shards='node'"
            )
        self.rows = order_people(dataset.people)[slice(*share.get_range(count))]
        shards = dataset.find_stream_shards()
        self._shards = None if shards is None else shards[self.rows]
        world_size = self.place.num_nodes * self.place.local_size
        self._padded = -(-count // world_size) * self.place.local_size
        if shards is None:
            dataset.check_stored(self.rows, share)

    def __iter__(self) -> Iterator[int]:
        rows = self.rows[self._shuffle()] if self.shuffle else self.rows
        if self.round_up and len(rows):
            rows = np.resize(rows, self._padded)
        return iter(rows[self.place.local_rank :: self.place.local_size].tolist())

    def _shuffle(self) -> np.ndarray:
        """Order of this machine's people (n,); the same in all of its processes."""
        generator = torch.Generator()
        generator.manual_seed(self.seed + self.epoch)
        order = torch.randperm(len(self.rows), generator=generator).numpy()
        if self._shards is None:
            return order
        numbers, inverse = np.unique(self._shards, return_inverse=True)
        turns = torch.randperm(len(numbers), generator=generator).numpy()
        windows = turns[inverse] // WINDOW_SHARDS
        return order[np.argsort(windows[order], kind='stable')]

    def __len__(self) -> int:
        count = self._padded if self.round_up else len(self.rows)
        return len(range(self.place.local_rank, count, self.place.local_size))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, of which the order follows."""
        self.epoch = epoch

    def describe(self) -> str:
        """The order in words, for comparing two runs."""
        return f'{type(self).__name__} of {self.place.num_nodes} machines'
