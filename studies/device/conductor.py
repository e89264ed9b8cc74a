"""Keeps the device busy: several runs at once, their crops made ahead, maps read beside."""

import argparse
import math
import time
from collections.abc import Sequence
from typing import Any

import torch

from studies.device import workers
from studies.device.active_run import ActiveRun
from studies.device.arms import (
    FIXED,
    STOCK,
    TRIALS,
    Job,
    Trial,
    choose_finalists,
    plan_finals,
    plan_screening,
)
from studies.device.crop_store import CropStore
from studies.device.graph_training import Training, build_quickly
from studies.device.run_log import RunLog
from studies.device.setup_data import StudyData, describe_codec
from studies.training.datasets import DATASETS
from studies.training.fingerprints import describe_processor

SCREENING_SHARE = 0.5  # of the budget
WRAP_UP_S = 8.0  # for the last maps and the archive
MAX_FREE = 60  # trainings kept for another seed


class GraphFailure(RuntimeError):
    """The step cannot be captured, or its replay is another."""


def _describe_device(device: str) -> str:
    if device == 'cuda':
        return torch.cuda.get_device_name()
    return f'CPU: {describe_processor(torch.backends.cpu.get_cpu_capability())}'


class Conductor:
    """Runs jobs until they are done or time is over.

    Args:
        args: of the command.
        data: loaded.
        pool: of forked processes.
        log: of results.
        end: `time.monotonic()` at which all must be written.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        data: StudyData,
        pool: Any,
        log: RunLog,
        end: float,
    ) -> None:
        self.args, self.data, self.pool, self.log = args, data, pool, log
        self.begin, self.end = log.begin, end - WRAP_UP_S
        self.crops = CropStore(pool, args.device, log)
        self.active: list[ActiveRun] = []
        self.reading: list[tuple[Job, int, Any, dict]] = []
        self.free: dict[tuple[str, str], list[Training]] = {}
        self.states: dict[Any, dict] = {}
        self.pixels: dict[tuple[str, int], torch.Tensor] = {}
        self.broken: set[str] = set()
        self.tested = args.device != 'cuda'  # no graph, nothing to compare
        log.machine = f'{_describe_device(args.device)}, torch {torch.__version__}'
        log.say(log.machine)
        if args.device == 'cuda':
            self.streams = [torch.cuda.Stream() for _ in range(30)]
            torch.backends.cuda.matmul.allow_tf32 = True
            torch.backends.cudnn.allow_tf32 = True

    def conduct(self) -> None:
        """Screening by rounds, then the finals; or the jobs of --only."""
        if self.args.share is not None:
            self._conduct_share(*map(int, self.args.share.split('/')))
            return
        if self.args.only:
            self._work(
                self._keep(self.args.only), [], self.end, self.args.only[-1].stage
            )
            self._finish()
            return
        fillers = self._keep(plan_finals([STOCK], 8, {'studio17', 'coco-union'}))
        screening_end = self.begin + SCREENING_SHARE * (self.end - self.begin)
        for round_ in range(3):
            jobs = self._keep(plan_screening(round_, self.log.scores))
            self.log.say(f'screening, round {round_}: {len(jobs)} runs')
            fillers = self._work(jobs, fillers, screening_end, 'screen')
        finalists = choose_finalists(self.log.scores)
        self.log.say(f'finalists: {", ".join(trial.name for trial in finalists)}')
        for trial in finalists:
            self.log.say(f'  {trial.name}: {self._describe(trial)}')
        self.free.clear()
        jobs = self._keep(plan_finals(finalists, self.args.seeds, self.data.datasets))
        self._work(jobs, [], self.end, 'final')
        self._finish()

    def _conduct_share(self, index: int, count: int) -> None:
        """Every `count`-th of a fixed list of jobs, one after another, without graphs."""
        trials = [trial for trial in TRIALS if trial.name in FIXED]
        jobs = plan_finals(trials, self.args.seeds, self.data.datasets)
        mine = [
            job
            for number, job in enumerate(jobs)
            if number % count == index and job.dataset != 'studio17-modern'
        ]
        self._work(self._keep(mine), [], self.end, 'final')
        self._finish()

    def _describe(self, trial: Trial) -> str:
        readings = self.log.scores.get(trial, {})
        return ', '.join(
            f'{name} {sum(v) / len(v):.2f}' for name, v in sorted(readings.items())
        )

    def _keep(self, jobs: Sequence[Job]) -> list[Job]:
        """Jobs that are asked for, possible and not done."""
        known = {trial.name for trial in TRIALS}
        return [
            job
            for job in jobs
            if job.key not in self.log.done
            and job.dataset in self.data.datasets
            and (
                not self.args.trials
                or job.trial.name in self.args.trials
                or job.trial.name not in known
            )
        ]

    def _work(
        self, jobs: list[Job], fillers: list[Job], end: float, stage: str
    ) -> list[Job]:
        """Run jobs; `fillers` only while the last results come in -> those left."""
        jobs = list(jobs)
        started = said = time.monotonic()
        count = 0
        while time.monotonic() < end:
            self.crops.request([job.crops for job in (jobs or fillers)])
            while len(self.active) < self.args.runs_at_once and (jobs or fillers):
                if not jobs and not self._waits(stage):
                    break
                queue = jobs or fillers
                if not self._start_one(queue):
                    break
            is_busy = False
            for run in list(self.active):
                if run.advance():
                    self._hand_over(run)
                    count += 1
                    is_busy = True
            self._collect()
            if time.monotonic() - said > 10:
                said = time.monotonic()
                self.log.say(
                    f'{count} runs, {len(self.active)} active, {len(self.reading)} '
                    f'being read, {len(jobs)} to come'
                )
            if not jobs and not self._waits(stage):
                break
            if not is_busy:
                time.sleep(0.0005)
        seconds = time.monotonic() - started
        self.log.say(f'{count} runs in {seconds:.0f} s, {len(jobs)} left')
        self._drop_unneeded([*jobs, *fillers])
        return fillers

    def _waits(self, stage: str) -> bool:
        """Whether results of a stage are still on their way."""
        jobs = [run.job for run in self.active] + [row[0] for row in self.reading]
        return any(job.stage == stage for job in jobs)

    def _start_one(self, queue: list[Job]) -> bool:
        """Start the first job whose crops are there -> whether there was one."""
        for job in queue[: 3 * self.args.runs_at_once]:
            if job.trial.name in self.broken:
                queue.remove(job)
                return True
            crops = self.crops.get(job.crops)
            if crops is None:
                continue
            queue.remove(job)
            try:
                self._start(job, crops)
            except GraphFailure:
                raise
            except torch.OutOfMemoryError:
                self.log.say(f'{job.key}: no memory, trainings are dropped')
                self.free.clear()
                torch.cuda.empty_cache()
                queue.append(job)
            except Exception as error:
                if not self.tested and self.args.share is None:
                    raise GraphFailure(f'{type(error).__name__}: {error}') from error
                self.broken.add(job.trial.name)
                self.log.say(
                    f'{job.key} FAILED to start: {type(error).__name__}: {error}'
                )
            return True
        return False

    def _start(self, job: Job, crops: Any) -> None:
        trainings = [
            self._take_training(name, job.dataset, crops) for name in job.trial.variants
        ]
        state = self._get_state(job, trainings[0])
        self.active.append(ActiveRun(job, trainings, state, crops))

    def _take_training(self, variant: str, dataset: str, crops: Any) -> Training:
        free = self.free.get((variant, dataset))
        if free:
            return free.pop()
        begin = time.monotonic()
        cfg = self.data.make_config(variant, dataset)
        stream = None
        if self.args.device == 'cuda':
            stream = self.streams[0]
            self.streams.append(self.streams.pop(0))
        torch.backends.cudnn.benchmark = True
        own = type(crops)(*(part.clone() for part in crops))
        if stream is not None:
            stream.wait_stream(torch.cuda.current_stream())
        steps = workers.TRAINING[dataset, 0].steps
        training = Training(cfg, own, steps, self.args.device, stream)
        training.prepare(uses_graph=self.args.share is None)
        if not self.tested and self.args.share is None:
            self._test(training, crops)
        self.log.say(f'{dataset} {variant}: ready in {time.monotonic() - begin:.2f} s')
        return training

    def _test(self, training: Training, crops: Any) -> None:
        """Replayed steps must be eager ones.

        Raises:
            GraphFailure: they are not.
        """
        state = {k: v.clone() for k, v in training.model.state_dict().items()}
        difference = training.compare_with_eager(state, crops)
        self.log.say(f'first losses, replayed against eager: {difference:.1e} apart')
        # TF32 and sums in any order: 1e-3 each; Adam's first steps add up
        if not difference < 0.02:
            raise GraphFailure(f'replayed losses are {difference:.1e} off')
        self.tested = True

    def _get_state(self, job: Job, training: Training) -> dict:
        """Initial weights of a seed, the same for all trials with the same layers."""
        shapes = tuple(
            (name, *value.shape) for name, value in training.model.state_dict().items()
        )
        key = hash(shapes), job.seed
        if key not in self.states:
            cfg = self.data.make_config(job.trial.variants[0], job.dataset)
            state = build_quickly(cfg, job.seed).state_dict()
            self.states[key] = {k: v.to(self.args.device) for k, v in state.items()}
        return self.states[key]

    def _hand_over(self, run: ActiveRun) -> None:
        """Predict the maps of a finished run and let a process read them."""
        self.active.remove(run)
        job, training = run.job, run.training
        losses = training.losses.tolist()
        splits = self.data.list_splits(job.dataset, job.fold)
        values: dict[str, Any] = dict(
            loss=[round(losses[0], 7), round(sum(losses[-19:]) / 19, 7)]
        )
        if not math.isfinite(values['loss'][1]):
            self.log.say(f'{job.key}: loss is {values["loss"][1]}')
        training.load_average()
        flip_indices = workers.METAINFO[job.dataset]['flip_indices']
        maps = training.predict(
            self._get_pixels(job.dataset, job.fold, splits), flip_indices,
            mirrored=job.trial == STOCK,
        )  # fmt: skip
        cfg = self.data.make_config(job.trial.variants[-1], job.dataset)
        info = dict(
            describe_codec(training, cfg),
            dataset=job.dataset,
            fold=job.fold,
            stage=job.stage,
            splits=splits,
            metainfo_name=DATASETS[job.dataset].metainfo,
        )
        for used in run.trainings:
            name = job.trial.variants[run.trainings.index(used)]
            if sum(map(len, self.free.values())) < MAX_FREE:
                self.free.setdefault((name, job.dataset), []).append(used)
        slots = workers.MAP_SLOTS[0]
        while (slot := slots.take()) is None:
            self._collect()
            time.sleep(0.001)
        layout = [(part.shape, 'float16') for part in maps.values()]
        for view, part in zip(slots.view(slot, layout), maps.values(), strict=True):
            view[...] = part
        task = self.pool.apply_async(
            workers.read_maps, (slot, layout, list(maps), info)
        )
        self.reading.append((job, slot, task, values))

    def _get_pixels(self, dataset: str, fold: int, splits: list[str]) -> torch.Tensor:
        if (dataset, fold) not in self.pixels:
            parts = [
                torch.from_numpy(workers.PEOPLE[dataset, fold, split].pixels)
                for split in splits
            ]
            self.pixels[dataset, fold] = torch.cat(parts).to(self.args.device)
        return self.pixels[dataset, fold]

    def _collect(self) -> None:
        """Write the results that have come in."""
        for row in list(self.reading):
            job, slot, task, values = row
            if not task.ready():
                continue
            self.reading.remove(row)
            workers.MAP_SLOTS[0].give_back(slot)
            result, error = task.get()
            if result is None:
                self.log.say(f'{job.key} FAILED to be read: {error}')
            else:
                self.log.write(job, dict(values, splits=result))

    def _drop_unneeded(self, jobs: Sequence[Job]) -> None:
        wanted = {job.crops for job in jobs} | {run.job.crops for run in self.active}
        self.crops.keep(wanted)

    def _finish(self) -> None:
        """Wait for the maps that are being read, a few seconds at most."""
        end = self.end + WRAP_UP_S / 2
        while self.reading and time.monotonic() < end:
            self._collect()
            time.sleep(0.01)
        self.log.say(f'{len(self.log.done)} runs are written')
