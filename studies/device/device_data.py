"""A dataset's pictures in memory, and the crops that a run's seed makes of them."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.dataset import DefaultSampler

from gm_pose.fast_lane.config.recipe import read_recipe
from gm_pose.fast_lane.images.original_images import decode_image, read_bytes
from gm_pose.fast_lane.loading.evaluation_crops import EvaluationCrops
from gm_pose.fast_lane.loading.training_crops import TrainingCrops
from gm_pose.fast_lane.people.people_arrays import PeopleArrays, load_people
from studies.training.datasets import locate_split


class MemoryImages:
    """An `ImageSource` of pictures that are decoded once.

    A picture may be smaller than its annotation says: `pack_photographs.py` makes such.

    Args:
        people: of the dataset.
    """

    _decoded: dict[str, np.ndarray] = {}  # one dataset's folds share their pictures

    def __init__(self, people: PeopleArrays) -> None:
        paths = [people.image_paths[row] for row in range(len(people.image_sizes_px))]
        missing = [path for path in paths if path not in self._decoded]
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            decoded = pool.map(
                lambda path: decode_image(read_bytes(path), path), missing
            )
            self._decoded.update(zip(missing, decoded, strict=True))
        self._pixels = [self._decoded[path] for path in paths]
        self._matrices = []
        for pixels, (width, height) in zip(
            self._pixels, people.image_sizes_px.tolist(), strict=True
        ):
            self._matrices.append(_find_scaling(pixels, width, height))

    def read(self, image_row: int, _: int) -> tuple[np.ndarray, np.ndarray | None]:
        """As `ImageSource.read`."""
        return self._pixels[image_row], self._matrices[image_row]


def _find_scaling(pixels: np.ndarray, width: int, height: int) -> np.ndarray | None:
    """Matrix (2, 3) from px as annotated to those that are there, None if the same."""
    h, w = pixels.shape[:2]
    if (w, h) == (width, height) or not width:
        return None
    x, y = w / width, h / height  # the corners of pixels meet, as in cv2.resize
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])


class Crops(NamedTuple):
    """Augmented crops of a whole training, in the order in which they are seen.

    Attributes:
        pixels: (N, h, w, 3) uint8 BGR.
        keypoints_px: (N, K, 2) float32 in px of the crop.
        visible: (N, K) float32.
        sizes_px: (N,) float32, the root of each person's area in px of the crop.
    """

    pixels: np.ndarray
    keypoints_px: np.ndarray
    visible: np.ndarray
    sizes_px: np.ndarray


class People(NamedTuple):
    """What an evaluation needs to know of the people of a split.

    Attributes:
        pixels: (N, h, w, 3) uint8 crops.
        centers_px, scales_px: (N, 2) of the crops, in image px.
        truth: annotations of the file, in the crops' order.
        ids: (N,) of the annotations.
    """

    pixels: np.ndarray
    centers_px: np.ndarray
    scales_px: np.ndarray
    truth: list[dict[str, Any]]
    ids: np.ndarray


def _make_plain(dataset: Any) -> dict[str, Any]:
    """The study's dataset config with MMPose's own image loader."""
    plain = dataset.to_dict() if isinstance(dataset, Config) else dict(dataset)
    steps = [dict(step) for step in plain['pipeline']]
    for step in steps:
        if step['type'] == 'CachedLoadImage':
            step['type'] = 'LoadImage'
    return dict(plain, pipeline=steps)


class TrainingData:
    """The training part of a dataset, as the fast lane reads it.

    Args:
        cfg: of a run, with paths.
        cache_dir: of the packed annotations.
    """

    def __init__(self, cfg: Config, cache_dir: Path) -> None:
        dataset = _make_plain(cfg.train_dataloader.dataset)
        recipe = read_recipe(dataset)
        self.people = load_people(dataset, cache_dir)
        self.images = MemoryImages(self.people)
        self.input_size = recipe.input_size
        self.epochs = int(cfg.train_cfg.max_epochs)
        self.batch_size = int(cfg.train_dataloader.batch_size)
        self.steps = len(self.people) // self.batch_size  # an epoch; drop_last
        self._crops = TrainingCrops(self.people, self.images, recipe)
        self.dropout = cfg.get('crop_dropout')

    @property
    def count(self) -> int:
        """Crops of a whole training."""
        return self.epochs * self.count_of_epoch

    @property
    def count_of_epoch(self) -> int:
        return self.steps * self.batch_size

    def fill_epoch(self, seed: int, epoch: int, crops: Crops) -> None:
        """Make the crops of one epoch, those of a `Runner` on the fast lane.

        Args:
            seed: the run's.
            epoch: from 0.
            crops: (count_of_epoch, ...) to be written.
        """
        sampler = DefaultSampler(self.people, shuffle=True, seed=seed)
        sampler.set_epoch(epoch)
        rows = np.array(list(sampler))[: self.count_of_epoch]
        words = np.zeros((len(rows), 3), np.uint64)
        words[:] = np.array([seed, epoch, 0], np.uint64)
        words[:, 2] = np.arange(len(rows))
        matrices = self._crops._augment(rows, words).matrices
        made = self._crops.fill(rows, words, crops.pixels)
        crops.keypoints_px[:] = made['keypoints_px']
        crops.visible[:] = made['visible']
        determinants = np.abs(np.linalg.det(matrices[:, :, :2]))
        crops.sizes_px[:] = np.sqrt(determinants * self.people.areas[rows])
        if self.dropout is not None:
            drop_rectangles(crops.pixels, words, **self.dropout)


def drop_rectangles(
    pixels: np.ndarray,
    words: np.ndarray,
    probability: float,
    least: float,
    most: float,
) -> None:
    """Blacken a rectangle of some crops (N, h, w, 3), in place ("coarse dropout").

    Args:
        pixels: crops.
        words: (N, 3), the samples' keys.
        probability: of a crop to lose one.
        least, most: sides of the rectangle, as parts of the crop's.
    """
    from gm_pose.ops.counter_random import draw_uniforms

    height, width = pixels.shape[1:3]
    for crop, u in zip(pixels, draw_uniforms(words, 5, start=24), strict=True):
        if u[0] >= probability:
            continue
        h, w = (int(side * (least + (most - least) * v)) for side, v in
                ((height, u[1]), (width, u[2])))  # fmt: skip
        y, x = int(u[3] * (height - h + 1)), int(u[4] * (width - w + 1))
        crop[y : y + h, x : x + w] = 0


def load_evaluation(cfg: Config, split: dict, cache_dir: Path) -> People:
    """Run's config and a split of `prepare_splits` -> its people."""
    dataset = _make_plain(cfg.evaluation_loader.dataset)
    dataset.update(locate_split(split))
    people = load_people(dataset, cache_dir)
    recipe = read_recipe(dataset)
    width, height = recipe.input_size
    pixels = np.empty((len(people), height, width, 3), np.uint8)
    crops = EvaluationCrops(people, MemoryImages(people), recipe)
    made = crops.fill(np.arange(len(people)), pixels)
    truth = [people.raw_ann_info(row) for row in range(len(people))]
    return People(
        pixels, made['input_centers_px'], made['input_scales_px'],
        [dict(annotation or {}) for annotation in truth], people.ids.copy(),
    )  # fmt: skip


cv2.setNumThreads(1)  # the processes are many
