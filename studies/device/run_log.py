"""Finished runs: one line of JSON each, written at once."""

import json
import tarfile
import time
from pathlib import Path
from typing import Any

from studies.device.arms import Job, Trial

TEST = 'flip'  # that trials are judged by


class RunLog:
    """Results in `folder`/runs.jsonl, and the scores that decide what comes next.

    Attributes:
        machine: what runs are trained on, written with each.

    Args:
        folder: made where it is missing.
        begin: `time.monotonic()` of the start.
    """

    def __init__(self, folder: Path, begin: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.begin, self.machine = folder, begin, ''
        self.path = folder / 'runs.jsonl'
        self.done: set[str] = set()
        self.scores: dict[Trial, dict[str, list[float]]] = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                try:
                    self._remember(json.loads(line))
                except json.JSONDecodeError:
                    continue  # the line that was being written when time was over

    def say(self, text: str) -> None:
        """Print a line with the seconds since the start, and keep it."""
        line = f'[{time.monotonic() - self.begin:6.1f} s] {text}'
        print(line, flush=True)
        with (self.folder / 'log.txt').open('a') as file:
            file.write(line + '\n')

    def write(self, job: Job, values: dict[str, Any]) -> None:
        """Add a finished run."""
        record = dict(
            key=job.key, trial=job.trial.name, adaptive=job.trial.adaptive,
            dataset=job.dataset, seed=job.seed, fold=job.fold, stage=job.stage,
            machine=self.machine, **values,
        )  # fmt: skip
        with self.path.open('a') as file:
            file.write(json.dumps(record) + '\n')
        self._remember(record)

    def _remember(self, record: dict[str, Any]) -> None:
        self.done.add(record['key'])
        if record['stage'] != 'screen':
            return
        trial = Trial(record['trial'], record['adaptive'])
        scores = self.scores.setdefault(trial, {})
        for name, values in record['splits']['select']['ap'].items():
            test, reading = name.split('/')
            if test == TEST:
                scores.setdefault(reading, []).append(values[0])

    def pack(self) -> None:
        """Put everything into one archive."""
        with tarfile.open(self.folder / 'device_runs.tar.gz', 'w:gz') as archive:
            for path in sorted(self.folder.glob('*')):
                if path.suffix in ('.jsonl', '.txt', '.json'):
                    archive.add(path, path.name)
