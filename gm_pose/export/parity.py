"""An exported file and PyTorch on the same people: how far apart are their joints?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gm_pose.export.graph.pose_graph import PoseGraph
from gm_pose.export.samples import Sample
from gm_pose.fast_lane.loading.crop_warp import warp_crop
from gm_pose.inference.backends.torch_backend import TorchBackend
from gm_pose.inference.models.model_settings import CropSettings
from gm_pose.ops.crop_matrices import (
    fix_aspect_ratio,
    make_warp_matrices,
    measure_boxes,
)
from gm_pose.runs.user_errors import UserError

__all__ = ['LARGEST_PX', 'Parity', 'measure_parity']

# Above this an export is refused. Float32 in another order moves joints by 1e-4 px.
LARGEST_PX = 0.05

# A joint is not compared where noise of this part of the largest value, ten times float32's
# rounding, moves it by so many px, of the image where those are compared: two peaks of one
# height, a quarter step either way, or DARK's Newton step on a flat map.
NOISE, STEADY_PX = 1e-6, 0.01


class _Joints(NamedTuple):
    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    covariances: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Parity:
    """Differences between ONNX Runtime and PyTorch.

    Attributes:
        people: that were compared.
        unsteady: joints of theirs that were left out, see `STEADY_PX`.
        largest_px: of a joint, in px of the image; of the crop where crops are taken or
            maps given.
        median_px: of the joints.
        largest_score: of a joint's score.
        largest_sigma_px: of a joint's standard deviation along x or y; None where only
            maps or crops are compared.
    """

    people: int
    unsteady: int
    largest_px: float
    median_px: float
    largest_score: float
    largest_sigma_px: float | None

    def __str__(self) -> str:
        text = (
            f'joints of {self.people} people differ by {_round(self.largest_px)} px at '
            f'most (median {_round(self.median_px)}), scores by {self.largest_score:.2g}'
        )
        if self.largest_sigma_px is not None:
            text += f', standard deviations by {_round(self.largest_sigma_px)} px'
        if self.unsteady:
            text += f'; {self.unsteady} joints without a clear peak left out'
        return text


def _round(distance_px: float) -> str:
    """To two digits, but 373 px of 8 bits are not 3.7e+02."""
    return f'{distance_px:.0f}' if distance_px >= 10 else f'{distance_px:.2g}'


def measure_parity(
    session: Any, graph: PoseGraph, backend: TorchBackend, samples: Sequence[Sample]
) -> Parity:
    """ONNX Runtime's session of a graph against PyTorch.

    Joints in an image are compared with those of `TorchBackend`, which crops with OpenCV
    and decodes with numpy. Maps are compared by what the model's codec decodes from them.
    """
    distances, scores, sigmas, unsteady = [], [], [], 0
    for sample in samples:
        crops = cut_crops(sample, graph.crop)
        with torch.inference_mode():
            maps = graph.network(torch.from_numpy(crops).float())
        is_in_crop = graph.reader is None or graph.takes_crops
        px = 1.0 if is_in_crop else _measure_px(sample, graph.crop)
        in_crop, is_steady = _decode_twice(backend, maps, px)
        if is_in_crop:
            expected = in_crop
            found = _run_for_crops(session, graph, backend, sample, crops)
        else:
            found, expected = _run_on_image(session, backend, sample)
        unsteady += int((~is_steady).sum())
        difference = found.keypoints - expected.keypoints
        distances.append(np.sqrt((difference**2).sum(-1))[is_steady])
        scores.append(np.abs(found.scores - expected.scores).max())
        if found.covariances is not None and expected.covariances is not None:
            pair = (found.covariances, expected.covariances)
            ours, theirs = (np.sqrt(c[..., (0, 1), (0, 1)])[is_steady] for c in pair)
            sigmas.append(np.abs(ours - theirs).max(initial=0))
    every = np.concatenate(distances)
    if not len(every):
        raise UserError(
            'no joint of these people has a clear peak, so that nothing can be compared. '
            'Fix: a trained checkpoint, or people like those that it knows (--images)'
        )
    return Parity(
        people=sum(len(sample.boxes_px) for sample in samples),
        unsteady=unsteady,
        largest_px=float(every.max()),
        median_px=float(np.median(every)),
        largest_score=float(max(scores)),
        largest_sigma_px=float(max(sigmas)) if sigmas else None,
    )


def _measure_px(sample: Sample, crop: CropSettings) -> NDArray[np.float32]:
    """Px of the image per px of the crop (n, 1, 2)."""
    sizes = fix_aspect_ratio(
        measure_boxes(sample.boxes_px, crop.padding)[1], crop.input_size
    )
    input_size: NDArray[np.float32] = np.array(crop.input_size, dtype=np.float32)
    return (sizes / input_size)[:, None]


def _decode_twice(
    backend: TorchBackend, maps: torch.Tensor, px: float | NDArray[np.float32]
) -> tuple[_Joints, NDArray[np.bool_]]:
    """Maps (n, K, H, W) -> joints in px of the crop, which of them are steady (n, K).

    A px of the crop is `px` of those that are compared.
    """
    noise = torch.randn(maps.shape, generator=torch.Generator().manual_seed(0))
    noise *= NOISE * maps.abs().amax((2, 3), keepdim=True)
    joints = _Joints(*backend.network.decode(maps))
    moved = backend.network.decode(maps + noise)[0] - joints.keypoints
    # MMPose's UDPHeatmap refines joints without a peak by what stands in other maps
    return joints, (np.abs(moved * px).max(-1) < STEADY_PX) & (joints.scores > 0)


def _run_on_image(
    session: Any, backend: TorchBackend, sample: Sample
) -> tuple[_Joints, _Joints]:
    feed = {'image': sample.image, 'boxes': sample.boxes_px}
    outputs = session.run(('keypoints', 'scores', 'covariances'), feed)
    (people,) = backend.estimate([sample.image], [sample.boxes_px])
    return _Joints(*outputs), _Joints(*people.list_arrays()[:3])


def _run_for_crops(
    session: Any,
    graph: PoseGraph,
    backend: TorchBackend,
    sample: Sample,
    crops: NDArray[np.uint8],
) -> _Joints:
    """What a graph gives of crops, or its maps, in px of the crop."""
    feed = {'image': sample.image, 'boxes': sample.boxes_px}
    if graph.takes_crops:
        feed = {'crops': np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32)}
    if graph.reader is not None:
        return _Joints(*session.run(('keypoints', 'scores'), feed))
    (maps,) = session.run(('heatmaps',), feed)
    return _Joints(*backend.network.decode(torch.from_numpy(maps)))


def cut_crops(sample: Sample, crop: CropSettings) -> NDArray[np.uint8]:
    """People of an image -> crops (n, h, w, 3), by OpenCV."""
    w, h = crop.input_size
    centers, sizes = measure_boxes(sample.boxes_px, crop.padding)
    sizes = fix_aspect_ratio(sizes, crop.input_size)
    still = np.zeros(len(sizes), np.float32)
    matrices = make_warp_matrices(centers, sizes, still, crop.input_size, crop.use_udp)
    crops = np.empty((len(sizes), h, w, 3), np.uint8)
    for matrix, pixels in zip(matrices, crops, strict=True):
        warp_crop(sample.image, matrix, None, pixels)
    return crops
