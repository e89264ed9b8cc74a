"""Which people, images and shards belong to which machine.

People are ordered by image, as the entries of every store are, and cut into equal shares.
A shard that two shares meet in belongs to both: nobody is left out, and no share is larger
than another by more than one person.
"""

from dataclasses import dataclass

import numpy as np

from gm_pose.fast_lane.images.store_plan import StorePlan
from gm_pose.fast_lane.people.people_arrays import PeopleArrays

__all__ = ['NodeShare', 'list_shards']


@dataclass(frozen=True)
class NodeShare:
    """Share `node` of `num_nodes`.

    Raises:
        ValueError: there is no such share.
    """

    node: int
    num_nodes: int

    def __post_init__(self) -> None:
        if not 0 <= self.node < self.num_nodes:
            raise ValueError(
                f'node is {self.node} of {self.num_nodes}; expected 0 to '
                f'{max(self.num_nodes, 1) - 1}, and at least one node'
            )

    def get_range(self, count: int) -> tuple[int, int]:
        """Of `count` people in order: the first of the share, and one past the last."""
        start, end = self.node * count, (self.node + 1) * count
        return start // self.num_nodes, end // self.num_nodes


def list_shards(
    plan: StorePlan, people: PeopleArrays, share: NodeShare | None
) -> range:
    """Numbers of the shards that a machine needs; all without a share."""
    if share is None:
        return range(plan.num_shards)
    start, end = share.get_range(len(people))
    if start == end:
        return range(0)
    first, last = start, end - 1
    if plan.kind == 'images':
        rows = np.sort(people.image_rows)
        first, last = int(rows[first]), int(rows[last])
    ends = np.searchsorted(plan.starts, [first, last], side='right')
    return range(int(ends[0]) - 1, int(ends[1]))
