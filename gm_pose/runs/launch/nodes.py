"""Which machine of a job a process runs on."""

import os
import socket
from dataclasses import dataclass

from mmengine.dist import all_gather_object, get_dist_info

from gm_pose.runs.user_errors import UserError

__all__ = ['NodePlace', 'find_node']

# rank, processes on the machine, as launchers name them
_LOCAL = (
    ('RANK', 'LOCAL_WORLD_SIZE'),
    ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_LOCAL_SIZE'),
)


@dataclass(frozen=True)
class NodePlace:
    """Where a process is.

    Args:
        node: number of its machine, from 0.
        num_nodes: machines of the job.
        local_rank: number of the process on its machine, from 0.
        local_size: processes on each machine.
    """

    node: int = 0
    num_nodes: int = 1
    local_rank: int = 0
    local_size: int = 1


def find_node() -> NodePlace:
    """The place of this process; every process of the job must call it.

    A machine's number is torchrun's ``GROUP_RANK``, SLURM's ``SLURM_NODEID``, or the rank
    divided by the processes on a machine; without any of them, machines are told apart by
    host name and numbered by their first rank.

    Raises:
        UserError: machines are not numbered from 0 on, or have different numbers of
            processes.
    """
    rank, size = get_dist_info()
    if size == 1:
        return NodePlace()
    labels = all_gather_object(_read_label())
    if all(isinstance(label, int) for label in labels):
        numbers = sorted(set(labels))
        if numbers != list(range(len(numbers))):
            raise UserError(
                f'machines of this job are numbered {numbers}; expected 0 to '
                f'{len(numbers) - 1}. Fix: start it with torchrun --node_rank, or srun'
            )
    else:
        numbers = list(dict.fromkeys(labels))
    counts = {number: labels.count(number) for number in numbers}
    if len(set(counts.values())) > 1:
        raise UserError(
            f'machines of this job have {list(counts.values())} processes; expected as '
            "many on each. Fix: start it so, or leave out fast_lane.shards='node'"
        )
    return NodePlace(
        node=numbers.index(labels[rank]),
        num_nodes=len(numbers),
        local_rank=labels[:rank].count(labels[rank]),
        local_size=counts[labels[rank]],
    )


def _read_label() -> int | str:
    """The machine's number as the launcher gives it, else its name."""
    environment = os.environ
    for name in ('GROUP_RANK', 'SLURM_NODEID'):
        if environment.get(name, '').isdecimal():
            return int(environment[name])
    for rank, size in _LOCAL:
        found = environment.get(rank, ''), environment.get(size, '')
        if all(map(str.isdecimal, found)) and int(found[1]) > 0:
            return int(found[0]) // int(found[1])
    return socket.gethostname()
