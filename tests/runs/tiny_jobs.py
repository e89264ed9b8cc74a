"""Jobs of several processes on this machine, started as each launcher does."""

import os
import signal
import socket
from pathlib import Path

from tiny_runs import Ended, start_child, wait_for_child

# Equal steps need a model whose output for a sample does not depend on the rest of the
# batch: GroupNorm instead of BatchNorm, and no dropout.
INDEPENDENT = """
model['backbone']['norm_cfg'] = dict(type='GN', num_groups=2)
model['neck'] = None
train_dataloader.update(num_workers=0, persistent_workers=False)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=1.0))
param_scheduler = []
train_cfg['max_epochs'] = 1
"""


def free_port() -> int:
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


def name_as_torchrun(rank: int, size: int, port: int) -> dict[str, str]:
    """What torchrun tells a process."""
    return dict(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(size),
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )


def name_as_slurm(rank: int, size: int, port: int) -> dict[str, str]:
    """What srun tells a process, and mim the port."""
    return dict(
        SLURM_PROCID=str(rank),
        SLURM_LOCALID=str(rank),
        SLURM_NTASKS=str(size),
        SLURM_NODELIST='node[03-04]',
        MASTER_PORT=str(port),
    )


def name_as_mpirun(rank: int, size: int, port: int) -> dict[str, str]:
    """What Open MPI tells a process, and the user the address."""
    return dict(
        OMPI_COMM_WORLD_RANK=str(rank),
        OMPI_COMM_WORLD_LOCAL_RANK=str(rank),
        OMPI_COMM_WORLD_SIZE=str(size),
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
    )


def run_ranks(
    task, tmp_path: Path, size: int = 2, name=name_as_torchrun
) -> list[Ended]:
    """Run `task` in `size` processes that find each other as a launcher lets them."""
    port = free_port()

    def start(rank: int) -> tuple[int, Path]:
        def in_child():
            os.environ.update(name(rank, size, port))
            task()

        log = tmp_path / f'rank_{port}_{rank}.log'
        return start_child(in_child, log), log

    ended: list[Ended] = []
    children = [start(rank) for rank in range(size)]
    try:
        for child in children:
            ended.append(wait_for_child(*child))
    finally:  # where one hangs, the others are not left behind
        for pid, _ in children[len(ended) + 1 :]:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return ended
