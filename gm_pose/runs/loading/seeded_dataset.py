"""Training samples that are reproducible, and survive unreadable images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmpose.registry import DATASETS
from torch.utils.data import get_worker_info

from gm_pose.runs.data_checks.unreadable_image import SKIPPED, UnreadableImage
from gm_pose.runs.loading.sample_errors import (
    MAX_TRIES,
    explain_unreadable,
    explain_wrong_sample,
)
from gm_pose.runs.loading.sample_seed import make_sample_seed
from gm_pose.runs.resume.rng_state import preserve_rng, seed_rng


@DATASETS.register_module()
class SeededDataset:
    """A training dataset, each sample seeded and unreadable images replaced.

    An index from `SeededSampler` seeds python, numpy and torch for the length of its
    sample, to the same numbers with either setting of the sampler's `mix`. An
    `UnreadableImage` is replaced by another sample, drawn from the same seed; which ones
    were replaced travels in the data sample's metainfo field `skipped_images`
    ('path: reason' each), for `BadImageReportHook`.

    Args:
        dataset: the dataset, or its config.
        max_tries: unreadable images in a row after which the run stops.
    """

    def __init__(self, dataset: Any, max_tries: int = MAX_TRIES):
        if max_tries < 1:
            raise ValueError(f'max_tries must be at least 1, got {max_tries}')
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.max_tries = max_tries

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset':  # not there yet while unpickling
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # MMPose's hooks set `pipeline` on the data loader's dataset.
        if name not in ('dataset', 'max_tries') and hasattr(self.dataset, name):
            setattr(self.dataset, name, value)
        else:
            super().__setattr__(name, value)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        if get_worker_info() is not None or _get_seed(index) is None:
            return self._load_seeded(index)
        with preserve_rng():  # in the main process they are the model's too
            return self._load_seeded(index)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Samples of a batch, each with its own seed.

        Without this method a data loader would find the inner dataset's through
        `__getattr__`, and load past the seeds. In the main process it keeps the model's
        random states once a batch instead of once a sample.
        """
        if get_worker_info() is not None or None in map(_get_seed, indices):
            return [self[index] for index in indices]
        with preserve_rng():
            return [self._load_seeded(index) for index in indices]

    def _load_seeded(self, index: int) -> Any:
        seed = _get_seed(index)
        if seed is not None:
            seed_rng(seed if len(seed) == 2 else make_sample_seed(*seed))
        return self._load(index)

    def _load(self, index: int) -> Any:
        skipped: list[str] = []
        index = int(index)
        while len(skipped) < self.max_tries:
            try:
                sample = self.dataset[index]
            except UnreadableImage as error:
                skipped.append(str(error))
                index = int(np.random.randint(len(self.dataset)))  # noqa: NPY002
                continue
            except ValueError as error:
                raise explain_wrong_sample(self._name(index), error) from error
            if skipped:
                sample['data_samples'].set_metainfo({SKIPPED: skipped})
            return sample
        raise explain_unreadable(skipped)

    def count_images(self) -> int:
        """Number of different images; that of samples where they do not name one."""
        paths = list_image_paths(self.dataset)
        return len(set(paths)) if None not in paths else len(self)

    def _name(self, index: int) -> str:
        """Index, annotation id and image of a sample."""
        try:
            info = self.dataset.get_data_info(index)
        except Exception:  # naming the sample must not hide what is wrong with it
            return str(index)
        return f'{index} (id {info.get("id")}, {info.get("img_path")})'


def _get_seed(index: int) -> tuple[int, ...] | None:
    return getattr(index, 'seed', None)


def list_image_paths(dataset: Any) -> list[str | None]:
    """A dataset and what it wraps -> the image of each sample, None where it has none.

    Reads MMEngine's stored samples and leaves out what MMPose adds to each of them:
    COCO's 150,000 take seconds, not minutes.
    """
    if hasattr(dataset, 'datasets'):
        return [path for inner in dataset.datasets for path in list_image_paths(inner)]
    if hasattr(dataset, 'dataset'):
        return list_image_paths(dataset.dataset)
    if not isinstance(dataset, BaseDataset):
        return [None] * len(dataset)
    indices = range(len(dataset))
    samples = (BaseDataset.get_data_info(dataset, index) for index in indices)
    return [sample.get('img_path') for sample in samples]
