import pytest

from gm_pose.runs.queue.job_table import JobTable


@pytest.fixture
def table(tmp_path) -> JobTable:
    return JobTable(tmp_path / 'queue' / 'runs.sqlite')
