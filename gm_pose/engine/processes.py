"""Which process of a job this is, before any process group exists."""

import os

__all__ = ['get_launched_rank', 'is_first_on_node']

_RANKS = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK')
_LOCALS = dict(
    pytorch='LOCAL_RANK', slurm='SLURM_LOCALID', mpi='OMPI_COMM_WORLD_LOCAL_RANK'
)


def _read(names: dict[str, str], launcher: str, default: int) -> int:
    return int(os.environ.get(names.get(launcher, ''), default))


def get_launched_rank(launcher: str) -> int:
    """This process's number in the job; 0 without a launcher."""
    return _read(_RANKS, launcher, 0)


def is_first_on_node(launcher: str) -> bool:
    """Whether this process checks files for its machine: data may differ by machine."""
    return _read(_LOCALS, launcher, 0) == 0
