"""Runs on a device (`studies.device`): one line of JSON each."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from studies.device.arms import Scores, Trial, choose_reading
from studies.device.read_maps import SCORINGS, unpack
from studies.training.result_files import RESULTS

# Runs of the GPU; and further seeds, of the same code and crops, on a CPU
DEVICE_RUNS = tuple(
    RESULTS / 'device' / name for name in ('runs.jsonl', 'runs_on_cpu.jsonl')
)
MIN_FOLDS = 3
# The test that MMPose's own configs run, and the one without bias
SHIFTED_FLIP, FLIP = 'flip_shift1', 'flip'


def load_device_runs(paths: Iterable[Path] = DEVICE_RUNS) -> list[dict]:
    """Files of runs -> their records; none of a file that is missing.

    Raises:
        ValueError: a line that is no run, or a run that is there twice.
    """
    records: dict[str, dict] = {}
    for path in filter(Path.exists, paths):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                record = None
            if not isinstance(record, dict) or 'splits' not in record:
                raise ValueError(f'{path}, line {number} is no run: delete the line')
            if record['key'] in records:
                raise ValueError(
                    f"{path}, line {number}: run '{record['key']}' is there twice"
                )
            records[record['key']] = record
    return [*records.values()]


class DeviceResults:
    """All runs on a device.

    A reading is named 'flip/own-peaks': the test, the decoding and the scoring, see
    `studies.device.read_maps.Reading`.

    Attributes:
        finals: dataset, trial -> seed -> record, of the runs that are reported.
        screening: trial -> seed -> record, of those that trials were chosen by.

    Args:
        records: see `load_device_runs`.
    """

    def __init__(self, records: Iterable[dict]) -> None:
        self.finals: dict[tuple[str, str], dict[int, dict]] = {}
        self.screening: dict[Trial, dict[int, dict]] = {}
        for record in records:
            if record['stage'] == 'final':
                runs = self.finals.setdefault((record['dataset'], record['trial']), {})
            else:
                trial = Trial(record['trial'], record['adaptive'])
                runs = self.screening.setdefault(trial, {})
            runs[record['seed']] = record
        self.get_people = cache(self._read_people)

    @property
    def scores(self) -> Scores:
        """What trials and readings are chosen by: trial -> reading -> AP by fold.

        Of the folds that every trial has run.
        """
        folds = set.intersection(*(set(runs) for runs in self.screening.values()))
        return {trial: self.get_folds(trial, folds) for trial in self.screening}

    def get_folds(self, trial: Trial, folds: Iterable[int]) -> dict[str, list[float]]:
        """Reading -> AP of each of the folds, with flip test on its held-out people."""
        runs = [
            self.screening[trial][f]['splits']['select']['ap'] for f in sorted(folds)
        ]
        names = [name for name in runs[0] if name.startswith(f'{FLIP}/')]
        return {name.split('/')[1]: [ap[name][0] for ap in runs] for name in names}

    @property
    def further_scores(self) -> Scores:
        """As `scores`, of all folds of the trials that have at least `MIN_FOLDS`."""
        return {
            trial: self.get_folds(trial, runs)
            for trial, runs in self.screening.items()
            if len(runs) >= MIN_FOLDS
        }

    def choose_reading(self, trial: Trial) -> str:
        """The reading with flip test that was best on the trial's own folds."""
        return f'{FLIP}/{choose_reading(self.scores[trial], trial.readings)}'

    def get_ap(
        self, dataset: str, trial: str, reading: str, split: str = 'report'
    ) -> pd.Series:
        """AP in percent by seed, as measured on the device."""
        runs = self.finals.get((dataset, trial), {})
        aps = {s: run['splits'][split]['ap'].get(reading) for s, run in runs.items()}
        found = {seed: values[0] for seed, values in aps.items() if values}
        return pd.Series(found, dtype=float).sort_index()

    def list_elsewhere(self) -> dict[str, dict[int, str]]:
        """Trial -> seed -> machine, of the finals that did not run on the GPU."""
        found: dict[str, dict[int, str]] = {}
        for (_, trial), runs in self.finals.items():
            for seed, run in runs.items():
                if run.get('machine', '').startswith('CPU'):
                    found.setdefault(trial, {})[seed] = run['machine']
        return found

    def get_joints(
        self, dataset: str, trial: str, decoding: str, seeds: Iterable[int]
    ) -> np.ndarray:
        """Mean OKS of each joint (K,) in percent over the seeds, of the report part."""
        runs = self.finals[dataset, trial]
        key = f'{FLIP}/{decoding}'
        rows = [runs[seed]['splits']['report']['joints'][key] for seed in seeds]
        return 100 * np.mean(rows, axis=0)

    def _read_people(
        self, dataset: str, trial: str, reading: str, seed: int
    ) -> np.ndarray:
        """OKS and scores (2, N) of the report part's people."""
        test, way = reading.split('/')
        decoding, scoring = way.split('-')
        run = self.finals[dataset, trial][seed]
        people = run['splits']['report']['people'][f'{test}/{decoding}']
        rows = unpack(people).astype(float)
        return rows[[0, 1 + SCORINGS.index(scoring)]]
