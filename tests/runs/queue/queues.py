"""Owners and processes that stand for others."""

import subprocess
import sys

from gm_pose.runs.queue.job import Owner
from gm_pose.runs.queue.run_jobs import QueueSettings

ELSEWHERE = Owner('othernode/1', 12, 345)


def start_python(code: str, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, '-c', code, *arguments])


def make_settings(jobs: int = 1, log=lambda text: None, **changes) -> QueueSettings:
    return QueueSettings(jobs, log, **{'poll_seconds': 0.01, **changes})


def list_states(table) -> dict[str, str]:
    return {name: job.state for name, job in table.list_jobs().items()}
