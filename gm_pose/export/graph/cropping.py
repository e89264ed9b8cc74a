"""Crops of people from a whole image, as `cv2.warpAffine` makes them."""

import torch
from torch import Tensor

from gm_pose.inference.models.model_settings import CropSettings

__all__ = ['crop_people', 'measure_people']

# `cv2.warpAffine` rounds positions to 1/1024 px, then down to 1/32 px.
POSITION_STEPS = 1024
WEIGHT_STEPS = 32

# A box of no size would divide by zero; a crop of a thousandth of a px shows one colour.
SMALLEST_PX = 1e-3


def measure_people(boxes_px: Tensor, settings: CropSettings) -> tuple[Tensor, Tensor]:
    """Boxes (N, 4) as x1, y1, x2, y2 -> centers (N, 2), sizes (N, 2) of their crops.

    Float32 throughout, as `gm_pose.ops.crop_matrices` and MMPose round.
    """
    corners, ends = boxes_px[:, :2], boxes_px[:, 2:]
    sizes = ((ends - corners) * settings.padding).clamp(min=SMALLEST_PX)
    ratio = settings.input_size[0] / settings.input_size[1]
    width, height = sizes[:, :1], sizes[:, 1:]
    wide = torch.cat([width, width / ratio], 1)
    tall = torch.cat([height * ratio, height], 1)
    return (corners + ends) * 0.5, torch.where(width > height * ratio, wide, tall)


def crop_people(
    image: Tensor, centers_px: Tensor, sizes_px: Tensor, settings: CropSettings
) -> Tensor:
    """Image (h, w, 3) uint8 -> crops (N, h, w, 3) float32 of whole numbers.

    Bilinear and black outside the image, equal to `TopdownAffine` up to places where a
    position lies on a step of 1/1024 px within the rounding of float64.

    A box is not turned, so a pixel's column depends on x alone and its row on y alone.
    Weights are whole numbers of 32nds: sums stay below 2^24 and are exact in float32.
    """
    height, width = image.shape[0], image.shape[1]
    step, start = _find_sources(centers_px, sizes_px, settings)
    w, h = settings.input_size
    columns = torch.arange(w, dtype=torch.float64)
    rows = torch.arange(h, dtype=torch.float64)
    # OpenCV rounds the two terms along x one by one, along y their sum.
    x = torch.round(step[:, :1] * columns * POSITION_STEPS) + torch.round(
        start[:, :1] * POSITION_STEPS
    )
    y = torch.round((step[:, 1:] * rows + start[:, 1:]) * POSITION_STEPS)
    x_cells, x_weights = _list_taps(x, width)
    y_cells, y_weights = _list_taps(y, height)
    pixels = image.reshape(-1, 3)
    lines = []  # of the two rows of each px
    for y_cell in y_cells:
        taps = []
        for x_cell, x_weight in zip(x_cells, x_weights, strict=True):
            index = y_cell[:, :, None] * width + x_cell[:, None, :]
            tap = (
                pixels.index_select(0, index.reshape(-1)).float().reshape(-1, h, 3 * w)
            )
            # the three channels in one row: runtimes are slow where the last axis is short
            weights = x_weight[:, :, None].expand(-1, -1, 3).reshape(-1, 1, 3 * w)
            taps.append(tap * weights)
        lines.append(taps[0] + taps[1])
    first, second = (weight[:, :, None] for weight in y_weights)
    total = lines[0] * first + lines[1] * second
    return torch.floor(total * (1 / WEIGHT_STEPS**2) + 0.5).reshape(-1, h, w, 3)


def _find_sources(
    centers_px: Tensor, sizes_px: Tensor, settings: CropSettings
) -> tuple[Tensor, Tensor]:
    """Image px per px of the crop, and where its first px lies: (N, 2) float64 each.

    The inverses of the matrices of `gm_pose.ops.crop_matrices.make_warp_matrices`, down
    to where those round to float32.
    """
    w, h = settings.input_size
    if settings.use_udp:
        size = torch.tensor([w - 1, h - 1], dtype=torch.float64)
        sizes = sizes_px.double()
        scale = size / sizes
        shift = (scale * (0.5 * sizes - centers_px.double())).float().double()
        scale = scale.float().double()
        return 1 / scale, -shift / scale
    # the middle of the left side, and the third point: the way to it turned by 90 degrees
    half = sizes_px[:, 0].double() * 0.5
    left = (centers_px[:, 0].double() - half).float()
    side = centers_px[:, 0] - left
    third = centers_px[:, 1] + side
    step_x = side.double() / (w / 2)
    step_y = (third.double() - centers_px[:, 1].double()) / (w / 2)
    start_y = centers_px[:, 1].double() - step_y * (h / 2)
    return torch.stack([step_x, step_y], 1), torch.stack([left.double(), start_y], 1)


def _list_taps(
    positions: Tensor, size: int
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Positions (N, n) in 1/1024 px -> two px each, and their weights in 32nds.

    A px outside the image, of `size` px, has weight 0.
    """
    half_step = POSITION_STEPS // WEIGHT_STEPS // 2
    steps = torch.floor((positions + half_step) / (POSITION_STEPS // WEIGHT_STEPS))
    first = torch.floor(steps / WEIGHT_STEPS)
    after = (steps - first * WEIGHT_STEPS).float()
    cells, weights = [], []
    for cell, weight in ((first, WEIGHT_STEPS - after), (first + 1, after)):
        inside = (cell >= 0) & (cell < size)
        weights.append(torch.where(inside, weight, torch.zeros_like(weight)))
        cells.append(torch.clamp(cell, min=0).long().clamp(max=size - 1))
    return (cells[0], cells[1]), (weights[0], weights[1])
