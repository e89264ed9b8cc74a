"""A run's log says in words what PyTorch shows in many ways: a killed worker."""

from types import SimpleNamespace

import pytest

from gm_pose.runs.launch.crash_log import log_crash
from gm_pose.runs.user_errors import UserError


@pytest.fixture
def log(tmp_path):
    """log(error) -> what process 0 writes into its log when `error` leaves the run."""

    def write(error: Exception) -> str:
        lines: list[str] = []
        logger = SimpleNamespace(error=lines.append)
        runner = SimpleNamespace(rank=0, logger=logger, log_dir=str(tmp_path))
        with pytest.raises(type(error)), log_crash(runner):
            raise error
        return '\n'.join(lines)

    return write


@pytest.mark.parametrize(
    'text',
    [
        'DataLoader worker (pid 12) is killed by signal: Killed. ',
        'DataLoader worker (pid(s) 12) exited unexpectedly',
    ],
)
def test_killed_worker_is_explained(text, log):
    assert 'lower num_workers or batch_size' in log(RuntimeError(text))


def test_connection_that_a_killed_worker_breaks_is_explained(log):
    import torch.multiprocessing.reductions as reductions

    code = compile("raise ConnectionResetError('reset')", reductions.__file__, 'exec')
    with pytest.raises(ConnectionResetError) as error:
        exec(code)
    assert 'lower num_workers or batch_size' in log(error.value)


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError('Caught ValueError in DataLoader worker process 0.'),
        ConnectionResetError('of gloo'),
        UserError('DataLoader worker (pid 12)'),
    ],
    ids=repr,
)
def test_other_errors_are_not_called_a_killed_worker(error, log):
    told = log(error)
    assert f'stopped by {type(error).__name__}: {error}' in told
    assert 'num_workers' not in told
    assert ('Traceback' in told) == (not isinstance(error, UserError))
