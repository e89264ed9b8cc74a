"""What processes beside the device do: crops of an epoch, reading of predicted maps."""

import traceback
from typing import Any

from studies.device.device_data import Crops, People, TrainingData
from studies.device.read_maps import read_split
from studies.device.shared_memory import Slots
from studies.training.datasets import DATASETS

# Filled before the processes are forked.
TRAINING: dict[tuple[str, int], TrainingData] = {}
PEOPLE: dict[tuple[str, int, str], People] = {}
METAINFO: dict[str, dict[str, Any]] = {}
CROP_SLOTS: list[Slots] = []
MAP_SLOTS: list[Slots] = []


def list_crop_layout(data: TrainingData, num_joints: int) -> list:
    """Layout of a run's `Crops` in a slot."""
    (width, height), count = data.input_size, data.count
    return [
        ((count, height, width, 3), 'uint8'),
        ((count, num_joints, 2), 'float32'),
        ((count, num_joints), 'float32'),
        ((count,), 'float32'),
    ]


def fill_epoch(dataset: str, fold: int, seed: int, epoch: int, slot: int) -> str | None:
    """Make the crops of an epoch in a slot -> what went wrong, or None."""
    try:
        data = TRAINING[dataset, fold]
        arrays = CROP_SLOTS[0].view(slot, list_crop_layout(data, _count(dataset)))
        first = epoch * data.count_of_epoch
        part = slice(first, first + data.count_of_epoch)
        data.fill_epoch(seed, epoch, Crops(*(array[part] for array in arrays)))
    except Exception:
        return traceback.format_exc()
    return None


def _count(dataset: str) -> int:
    return len(METAINFO[dataset]['sigmas'])


def read_maps(
    slot: int, layout: list, tests: list[str], job: dict[str, Any]
) -> tuple[dict[str, Any] | None, str | None]:
    """Maps in a slot -> (result, None), or (None, what went wrong)."""
    try:
        maps = dict(zip(tests, MAP_SLOTS[0].view(slot, layout), strict=True))
        result, start = {}, 0
        for split in job['splits']:
            people = PEOPLE[job['dataset'], job['fold'], split]
            part = slice(start, start + len(people.truth))
            start = part.stop
            result[split] = read_split(
                {test: values[part] for test, values in maps.items()},
                people,
                job['codec'],
                job['cells'],
                METAINFO[job['dataset']],
                job['metainfo_name'],
                keep_joints=DATASETS[job['dataset']].is_crowded,
            )
    except Exception:
        return None, traceback.format_exc()
    return result, None
