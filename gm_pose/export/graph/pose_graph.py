"""From pixels to joints as one module, and the shorter ways (torch)."""

import numpy as np
import torch
from torch import Tensor, nn

from gm_pose.export.codec_settings import CodecSettings
from gm_pose.export.graph.cropping import crop_people, measure_people
from gm_pose.export.graph.decoder import Decoder
from gm_pose.inference.backends.torch_network import PoseNetwork
from gm_pose.inference.models.model_settings import CropSettings, PixelSettings
from gm_pose.ops.aligned_flip import mirror_aligned
from gm_pose.ops.uncertainty import (
    Calibration,
    average_expected_oks,
    compute_expected_oks,
    compute_tolerances,
    measure_uncertainty,
)
from gm_pose.runs.evaluation.coco_people import AREA_TO_BOX_RATIO

__all__ = ['HeatmapNetwork', 'JointReader', 'PoseGraph']


class HeatmapNetwork(nn.Module):
    """Crops (N, h, w, 3) BGR of 0 to 255, float32 -> heatmaps (N, K, H, W) float32.

    Args:
        network: MMPose's estimator in evaluation mode, and its flip test.
        pixels: how they are normalised.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: PoseNetwork, pixels: PixelSettings) -> None:
        super().__init__()
        self.model = network.model
        self.flip_indices = list(network.description.flip_indices)
        self.flip_stride = network.flip_stride
        self.swaps_channels = pixels.swaps_channels
        self.normalizes = pixels.mean is not None
        for name in ('mean', 'std'):
            values = getattr(pixels, name)
            if values is not None:
                self.register_buffer(name, torch.tensor(values).view(-1, 1, 1))

    def forward(self, crops: Tensor) -> Tensor:
        """See the class."""
        x = crops.permute(0, 3, 1, 2)
        if self.swaps_channels:
            x = x[:, [2, 1, 0]]
        if self.normalizes:
            x = (x - self.mean) / self.std
        maps = self._predict(x)
        if self.flip_stride is None:
            return maps
        mirrored = self._predict(mirror_aligned(x, self.flip_stride))
        return (maps + mirrored[:, self.flip_indices].flip(-1)) * 0.5

    def _predict(self, x: Tensor) -> Tensor:
        return self.model.head.forward(self.model.extract_feat(x))


class JointReader(nn.Module):
    """Heatmaps, centers and sizes of the crops -> joints and how sure they are.

    Args:
        settings: of the codec.
        joint_count: K.
        calibration: of the uncertainty; None: none was fitted.
        oks_sigmas: K, or None where the skeleton has none.
    """

    def __init__(
        self,
        settings: CodecSettings,
        joint_count: int,
        calibration: Calibration | None,
        oks_sigmas: tuple[float, ...] | None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.decoder = Decoder(settings, joint_count)
        self.calibration = calibration
        self.oks_sigmas = oks_sigmas

    def forward(
        self, heatmaps: Tensor, centers_px: Tensor, sizes_px: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Maps (N, K, H, W), crops (N, 2), (N, 2) px of the image -> in px of the image:

        keypoints (N, K, 2), scores (N, K), covariances (N, K, 2, 2), presence (N, K).
        """
        cells, scores = self.decoder(heatmaps)
        found = measure_uncertainty(
            heatmaps,
            cells,
            np.array(self.settings.target_sigmas_cells),
            self.calibration,
        )
        # as MMPose's estimator rounds: cells to px of the crop, a fraction, px of the image
        crop_px = cells * torch.tensor(self.settings.cell_px)
        input_px = torch.tensor(self.settings.input_size, dtype=torch.float32)
        size = sizes_px[:, None]
        keypoints = crop_px / input_px * size + centers_px[:, None] - 0.5 * size
        px_per_cell = torch.tensor(self.settings.cell_px) / input_px * sizes_px
        products = px_per_cell[:, :, None] * px_per_cell[:, None, :]
        covariances = found.covariances_cells2 * products[:, None]
        return keypoints, scores, covariances, found.presence

    def expect_oks(
        self, covariances: Tensor, presence: Tensor, areas_px2: Tensor
    ) -> Tensor:
        """Of a person (N,), its area in px^2 (N,) given; `oks_sigmas` must be known."""
        sigmas = torch.tensor(self.oks_sigmas, dtype=torch.float32)
        tolerances = compute_tolerances(areas_px2, sigmas)
        expected = compute_expected_oks(
            covariances, presence, tolerances, self.calibration
        )
        return average_expected_oks(expected)


class PoseGraph(nn.Module):
    """What is exported; see `list_outputs` for what it gives.

    Args:
        network: heatmaps of crops.
        reader: joints of heatmaps; None: maps are given.
        crop: how people are cut out.
        takes_crops: instead of an image and boxes.
    """

    def __init__(
        self,
        network: HeatmapNetwork,
        reader: JointReader | None,
        crop: CropSettings,
        takes_crops: bool,
    ) -> None:
        super().__init__()
        self.takes_crops = takes_crops
        self.network = network
        self.reader = reader
        self.crop = crop

    def list_inputs(self) -> list[str]:
        """Names of the inputs."""
        return ['crops'] if self.takes_crops else ['image', 'boxes']

    def list_outputs(self) -> list[str]:
        """Names of the outputs, in order."""
        if self.reader is None:
            return (
                ['heatmaps'] if self.crop is None else ['heatmaps', 'centers', 'sizes']
            )
        names = ['keypoints', 'scores', 'covariances', 'presence']
        is_known = self.reader.oks_sigmas is not None
        return names if self.takes_crops or not is_known else [*names, 'expected_oks']

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Image (h, w, 3) uint8 BGR, boxes (N, 4); or crops (N, 3, h, w) float32 BGR."""
        if self.takes_crops:
            (crops,) = inputs
            heatmaps = self.network(crops.permute(0, 2, 3, 1))
            if self.reader is None:
                return (heatmaps,)
            # a crop is its own image
            w, h = self.crop.input_size
            sizes = torch.ones_like(crops[:, 0, 0, :2]) * torch.tensor([w, h])
            return self.reader(heatmaps, sizes * 0.5, sizes)
        image, boxes = inputs
        centers, sizes = measure_people(boxes, self.crop)
        heatmaps = self.network(crop_people(image, centers, sizes, self.crop))
        if self.reader is None:
            return heatmaps, centers, sizes
        outputs = self.reader(heatmaps, centers, sizes)
        if self.reader.oks_sigmas is None:
            return outputs
        sides = boxes[:, 2:] - boxes[:, :2]
        areas = (sides[:, 0] * sides[:, 1] * AREA_TO_BOX_RATIO).clamp(min=1)
        return *outputs, self.reader.expect_oks(outputs[2], outputs[3], areas)
