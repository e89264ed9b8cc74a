"""Crops of runs: made by processes ahead of time, kept on the device while needed."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from studies.device import workers
from studies.device.graph_training import DeviceCrops
from studies.device.run_log import RunLog

Key = tuple[str, int, int]  # dataset, fold, seed
MAX_BYTES = 12e9  # on the device


class CropStore:
    """Crops by (dataset, fold, seed).

    Args:
        pool: of forked processes.
        device: where they are kept.
        log: for what goes wrong.
    """

    def __init__(self, pool: Any, device: str, log: RunLog) -> None:
        self.pool, self.device, self.log = pool, device, log
        self._ready: dict[Key, DeviceCrops] = {}
        self._making: dict[Key, tuple[int, list, float]] = {}

    def request(self, keys: Sequence[Key]) -> None:
        """Have the crops of the next jobs made; collect those that are."""
        self._collect()
        wanted = list(dict.fromkeys(keys))
        if self._count_bytes() > MAX_BYTES:
            self.keep(wanted[:8])
        for key in wanted[:8]:
            if key in self._ready or key in self._making:
                continue
            if self._count_bytes() > MAX_BYTES:
                return
            slot = workers.CROP_SLOTS[0].take()
            if slot is None:
                return
            dataset, fold, seed = key
            epochs = workers.TRAINING[dataset, fold].epochs
            tasks = [
                self.pool.apply_async(
                    workers.fill_epoch, (dataset, fold, seed, epoch, slot)
                )
                for epoch in range(epochs)
            ]
            self._making[key] = slot, tasks, time.monotonic()

    def _collect(self) -> None:
        for key, (slot, tasks, begin) in list(self._making.items()):
            if not all(task.ready() for task in tasks):
                continue
            del self._making[key]
            errors = [error for task in tasks if (error := task.get())]
            if errors:
                self.log.say(f'crops of {key} FAILED: {errors[0]}')
            data = workers.TRAINING[key[:2]]
            joints = len(workers.METAINFO[key[0]]['sigmas'])
            views = workers.CROP_SLOTS[0].view(
                slot, workers.list_crop_layout(data, joints)
            )
            # a copy: the slot is used again
            self._ready[key] = DeviceCrops(
                *(torch.from_numpy(view.copy()).to(self.device) for view in views)
            )
            workers.CROP_SLOTS[0].give_back(slot)
            if len(self._ready) < 3:
                took = time.monotonic() - begin
                self.log.say(f'crops of {key} took {took:.2f} s')

    def get(self, key: Key) -> DeviceCrops | None:
        """Crops on the device, None if they are not there yet."""
        return self._ready.get(key)

    def keep(self, keys: Iterable[Key]) -> None:
        """Forget all others."""
        wanted = set(keys)
        self._ready = {k: v for k, v in self._ready.items() if k in wanted}

    def _count_bytes(self) -> float:
        crops = self._ready.values()
        return float(sum(c.pixels.numel() for c in crops))
