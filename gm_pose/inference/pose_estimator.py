"""A model as users see it: images in, people out."""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from gm_pose.inference.backends.pose_backend import ModelDescription, PoseBackend
from gm_pose.inference.batching import EstimatedFrame, estimate_frames
from gm_pose.inference.boxes import BoxCounts, BoxFinder, GivenBoxes, open_boxes
from gm_pose.inference.people import People
from gm_pose.inference.person_scores import check_score, score_people
from gm_pose.inference.sources import FrameSource, open_source
from gm_pose.inference.sources.open_source import VIDEO_SUFFIXES
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage

__all__ = ['PoseEstimator']


class PoseEstimator:
    """Predicts the joints of people, and how sure it is of each.

    Args:
        model: checkpoint of a run (config, joint names, sigmas and calibration are in
            it), a config file, the name of a published MMPose model, or an ONNX file of
            `gm_pose export`, which needs neither PyTorch nor MMPose. Nothing in a
            checkpoint is executed; a config file is.
        weights: checkpoint for a config, or for a name (else downloaded once).
        device: 'cpu', 'cuda:0', ...; None: a GPU where there is one.
        flip_test: average with the mirrored crop, aligned; doubles the time.
        batch_size: people that go through the network at once.
        score: of a person. 'peak': mean of the joints' scores above 0.2, as MMPose's
            `CocoMetric`; 'expected_oks': the OKS to be expected. Times the box's score.

    Raises:
        UserError: the model cannot be opened; the text says why and what to do.
        ValueError: an argument that does not exist.

    Example:
        ::

            pose = PoseEstimator('work_dirs/best/epoch_210.pth')
            people = pose('photo.jpg')            # shows itself in a notebook
            people.to_dataframe()                 # a row for each joint
            for people in pose.stream('clip.mp4', boxes='rtmdet-m'):
                print(people.frame, people.scores)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | PoseBackend,
        *,
        weights: str | None = None,
        device: str | None = None,
        flip_test: bool = False,
        batch_size: int = 32,
        score: str = 'peak',
    ) -> None:
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f'batch_size is {batch_size!r}; expected at least 1')
        if isinstance(model, (str, os.PathLike)):
            from gm_pose.inference.backends.open_backend import open_backend

            path = os.fspath(model)
            model = open_backend(path, weights, device, flip_test, batch_size)
        self._backend: PoseBackend = model
        check_score(score, self.description)
        self._device, self._batch_size, self._score = device, batch_size, score

    @property
    def description(self) -> ModelDescription:
        """Joint names, skeleton, sizes."""
        return self._backend.description

    def __call__(self, source: Any, boxes: Any = 'whole') -> People | list[People]:
        """One image -> its people; anything else -> a list of them.

        Args:
            source: path of an image, array (h, w, 3) uint8 BGR, PIL image; or what
                `stream` takes.
            boxes: as in `stream`; for one image, an array (N, 4) x1, y1, x2, y2 in px.

        Raises:
            UnreadableImage: a single image that cannot be read.
            UserError, ValueError: as `stream`.
        """
        frames = open_source(source)
        is_single = _is_one_image(source)
        if is_single and not isinstance(boxes, str):
            boxes = [boxes]
        found = list(self.stream(frames, boxes, keep_images=is_single))
        if not is_single:
            return found
        if not found:
            raise UnreadableImage(str(frames.failures[0]))
        return found[0]

    def stream(
        self, source: Any, boxes: Any = 'whole', *, keep_images: bool = True
    ) -> Iterator[People]:
        """Frames one after the other -> their people, in that order.

        Args:
            source: path of an image, folder, glob pattern, list file, video, number of a
                camera, arrays, or an opened source (`gm_pose.inference.open_source`),
                whose `failures` name what could not be read.
            boxes: 'whole'; path of a COCO annotations or detections file; name of an
                MMDetection detector; a box finder; or an array for each frame.
            keep_images: whether people know their picture, to plot themselves.

        Raises:
            UserError: there is no such source, file or detector.
            ValueError: arrays of another kind.
        """
        frames: FrameSource = (
            source if hasattr(source, 'leave_out') else open_source(source)
        )
        finder = self.open_boxes(boxes)
        for estimated in self.estimate(frames, finder, BoxCounts()):
            yield self.make_people(estimated, keep_images)

    def open_boxes(self, boxes: Any) -> BoxFinder:
        """What `stream` calls boxes -> box finder."""
        if hasattr(boxes, 'find') and not isinstance(boxes, str):
            return boxes
        if isinstance(boxes, str):
            return open_boxes(boxes, device=self._device)
        if not isinstance(boxes, (Sequence, np.ndarray)):
            raise ValueError(
                f'boxes is a {type(boxes).__name__}; expected whole, a file, a detector, '
                'or arrays'
            )
        return GivenBoxes(list(boxes))

    def estimate(
        self, frames: Iterable[Any], finder: BoxFinder, counts: BoxCounts
    ) -> Iterator[EstimatedFrame]:
        """Frames -> arrays, with boxes left out counted; what `stream` is made of."""
        return estimate_frames(frames, finder, self._backend, self._batch_size, counts)

    def make_people(self, estimated: EstimatedFrame, keep_image: bool) -> People:
        """Arrays -> people with scores."""
        frame, found, arrays = estimated.frame, estimated.found, estimated.people
        return People(
            *arrays.list_arrays(),
            scores=score_people(
                arrays, found.boxes_px, found.scores, self._score, self.description
            ),
            bboxes_px=found.boxes_px,
            bbox_scores=found.scores,
            description=self.description,
            image_size=frame.size,
            source=frame.source,
            frame=frame.index,
            image_id=found.image_id,
            image=frame.image if keep_image else None,
        )


def _is_one_image(source: Any) -> bool:
    """An array, a PIL image, or the path of an image; not a folder or pattern of one."""
    if isinstance(source, (str, os.PathLike)):
        suffix = os.path.splitext(os.fspath(source))[1].lower()
        return os.path.isfile(source) and suffix not in {'.txt', *VIDEO_SUFFIXES}
    return not isinstance(source, (int, Sequence)) and not hasattr(source, 'leave_out')
