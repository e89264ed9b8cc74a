"""Predictions of finished runs -> AP and errors of each, measured once per process."""

from functools import cached_property
from pathlib import Path

from gm_pose.report.analysis.run_analysis import MeasuredRun, measure_run
from gm_pose.report.reading.run_folder import RunFolder, open_run_folder
from gm_pose.report.reading.run_inputs import DataOptions, RunInputs, read_run
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.plan import Plan, SweepRun

__all__ = ['MeasuredRuns']

CHOOSING_SAMPLES = 500
REPORTING_SAMPLES = 2000


class MeasuredRuns:
    """The finished runs of a sweep on its two parts.

    Args:
        folder: of the sweep.
        plan: of the sweep.
    """

    def __init__(self, folder: Path, plan: Plan):
        self.folder = folder
        self.plan = plan
        self._measured: dict[tuple[SweepRun, str], MeasuredRun] = {}

    def is_finished(self, run: SweepRun) -> bool:
        """Whether the run has predicted both parts."""
        return all(
            run.find_predictions(self.folder, part).is_file()
            for part in ('choose', 'report')
        )

    def get(self, candidate: str, part: str) -> dict[int, MeasuredRun]:
        """Candidate and part -> seed to what was measured, of the finished runs."""
        runs = [SweepRun(candidate, seed) for seed in self.plan.seeds]
        return {
            run.seed: self._measure(run, part) for run in runs if self.is_finished(run)
        }

    def read(self, run: SweepRun, part: str) -> RunInputs:
        """Predictions of a run on a part, as `gm_pose report` reads them.

        Raises:
            UserError: they cannot be read.
        """
        data = self.plan.parts[part]
        return read_run(
            str(run.find_predictions(self.folder, part)),
            run.candidate,
            DataOptions(data.annotations, data.images),
            self._open(run),
        )

    def _open(self, run: SweepRun) -> RunFolder:
        return open_run_folder(str(run.find_folder(self.folder)))

    def _measure(self, run: SweepRun, part: str) -> MeasuredRun:
        key = (run, part)
        if key not in self._measured:
            samples = CHOOSING_SAMPLES if part == 'choose' else REPORTING_SAMPLES
            self._measured[key] = measure_run(self.read(run, part), samples)
        return self._measured[key]

    @cached_property
    def uniform(self) -> list[str]:
        """Names of the candidates with one sigma for all joints."""
        return [c.name for c in self.plan.candidates if c.is_uniform]

    @cached_property
    def per_joint(self) -> list[str]:
        """Names of the others."""
        return [c.name for c in self.plan.candidates if not c.is_uniform]

    def find_failure(self, run: SweepRun) -> UserError | None:
        """Why the predictions of a run cannot be read; None where they can."""
        try:
            self._measure(run, 'choose')
        except UserError as error:
            return error
        return None
