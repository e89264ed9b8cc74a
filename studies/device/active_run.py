"""A run that is under way on the device, one of several at once."""

from typing import Any

import torch

from studies.device.arms import Job
from studies.device.graph_training import DeviceCrops, Training

CHUNK = 40  # steps enqueued at a time
IN_FLIGHT = 3  # chunks


class ActiveRun:
    """A job with its trainings; `advance` never waits for the device.

    Args:
        job: what is trained.
        trainings: one for each of the trial's variants.
        state: initial weights.
        crops: of the job's seed.
    """

    def __init__(
        self,
        job: Job,
        trainings: list[Training],
        state: dict[str, torch.Tensor],
        crops: DeviceCrops,
    ) -> None:
        self.job, self.trainings = job, trainings
        self.phase, self._enqueued = 0, False
        self._events: list[Any] = []
        last = trainings[0].num_steps
        # the second variant takes the last third
        self._ends = [last] if len(trainings) == 1 else [last * 2 // 3, last]
        trainings[0].reset(state, crops)

    @property
    def training(self) -> Training:
        """The one at work."""
        return self.trainings[self.phase]

    def advance(self) -> bool:
        """Enqueue what there is room for -> whether all steps are done."""
        while self._events and self._events[0].query():
            self._events.pop(0)
        if not self._enqueued and len(self._events) < IN_FLIGHT:
            training = self.training
            is_cuda = training.device == 'cuda'
            chunk = CHUNK if is_cuda else 1
            self._enqueued = training.run(chunk, self._ends[self.phase])
            if is_cuda:
                event = torch.cuda.Event()
                event.record(training.stream)
                self._events.append(event)
        if not self._enqueued or self._events:
            return False
        if self.phase + 1 < len(self.trainings):
            self.phase += 1
            self._enqueued = False
            self.training.take_over(self.trainings[self.phase - 1])
            return False
        return True
