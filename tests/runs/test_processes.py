"""What a launcher tells its processes, and what is said where it does not."""

import os

import pytest

from gm_pose.runs.launch.processes import (
    check_launcher,
    export_rendezvous,
    get_launched_rank,
    is_first_on_node,
)
from gm_pose.runs.user_errors import UserError

TORCH = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')


@pytest.fixture
def environment(monkeypatch):
    """environment(NAME=value, ...): that, and nothing else of any launcher."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in TORCH and not name.startswith(('SLURM', 'OMPI'))
    }

    def set_variables(**variables):
        monkeypatch.setattr(os, 'environ', {**kept, **variables})

    set_variables()
    return set_variables


SLURM = dict(SLURM_PROCID='9', SLURM_LOCALID='1', SLURM_NTASKS='16')
MPI = dict(
    OMPI_COMM_WORLD_RANK='9', OMPI_COMM_WORLD_LOCAL_RANK='1', OMPI_COMM_WORLD_SIZE='16'
)


@pytest.mark.parametrize(
    ('launcher', 'variables', 'wanted'),
    [
        ('pytorch', {}, r'RANK is not set.*torchrun'),
        ('pytorch', dict(RANK='0', LOCAL_RANK='0'), r'WORLD_SIZE is not set.*torchrun'),
        ('pytorch', dict(RANK='first'), r"RANK is 'first' and no number"),
        ('slurm', {}, r'SLURM_PROCID is not set.*srun'),
        ('mpi', {}, r'OMPI_COMM_WORLD_RANK is not set.*mpirun'),
        ('mpi', MPI, r'MASTER_ADDR is not set.*-x MASTER_ADDR'),
    ],
)
def test_process_that_no_launcher_started_is_told(
    launcher, variables, wanted, environment
):
    environment(**variables)
    with pytest.raises(UserError, match=wanted):
        check_launcher(launcher)


@pytest.mark.parametrize(('launcher', 'own'), [('slurm', SLURM), ('mpi', MPI)])
def test_numbers_of_a_launcher_are_passed_on(launcher, own, environment):
    environment(**own, MASTER_ADDR='10.0.0.3')
    check_launcher(launcher)
    export_rendezvous(launcher)
    found = {name: os.environ[name] for name in TORCH}
    assert found == dict(zip(TORCH, ['9', '1', '16', '10.0.0.3', '29500'], strict=True))
    assert get_launched_rank(launcher) == 9
    assert not is_first_on_node(launcher)


def test_single_process_is_the_first_one(environment):
    check_launcher('none')
    assert get_launched_rank('none') == 0
    assert is_first_on_node('none')


@pytest.mark.parametrize('script', [None, '#!/bin/sh\nexit 1\n'])
def test_slurm_that_names_no_node_is_told(script, environment, tmp_path):
    if script is not None:
        (tmp_path / 'scontrol').write_text(script)
        (tmp_path / 'scontrol').chmod(0o755)
    environment(**SLURM, SLURM_NODELIST='node[03-04]', PATH=str(tmp_path))
    with pytest.raises(
        UserError, match=r"NODELIST='node\[03-04\]'.*export MASTER_ADDR"
    ):
        export_rendezvous('slurm')
