"""Joints of a whole batch -> Gaussian target maps (torch), on any device.

What the functions of gaussian_patches.py and gaussian_targets.py draw for one person, for
B at once and without a loop: every map is the outer product of two 1-D Gaussians, of which
a placement cuts what lies outside its patch. Where each is drawn, a few numbers a joint, is
found where the joints are, and joints that a GPU will draw are still on the CPU, where such
small operations cost less than their launch on a GPU. Nothing here reads a value back from
the device, so nothing waits for it.

Positions are (B, K, 2) in [x, y] order, sizes [W, H], maps (B, K, H, W) float32.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.gaussian_targets import MAX_EXPONENT

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PLACEMENTS = ('rounded', 'legacy_msra', 'exact', 'unbiased_msra', 'udp')
"""Where a Gaussian is drawn: 'rounded', 'legacy_msra' and 'exact' as `draw_rounded`,
`draw_legacy_msra` and `draw_exact`; 'unbiased_msra' and 'udp' as MMPose's
``MSRAHeatmap(unbiased=True)`` and `UDPHeatmap`, whose maps differ from 'exact' by rounding
in the test for joints outside the map, and by the cut at 3 sigma."""


class _Constants(NamedTuple):
    """What does not depend on the joints, on one device."""

    px_per_cell: 'Tensor'  # (2,) float64, a float32 number
    size: 'Tensor'  # (2,) float64 [W, H]
    cells: 'Tensor'  # (max(W, H),) float64
    radii: 'Tensor'  # (K, 1) float64, of the patch
    middles: 'Tensor'  # (K, 1) float64, where in a patch of MMPose's its centre is
    rates: 'Tensor'  # (K, 1, 1) float64, -1 / (2 s^2)
    balance: 'Tensor'  # (K,) float32


class _Places(NamedTuple):
    """Where Gaussians are drawn, in cells: (B, K, 2) float64, for x and y."""

    middles: 'Tensor'
    first: 'Tensor | None'  # cell of the patch; None: no patch
    end: 'Tensor | None'  # the cell behind it
    overlaps: 'Tensor'  # (B, K, 2) bool, whether the map is reached


class BatchTargets:
    """Draws the targets of batches for one table of sigmas.

    Equal to the functions for one person: weights exactly, maps to 2e-7 (three roundings
    of float32 on this side). To trace it with `torch.compile`, call it once before: it
    keeps its constants per device.

    Args:
        sigmas: (K,), or (1,) for all joints, in cells.
        heatmap_size: [W, H].
        px_per_cell: (2,) float32.
        placement: one of `PLACEMENTS`.
        balance: (K,) or (1,) float32 factors of the weights, None for 1.

    Raises:
        ValueError: an unknown placement.

    Example:
        >>> import torch
        >>> size, stride = (6, 5), np.float32([4, 4])
        >>> draw = BatchTargets([0.7], size, stride, 'exact')
        >>> joints = torch.tensor([[[13.0, 8.0], [-36.0, 8.0]]])
        >>> maps, weights = draw(joints, torch.ones(1, 2))
        >>> print(maps[0, 0, 2].numpy().round(2), weights.tolist())
        [0.   0.01 0.2  0.94 0.56 0.04] [[1.0, 0.0]]
    """

    def __init__(
        self,
        sigmas: Sequence[float],
        heatmap_size: tuple[int, int],
        px_per_cell: NDArray[np.float32],
        placement: str,
        balance: NDArray[np.float32] | None = None,
    ) -> None:
        if placement not in PLACEMENTS:
            raise ValueError(
                f'placement is {placement!r}; expected one of {PLACEMENTS}'
            )
        column = np.array(sigmas, dtype=np.float64)[:, None]
        radii = np.floor(3 * column) if placement == 'rounded' else column * 3
        self.placement = placement
        self.heatmap_size = heatmap_size
        self.is_balanced = balance is not None
        self._values = (
            np.asarray(px_per_cell, dtype=np.float64),
            np.array(heatmap_size, dtype=np.float64),
            np.arange(max(heatmap_size), dtype=np.float64),
            radii,
            (2 * radii + 1) // 2,
            (-1 / (2 * column**2))[..., None],
            np.ones(1, np.float32) if balance is None else balance,
        )
        self._constants: dict[torch.device, _Constants] = {}

    def __call__(
        self,
        keypoints_px: 'Tensor',
        visible: 'Tensor',
        device: 'torch.device | None' = None,
    ) -> tuple['Tensor', 'Tensor']:
        """Joints (B, K, 2) in px, visible (B, K) -> maps (B, K, H, W), weights (B, K).

        A visible joint that is NaN or infinite, which `encode` refuses, makes its map NaN:
        the loss is then not finite, and a run stops there.

        Args:
            keypoints_px: float32; other floats are taken as they are.
            visible: float32, a joint below 0.5 is not labelled.
            device: of maps and weights; by default that of the joints.
        """
        import torch

        constants = self._get_constants(keypoints_px.device)
        labelled = visible >= 0.5
        finite = keypoints_px.isfinite().all(-1)
        broken = labelled & ~finite
        keypoints_px = torch.where(
            (labelled & finite)[..., None], keypoints_px, torch.zeros_like(keypoints_px)
        )
        # In float64 and rounded once, which is the division in float32, bit for bit, also
        # where a compiled one is only good to 2 ulp.
        centers = keypoints_px.double() / constants.px_per_cell
        places = self._place(centers.to(keypoints_px.dtype), constants)
        overlaps = places.overlaps.all(-1) & labelled & finite
        weights = visible * (overlaps | broken | ~labelled)
        if self.is_balanced:
            weights = weights * constants.balance
        device = device or keypoints_px.device
        maps = self._draw(places, overlaps, broken, device)
        return maps, copy_to_device(weights, device)

    def _get_constants(self, device: 'torch.device') -> _Constants:
        import torch

        if device not in self._constants:
            self._constants[device] = _Constants(
                *(torch.as_tensor(value, device=device) for value in self._values)
            )
        return self._constants[device]

    def _draw(
        self,
        places: _Places,
        overlaps: 'Tensor',
        broken: 'Tensor',
        device: 'torch.device',
    ) -> 'Tensor':
        """Places, whether a joint is drawn (B, K) or broken (B, K) -> maps on a device."""
        import torch

        bounds = [x for x in (places.first, places.end) if x is not None]
        # what is drawn nowhere, in one copy: a background of 0 or NaN
        background = torch.zeros_like(overlaps, dtype=torch.float64)
        background = background.masked_fill(broken, float('nan'))
        flags = torch.stack([overlaps.double(), background], -1)
        packed = torch.stack([places.middles, *bounds, flags])
        middles, *bounds, flags = copy_to_device(packed, device)[..., None].unbind()

        constants = self._get_constants(device)
        exponent = constants.cells - middles
        exponent *= exponent
        exponent *= constants.rates
        factors = exponent.clamp_(min=-MAX_EXPONENT).exp_().float()
        drawn = flags[..., :1, :] > 0
        if bounds:
            first, end = bounds
            drawn = drawn & (constants.cells >= first) & (constants.cells < end)
        factors = torch.where(drawn, factors, flags[..., 1:, :].float())
        width, height = self.heatmap_size
        return factors[..., 1, :height, None] * factors[..., 0, None, :width]

    def _place(self, centers: 'Tensor', constants: _Constants) -> _Places:
        """Centres (B, K, 2) in cells, in the joints' own precision -> where to draw."""
        radii, size = constants.radii, constants.size
        if self.placement == 'exact':
            middles = centers.double()
            overlaps = (middles >= -(radii + 1)) & (middles < size + radii)
            return _Places(middles, None, None, overlaps)
        if self.placement == 'unbiased_msra':
            radii = radii.to(centers.dtype)
            overlaps = (centers - radii < size) & (centers + radii + 1 >= 0)
            return _Places(centers.double(), None, None, overlaps)
        # in the joints' own precision: float32 rounds 0.49999997 + 0.5 to 1, as in MMPose
        shifted = centers + 0.5
        if self.placement == 'rounded':
            nearest = shifted.floor().double()
            middles, first, end = nearest, nearest - radii, nearest + radii + 1
        else:
            nearest = shifted.trunc().double()
            first, end = (nearest - radii).trunc(), (nearest + radii + 1).trunc()
            middles = first + constants.middles
            if self.placement == 'udp':
                middles = middles + (centers.double() - nearest)
        return _Places(middles, first, end, (first < size) & (end >= 0))


def copy_to_device(values: 'Tensor', device: 'torch.device') -> 'Tensor':
    """A small tensor on a device; a copy to a GPU is not waited for."""
    if device.type == 'cuda' and not values.is_cuda:
        values = values.pin_memory()
    return values.to(device, non_blocking=True)
