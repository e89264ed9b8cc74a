"""Which process of a job this is, before any process group exists."""

import os
import shutil
import subprocess

from gm_pose.runs.user_errors import UserError

__all__ = [
    'check_launcher',
    'export_rendezvous',
    'get_launched_rank',
    'is_first_on_node',
]

# launcher: rank in the job, rank on the machine, number of processes
_VARIABLES = dict(
    pytorch=('RANK', 'LOCAL_RANK', 'WORLD_SIZE'),
    slurm=('SLURM_PROCID', 'SLURM_LOCALID', 'SLURM_NTASKS'),
    mpi=(
        'OMPI_COMM_WORLD_RANK',
        'OMPI_COMM_WORLD_LOCAL_RANK',
        'OMPI_COMM_WORLD_SIZE',
    ),
)
_STARTERS = dict(
    pytorch='torchrun --nproc_per_node N tools/train.py CONFIG --launcher pytorch',
    slurm='srun --ntasks N python tools/train.py CONFIG --launcher slurm',
    mpi='mpirun -n N python tools/train.py CONFIG --launcher mpi',
)


def check_launcher(launcher: str) -> None:
    """Raise UserError if the launcher that `--launcher` names did not start this."""
    for name in _VARIABLES.get(launcher, ()):
        value = os.environ.get(name)
        if value is None or not value.isdecimal():
            found = 'not set' if value is None else f'{value!r} and no number'
            raise UserError(
                f'--launcher {launcher}: the environment variable {name} is {found}. Fix: '
                f'start the processes with `{_STARTERS[launcher]}`, or leave --launcher '
                'out for one process'
            )
    if launcher == 'mpi' and 'MASTER_ADDR' not in os.environ:
        raise UserError(
            '--launcher mpi: the environment variable MASTER_ADDR is not set. Fix: export '
            "it with the first machine's address (mpirun -x MASTER_ADDR)"
        )


def export_rendezvous(launcher: str) -> None:
    """Set what `torch.distributed` reads (RANK, MASTER_ADDR, ...) from the launcher's.

    Raises:
        UserError: SLURM does not say which machine is the first one.
    """
    if launcher == 'pytorch':
        return
    own = (os.environ[name] for name in _VARIABLES[launcher])
    os.environ.update(zip(_VARIABLES['pytorch'], own, strict=True))
    os.environ.setdefault('MASTER_PORT', '29500')
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _find_first_node()


def _find_first_node() -> str:
    """First name of SLURM's list of nodes, which may read 'node[03-07]'."""
    nodes = os.environ.get('SLURM_NODELIST', '')
    if nodes and shutil.which('scontrol') is not None:
        command = ['scontrol', 'show', 'hostnames', nodes]
        found = subprocess.run(command, capture_output=True, text=True).stdout.split()
        if found:
            return found[0]
    raise UserError(
        f'--launcher slurm: `scontrol show hostnames` names no node of '
        f"SLURM_NODELIST={nodes!r}. Fix: export MASTER_ADDR with the first node's address"
    )


def get_launched_rank(launcher: str) -> int:
    """This process's number in the job; 0 without a launcher."""
    return _read(launcher, 0)


def is_first_on_node(launcher: str) -> bool:
    """Whether this process checks files for its machine: data may differ by machine."""
    return _read(launcher, 1) == 0


def _read(launcher: str, index: int) -> int:
    names = _VARIABLES.get(launcher)
    return 0 if names is None else int(os.environ.get(names[index], 0))
