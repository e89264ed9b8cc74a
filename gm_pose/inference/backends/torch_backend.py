"""Models of MMPose, run by PyTorch."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gm_pose.fast_lane.device.pixel_normalizer import PixelNormalizer
from gm_pose.fast_lane.loading.crop_warp import warp_crop
from gm_pose.inference.backends.fold_norms import fold_norms
from gm_pose.inference.backends.pose_backend import PeopleArrays, concatenate_people
from gm_pose.inference.backends.torch_network import PoseNetwork, build_network
from gm_pose.inference.models.run_checkpoint import OpenedModel
from gm_pose.ops.crop_matrices import (
    fix_aspect_ratio,
    make_warp_matrices,
    measure_boxes,
)
from gm_pose.ops.uncertainty import Uncertainty, measure_uncertainty
from gm_pose.runs.user_errors import UserError

__all__ = ['TorchBackend']


class TorchBackend:
    """A heatmap model; crops, maps and joints as MMPose's test pipeline makes them.

    Args:
        opened: the model.
        device: 'cpu', 'cuda:0', ...; None: a GPU where there is one.
        flip_test: average the maps with those of the mirrored crop, aligned
            (`gm_pose.ops.aligned_flip`), whatever the config's own flip test does.
        batch_size: people that go through the network at once.
        any_codec: see `build_network`; `estimate` needs one with Gaussians.

    Raises:
        UserError: the device is not there, or weights and config do not fit.
    """

    def __init__(
        self,
        opened: OpenedModel,
        device: str | None = None,
        flip_test: bool = False,
        batch_size: int = 32,
        any_codec: bool = False,
    ) -> None:
        self.device = _choose_device(device)
        self.network: PoseNetwork = build_network(
            opened, self.device, flip_test, any_codec
        )
        self.network.model = fold_norms(
            self.network.model, self.network.description.input_size
        )
        self.description = replace(
            self.network.description, calibration=opened.calibration
        )
        self.crop, self.batch_size = opened.settings.crop, batch_size
        pixels = opened.settings.pixels
        self._normalizer = PixelNormalizer(pixels.swaps_channels)
        self._mean, self._std = (
            None if v is None else torch.tensor(v).view(-1, 1, 1).to(self.device)
            for v in (pixels.mean, pixels.std)
        )

    def estimate(
        self,
        images: Sequence[NDArray[np.uint8]],
        boxes_px: Sequence[NDArray[np.floating]],
    ) -> list[PeopleArrays]:
        """Images (h, w, 3) with boxes (n, 4) -> their people."""
        counts = [len(boxes) for boxes in boxes_px]
        if sum(counts) == 0:
            joints = self.description.joint_count
            return [PeopleArrays.make_empty(joints) for _ in images]
        boxes = np.concatenate([np.reshape(b, (-1, 4)) for b in boxes_px])
        owners = np.repeat(np.arange(len(images)), counts)
        parts = []
        for start in range(0, len(boxes), self.batch_size):
            rows = slice(start, start + self.batch_size)
            parts.append(self._estimate_batch(images, owners[rows], boxes[rows]))
        people = concatenate_people(parts)
        ends = np.cumsum(counts)
        return [people[end - n : end] for n, end in zip(counts, ends, strict=True)]

    def _estimate_batch(
        self,
        images: Sequence[NDArray[np.uint8]],
        owners: NDArray[np.int64],
        boxes_px: NDArray[np.floating],
    ) -> PeopleArrays:
        centers, scales = measure_boxes(boxes_px, self.crop.padding)
        scales = fix_aspect_ratio(scales, self.crop.input_size)
        crops = self._cut(images, owners, centers, scales)
        with torch.inference_mode():
            inputs = self._normalizer(crops.to(self.device), self._mean, self._std)
            # channels-last maps would be reordered in each step that reads them
            maps = self.network.predict_maps(inputs).contiguous()
            joints, scores = self.network.decode(maps)
        found = self._measure(maps, joints / self.network.cell_size_px)
        factors = scales / np.asarray(self.crop.input_size)  # image px per input px
        cell_px = (factors * self.network.cell_size_px).astype(np.float32)[:, None]
        # MMPose's own order of operations: equal to the last bit
        keypoints = joints / self.crop.input_size * scales[:, None]
        keypoints = keypoints + centers[:, None] - 0.5 * scales[:, None]
        return PeopleArrays(
            keypoints.astype(np.float32),
            scores,
            found.covariances_cells2 * (cell_px[..., :, None] * cell_px[..., None, :]),
            found.presence,
        )

    def _measure(self, maps: Tensor, cells: NDArray[np.float32]) -> Uncertainty:
        """Maps (n, K, H, W), joints (n, K, 2) in cells -> numpy arrays."""
        sigmas = self.network.target_sigmas_cells
        fitted = self.description.calibration
        if maps.device.type == 'cpu':  # numpy takes half as long for small arrays
            return measure_uncertainty(maps.numpy(), cells, sigmas, fitted)
        found = measure_uncertainty(
            maps, torch.from_numpy(cells).to(maps), sigmas, fitted
        )
        return Uncertainty(*(array.float().cpu().numpy() for array in found))

    def _cut(
        self,
        images: Sequence[NDArray[np.uint8]],
        owners: NDArray[np.int64],
        centers: Any,
        scales: Any,
    ) -> Tensor:
        """Crops (n, h, w, 3) uint8."""
        still = np.zeros(len(owners), np.float32)
        size, use_udp = self.crop.input_size, self.crop.use_udp
        matrices = make_warp_matrices(centers, scales, still, size, use_udp)
        crops = np.empty((len(owners), size[1], size[0], 3), np.uint8)
        for k, owner in enumerate(owners.tolist()):
            warp_crop(images[owner], matrices[k], None, crops[k])
        return torch.from_numpy(crops)


def _choose_device(name: str | None) -> torch.device:
    if name is None:
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
        return device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().partition('\n')[0]
        raise UserError(
            f'device {name!r} cannot be used ({reason}). Fix: cpu, or cuda:0 where '
            'PyTorch sees a GPU'
        ) from error
