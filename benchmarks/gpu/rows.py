"""What a job measures with: its device, its time, its rows."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.row_file import write_row


@dataclass
class Bench:
    """What a job measures with.

    Args:
        section: name of the section, in each row.
        folder: of rows, logs and profiles.
        scratch: folder for photographs, stores and work folders: gigabytes.
        rehearse: tiny sizes, on the CPU where there is no GPU.
        limit_s: the job is killed after it.
        data: folder of real photographs, for the accuracy.
        seeds: number of seeds, for the accuracy.
    """

    section: str
    folder: Path
    scratch: Path
    rehearse: bool
    limit_s: float
    data: Path | None = None
    seeds: int = 5
    start: float = field(default_factory=time.monotonic)

    @property
    def device(self) -> str:
        return 'cuda' if torch.cuda.is_available() else 'cpu'

    @property
    def seconds_left(self) -> float:
        return self.limit_s - (time.monotonic() - self.start)

    def write(self, name: str, **values: Any) -> None:
        """Append one row; floats keep four digits."""
        day = time.strftime('%Y-%m-%d', time.gmtime())
        write_row(self.folder, section=self.section, name=name, **values, day=day)

    def measure(
        self, name: str, call: Callable[[], Any], people: int, **values: Any
    ) -> float:
        """Time a call and write its row -> people a second.

        `ms` is the median of five blocks of calls with one wait at the end of each, as in
        a training loop without waits. `cpu_ms` is the CPU time of this process, all
        threads, until the call returns; the device has finished everything before it.
        """
        warm, seconds, count = (1, 0.0, 1) if self.rehearse else (5, 1.5, 5)
        self.reset_peak()
        for _ in range(warm):
            call()
        self.wait()
        launches = []
        for _ in range(count):
            begin, wall = time.process_time(), time.perf_counter()
            call()
            launches.append(time.process_time() - begin)
            self.wait()
            once = time.perf_counter() - wall
        calls = max(1, round(seconds / count / once))
        blocks = []
        for _ in range(count):
            begin = time.perf_counter()
            for _ in range(calls):
                call()
            self.wait()
            blocks.append((time.perf_counter() - begin) / calls)
        median = statistics.median(blocks)
        self.write(
            name,
            batch=people,
            ms=1e3 * median,
            people_per_s=people / median,
            cpu_ms=1e3 * statistics.median(launches),
            peak_gb=self.read_peak_gb(),
            calls=calls * count,
            **values,
        )
        return people / median

    def wait(self) -> None:
        if self.device == 'cuda':
            torch.cuda.synchronize()

    def reset_peak(self) -> None:
        if self.device == 'cuda':
            torch.cuda.reset_peak_memory_stats()

    def read_peak_gb(self) -> float | None:
        if self.device != 'cuda':
            return None
        return torch.cuda.max_memory_allocated() / 1e9
