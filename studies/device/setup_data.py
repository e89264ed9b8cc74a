"""Configs, splits and pictures of all runs, before processes are forked."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from studies.device import workers
from studies.device.arms import SCREENING_FOLDS
from studies.device.device_data import TrainingData, load_evaluation
from studies.device.shared_memory import Slots, count_bytes
from studies.training.build_config import add_paths, build_config
from studies.training.datasets import DATASETS, prepare_splits
from studies.variants.catalog import VARIANTS

NUM_CROP_SLOTS = 4


class StudyData:
    """Everything on this machine that runs are made of.

    Args:
        data: folder of the datasets; those that are not in it are left out.
        work: for splits and packed annotations.
        epochs: instead of the datasets' own, for rehearsals.
        datasets: names.
    """

    def __init__(
        self, data: Path, work: Path, epochs: int | None, datasets: Iterable[str]
    ) -> None:
        self.work, self.epochs = work, epochs
        self.splits: dict[tuple[str, int], dict] = {}
        for name in datasets:
            dataset = DATASETS[name]
            if not (data / dataset.folder).is_dir():
                print(f'{name}: {data / dataset.folder} is not there, left out')
                continue
            for fold in range(SCREENING_FOLDS if name == 'studio17' else 1):
                self.splits[name, fold] = prepare_splits(dataset, data, work, fold)
        self.datasets = {name for name, _ in self.splits}

    @cache  # noqa: B019  one object a process
    def make_config(self, variant: str, dataset: str, fold: int = 0) -> Config:
        """Config of a variant's run with the paths of a fold; its seed says nothing."""
        cfg = build_config(VARIANTS[variant], DATASETS[dataset], 0, self.epochs)
        return add_paths(cfg, self.splits[dataset, fold], self.work / 'run')

    def load(self) -> None:
        """Decode pictures and fill what the forked processes share."""
        cache_dir = self.work / 'cache'
        sizes = []
        for (name, fold), splits in self.splits.items():
            cfg = self.make_config('subcell-uniform2', name, fold)
            data = workers.TRAINING[name, fold] = TrainingData(cfg, cache_dir)
            workers.METAINFO[name] = dict(data.people.metainfo)
            for split in self.list_splits(name, fold):
                workers.PEOPLE[name, fold, split] = load_evaluation(
                    cfg, splits[split], cache_dir
                )
            joints = len(workers.METAINFO[name]['sigmas'])
            sizes.append(count_bytes(workers.list_crop_layout(data, joints)))
        workers.CROP_SLOTS.append(Slots(NUM_CROP_SLOTS, max(sizes)))
        people = max(
            sum(
                len(workers.PEOPLE[n, f, s].truth) for s in self.list_splits(n, f)
            )
            for n, f in self.splits
        )  # fmt: skip
        workers.MAP_SLOTS.append(Slots(24, 3 * (people * 17 * 64 * 48 * 2 + 64)))

    def list_splits(self, dataset: str, fold: int) -> list[str]:
        """Splits that a run on this fold is evaluated on."""
        names = []
        if DATASETS[dataset].num_select:
            names.append('select')
        if fold == 0:
            names.append('report')
        return names


def describe_codec(training: Any, cfg: Config) -> dict[str, Any]:
    """What reading a run's maps takes: config of the codec, sigmas of the maps."""
    decoder = training.model.head.decoder
    cells = getattr(decoder, 'sigmas_cells', None)
    return dict(
        codec=cfg.codec.to_dict(),
        cells=[2.0] if cells is None else [float(cell) for cell in cells],
    )
