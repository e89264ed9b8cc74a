"""The dataset of the fast lane: whole batches of crops."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpose.registry import DATASETS

from gm_pose.codecs.base_codec import get_type
from gm_pose.fast_lane.config.recipe import read_recipe
from gm_pose.fast_lane.images.image_sources import open_images
from gm_pose.fast_lane.images.image_store import StoredImages
from gm_pose.fast_lane.images.node_shares import NodeShare
from gm_pose.fast_lane.images.streamed_images import StreamedImages
from gm_pose.fast_lane.loading.evaluation_crops import EvaluationCrops
from gm_pose.fast_lane.loading.keep_batch import keep_batch
from gm_pose.fast_lane.loading.sample_words import read_words
from gm_pose.fast_lane.loading.shared_batches import make_batch
from gm_pose.fast_lane.loading.training_crops import TrainingCrops
from gm_pose.fast_lane.people.people_arrays import load_people
from gm_pose.fast_lane.people.people_columns import EmptyDataset, UnpackableDataset
from gm_pose.runs.user_errors import UserError

__all__ = ['FastTopdownDataset', 'keep_batch']


@DATASETS.register_module()
class FastTopdownDataset:
    """An MMPose top-down dataset whose unit is the batch, not the sample.

    `__getitems__`, which PyTorch's data loader calls where it is there, returns
    ``dict(inputs=(B, h, w, 3) uint8 BGR, data_samples=dict(...))`` for the collate
    function `keep_batch`. A sample is the same in any batch and in any worker.

    In training `data_samples` has keypoints_px (B, K, 2) in px of the crop, visible
    (B, K), sample_indices (B,) and skipped_images: those that cannot be read and that
    another sample took the place of, 'path: reason' each. Targets are made of it on the
    device. In evaluation it has what `make_data_samples` reads.

    Args:
        dataset: config of MMPose's dataset; its pipeline says what is done.
        images: where pixels come from, see `open_images`.
        cache_dir: folder of the packed annotations and images, see `load_people`.
        shards: 'node': the store here has this machine's share, see `NodeShardSampler`.
        stream_cache_gb: most that is kept of a stream on this machine.

    Raises:
        NotRecognised: the pipeline has a part that the fast lane does not know.
        UserError: arrays cannot hold the samples, or their cache cannot be written.
    """

    def __init__(
        self,
        dataset: dict,
        images: str = 'original',
        cache_dir: str | None = None,
        shards: str | None = None,
        stream_cache_gb: float = 50.0,
    ) -> None:
        self.recipe = read_recipe(dataset)
        try:
            self.people = load_people(dataset, cache_dir)
        except UnpackableDataset as error:
            place = f' of {dataset["ann_file"]}' if dataset.get('ann_file') else ''
            remedy = "--no-fast uses MMPose's own pipeline"
            if isinstance(error, EmptyDataset):
                remedy = 'people with a labelled joint, and a box in their image'
            raise UserError(
                f'{get_type(dataset)}{place}: {error}. Fix: {remedy}'
            ) from error
        self.ann_file = str(dataset.get('ann_file', ''))
        self.test_mode = not self.recipe.is_training
        self._place = images, cache_dir, shards == 'node', stream_cache_gb
        self._crops = self._open_crops()

    def _open_crops(self) -> TrainingCrops | EvaluationCrops:
        kind, cache_dir, is_partial, room_gb = self._place
        source = self._source = open_images(
            self.people, kind, self.recipe, cache_dir, is_partial, room_gb
        )
        made = TrainingCrops if self.recipe.is_training else EvaluationCrops
        return made(self.people, source, self.recipe)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        del (
            state['_crops'],
            state['_source'],
        )  # maps and the last image: opened again where it arrives
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._crops = self._open_crops()

    def __len__(self) -> int:
        return len(self.people.ids)

    @property
    def metainfo(self) -> dict[str, Any]:
        """The dataset's metainfo, as MMPose parses it."""
        return dict(self.people.metainfo)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """A batch of one."""
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> dict[str, Any]:
        """A batch.

        Args:
            indices: those of a `SeededSampler` bring the keys of their random numbers;
                for others numpy's global generator draws them.

        Raises:
            IndexError: beyond the last sample.
            UnreadableImage: in evaluation, 'path: reason'.
            UserError: in training, 20 unreadable images in a row, or an annotation that
                no target can be made of.
        """
        rows = self._resolve(indices)
        inputs = make_batch(len(rows), self.recipe.input_size)
        if isinstance(self._crops, TrainingCrops):
            samples = self._crops.fill(rows, read_words(indices), inputs.numpy())
        else:
            samples = self._crops.fill(rows, inputs.numpy())
        return dict(inputs=inputs, data_samples=samples)

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Which sample it is: id, img_id, img_path, sample_idx."""
        (row,) = self._resolve([index]).tolist()
        return dict(
            id=self.people.ids[row].item(),
            img_id=self.people.img_ids[row].item(),
            img_path=self.people.image_paths[int(self.people.image_rows[row])],
            sample_idx=row,
        )

    def describe(self) -> str:
        """How samples come about, in words, for comparing two runs."""
        stored = isinstance(self._source, StoredImages) and self._source.is_of_people
        return f'the fast lane{" from a store of crops" if stored else ""}'

    def count_images(self) -> int:
        """Number of different images."""
        return len(np.unique(self.people.image_rows))

    def find_stream_shards(self) -> np.ndarray | None:
        """Shard of each person's image (N,), where those come in shards of a stream."""
        if not isinstance(self._source, StreamedImages):
            return None
        return self._source.shards.find(self.people.image_rows)

    def check_stored(self, rows: np.ndarray, share: NodeShare) -> None:
        """Warn of people (n,) whom the store on this machine should have and has not."""
        if not isinstance(self._source, StoredImages):
            return
        absent = self._source.find_absent(rows, self.people.image_rows[rows])
        if absent:
            print_log(
                f'{absent} of {len(rows)} people of this machine are not in its store; '
                'their images are read from their files. Fix: gm_pose build-store CONFIG '
                f'--node {share.node} --nodes {share.num_nodes}',
                'current',
                logging.WARNING,
            )

    def _resolve(self, indices: Sequence[int]) -> np.ndarray:
        """Rows (B,); negative indices count from the end."""
        rows = np.array([int(index) for index in indices], dtype=np.int64)
        rows[rows < 0] += len(self)
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f'indices {list(indices)} of {len(self)} samples')
        return rows
