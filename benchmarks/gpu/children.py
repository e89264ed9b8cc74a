"""Processes of one job that run side by side."""

import subprocess
import sys
from pathlib import Path

from benchmarks.gpu.rows import Bench

_ENTRY = Path(__file__).parents[1] / 'on_gpu.py'


def run_together(bench: Bench, parts: list[str], at_once: int) -> dict[str, int]:
    """Parts of a job, 'job/part', each in a process of its own -> their exit codes.

    They are in this process's group, and end with it at its time limit.
    """
    waiting, running = list(parts), dict[str, subprocess.Popen]()
    codes: dict[str, int] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            part = waiting.pop(0)
            running[part] = _start(bench, part)
        part, process = next(iter(running.items()))
        try:
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            done = [name for name, p in running.items() if p.poll() is not None]
        else:
            done = [part]
        for name in done:
            codes[name] = running.pop(name).returncode
    return codes


def _start(bench: Bench, part: str) -> subprocess.Popen:
    command = [sys.executable, str(_ENTRY), '--out', str(bench.folder)]
    command += ['--scratch', str(bench.scratch)]
    command += ['--child', bench.section, part, '--seeds', str(bench.seeds)]
    command += ['--rehearse'] if bench.rehearse else []
    command += ['--data', str(bench.data)] if bench.data else []
    log = bench.folder / f'{bench.section} {part}.log'.replace('/', ' ')
    with log.open('wb') as file:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT
        )
    assert process.stdin is not None
    process.stdin.write(f'{bench.seconds_left}\n'.encode())
    process.stdin.close()
    return process
