"""Crops as stored, uint8 (B, h, w, 3) -> normalised input of a network, in one pass."""

import math
import weakref
from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch import Tensor

__all__ = ['PixelNormalizer']

# Batches that may be alive at once before memory is taken anew: the one in the backward
# pass and the next.
_MOST_BUFFERS = 2


def _refer_to_nothing() -> None:
    """A reference to an array that is gone."""


class PixelNormalizer:
    """``(x - mean) / std`` per channel, bit for bit as MMPose's preprocessor does it.

    On the CPU a table of the 256 values of each channel takes the place of the arithmetic,
    and the result is written into memory that an earlier batch has left. Fresh memory
    costs three times as much as the whole pass (the kernel clears 38 MB, page by page).
    A buffer is free when the last tensor on it is gone, autograd's among them.

    Args:
        swaps_channels: reverse the channels before mean and std are applied.
    """

    def __init__(self, swaps_channels: bool) -> None:
        self.swaps_channels = swaps_channels
        self._buffers: list[np.ndarray] = []
        self._users: list[Callable[[], np.ndarray | None]] = []

    def __call__(
        self, pixels: Tensor, mean: Tensor | None, std: Tensor | None
    ) -> Tensor:
        """Pixels (B, h, w, 3) uint8 -> (B, 3, h, w) float32 in channels-last layout.

        Args:
            pixels: on the device of `mean` and `std`.
            mean: (3, 1, 1) or (1, 1, 1) of the channels after they are swapped, None for
                no normalisation.
            std: likewise.
        """
        if pixels.device.type == 'cpu':
            return self._look_up(pixels, mean, std)
        x = pixels.permute(0, 3, 1, 2)
        if self.swaps_channels:
            x = x.flip(1)
        if mean is None or std is None:
            return x.float()
        return torch.sub(x, mean.float()).div_(std)

    def _look_up(
        self, pixels: Tensor, mean: Tensor | None, std: Tensor | None
    ) -> Tensor:
        batch, height, width, channels = pixels.shape
        values = torch.arange(256.0).repeat(channels, 1)
        if mean is not None and std is not None:
            values = (values - mean.view(-1, 1)) / std.view(-1, 1)
        rows = pixels.contiguous().numpy().reshape(batch * height, width, channels)
        if self.swaps_channels:
            rows = cv2.cvtColor(rows, cv2.COLOR_BGR2RGB)
        out = self._take_buffer(rows.shape)
        cv2.LUT(rows, values.T.contiguous().numpy()[None], dst=out)
        x = torch.from_numpy(out).view(batch, height, width, channels)
        return x.permute(0, 3, 1, 2)

    def _take_buffer(self, shape: tuple[int, ...]) -> np.ndarray:
        """An array in memory that no tensor uses; a tensor made of it keeps it alive.

        The array itself must be given to `torch.from_numpy`: a view of it would refer to
        the buffer beneath, as numpy has it, and not to the array that is watched.
        """
        size = math.prod(shape)
        free = [slot for slot, user in enumerate(self._users) if user() is None]
        if free:
            slot = free[0]
            if self._buffers[slot].size < size:
                self._buffers[slot] = np.empty(size, np.float32)
        elif len(self._buffers) < _MOST_BUFFERS:
            slot = len(self._buffers)
            self._buffers.append(np.empty(size, np.float32))
            self._users.append(_refer_to_nothing)
        else:
            return np.empty(shape, np.float32)
        array = self._buffers[slot][:size].reshape(shape)
        self._users[slot] = weakref.ref(array)
        return array
