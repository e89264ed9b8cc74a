"""A sweep in its folder: the plan, the queue of its runs, and its result."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gm_pose.runs.files.atomic_files import explain_write_error, write_atomically
from gm_pose.runs.launch.child_process import read_last_line, start_child
from gm_pose.runs.queue.job import Job
from gm_pose.runs.queue.job_table import JobTable
from gm_pose.runs.queue.run_jobs import QueueSettings, RunningProcess, run_jobs
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.measured_runs import MeasuredRuns
from gm_pose.sweep.part_files import Parts
from gm_pose.sweep.plan import Plan, SweepRun, join_plan
from gm_pose.sweep.run_config import build_run_config
from gm_pose.sweep.run_progress import measure_progress
from gm_pose.sweep.stopping import find_hopeless

if TYPE_CHECKING:
    from mmengine.config import Config

__all__ = ['Sweep', 'SweepSettings']

Log = Callable[[str], None]


@dataclass(frozen=True)
class SweepSettings:
    """How this process works on a sweep; others may do so otherwise.

    Attributes:
        jobs: trainings side by side.
        gpus: device numbers, dealt out to the places in turn; empty: as the machine has it.
        stop_early: leave hopeless candidates out, see `gm_pose.sweep.stopping`.
        retry_failed: start failed runs again.
        fast: on the fast lane where it recognises the config.
        threads: of each training on the CPU.
    """

    jobs: int = 1
    gpus: tuple[str, ...] = ()
    stop_early: bool = True
    retry_failed: bool = False
    fast: bool = True
    threads: int = 1


class Sweep:
    """The runs of a plan in a folder.

    Args:
        folder: of the sweep; several processes and machines may work in it.
        plan: of this start; what the folder has already is kept.
        data: the plan's parts, whose files are written where they are missing.
        cfg: the merged config.
        settings: of this process.
        log: where progress goes.

    Raises:
        UserError: the folder holds another sweep, or cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        data: Parts,
        cfg: Config,
        settings: SweepSettings,
        log: Log,
    ):
        self.folder = folder
        self.cfg = cfg
        self.settings = settings
        self.log = log
        self.table = JobTable(folder / 'runs.sqlite')
        try:
            with self.table.exclusive():
                self.plan = join_plan(folder, plan)
                data.write()
                self._write_configs()
        except OSError as error:
            raise explain_write_error(error, str(folder), 'write into') from error
        self.runs = MeasuredRuns(folder, self.plan)
        self._by_name = {str(run): run for run in self.plan.list_runs()}

    def _write_configs(self) -> None:
        """A config file for each run that has none; it can be trained by hand, too."""
        for run in self.plan.list_runs():
            path = run.find_config(self.folder)
            if path.exists():
                continue
            cfg = build_run_config(
                self.cfg,
                self.plan.find_candidate(run.candidate),
                run.seed,
                self.plan.parts,
                self.settings.fast,
            )
            cfg.work_dir = str(run.find_folder(self.folder))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, cfg.pretty_text.encode())

    def train(
        self, start: Callable[[str, int], RunningProcess] | None = None
    ) -> dict[str, Job]:
        """Run what is open -> all runs and their states.

        Args:
            start: run and place -> process; None starts `gm_pose.cli.sweep_run`.
        """
        again = ('failed',) if self.settings.retry_failed else ()
        self.table.offer(list(self._by_name), again)
        jobs = self.table.list_jobs().values()
        open_jobs = sum(job.state in ('waiting', 'running') for job in jobs)
        self.log(f'{len(jobs)} runs, {open_jobs} to do, in {self.folder}')
        return run_jobs(
            self.table,
            list(self._by_name),
            start or self.start_run,
            QueueSettings(
                self.settings.jobs,
                self.log,
                review=self._stop_hopeless,
                explain=lambda name: read_last_line(self._find_log(name)),
                measure=self._measure_progress,
            ),
        )

    def start_run(self, name: str, place: int) -> RunningProcess:
        """Start the process of a run."""
        run, gpus = self._by_name[name], self.settings.gpus
        variables = dict(
            OMP_NUM_THREADS=str(self.settings.threads),
            MKL_NUM_THREADS=str(self.settings.threads),
        )
        if gpus:
            variables['CUDA_VISIBLE_DEVICES'] = gpus[place % len(gpus)]
        command = make_command(self.folder, run)
        return start_child(command, self._find_log(name), variables)

    def _find_log(self, name: str) -> Path:
        return self._by_name[name].find_folder(self.folder) / 'log.txt'

    def _measure_progress(self, name: str) -> float | None:
        settings = self.cfg.train_cfg
        by_epoch = settings.get('max_epochs') is not None
        length = settings.get('max_epochs') or settings.get('max_iters')
        folder = self._by_name[name].find_folder(self.folder)
        return measure_progress(folder, length, by_epoch) if length else None

    def _stop_hopeless(self) -> None:
        if not self.settings.stop_early:
            return
        waiting = [
            j.name for j in self.table.list_jobs().values() if j.state == 'waiting'
        ]
        if not waiting or len(self.plan.seeds) == 1:
            return
        try:
            hopeless = find_hopeless(self.runs)
        except UserError as error:
            self.log(f'no candidate is stopped early: {error}')
            return
        for name in waiting:
            run = self._by_name.get(name)
            if run is not None and run.candidate in hopeless:
                self.table.stop(name, hopeless[run.candidate])
                self.log(f'stop    {name}: {hopeless[run.candidate]}')


def make_command(folder: Path, run: SweepRun) -> Sequence[str]:
    """Command line of a run's process."""
    return (
        sys.executable,
        '-m',
        'gm_pose.cli.sweep_run',
        str(folder),
        run.candidate,
        str(run.seed),
    )
