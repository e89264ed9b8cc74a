"""The package's codec with sigmas that follow the size of the person, too."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from mmpose.registry import KEYPOINT_CODECS
from numpy.typing import NDArray

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.gaussian_targets import MAX_EXPONENT, draw_exact, make_exact_grid


@KEYPOINT_CODECS.register_module()
class PersonHeatmap(JointAdaptiveMSRAHeatmap):
    """Sigma of joint k and person i: ``s_k f_i``, as OKS's own tolerance grows.

    ``f_i = clip(r_i / root_cells, *limits)``, r_i the root of the person's area in cells of
    the crop. Half body and random scale change the crop and so r_i: a person drawn twice as
    large gets twice the sigma. With `balance_weights` a map's weight is also divided by
    ``f_i^2``, so that every target has the same energy, over joints and over people.

    A map does not tell its sigma: decoding needs r_i from the box that the crop was made
    of, ``0.53 w h`` for the area (`studies.device.read_maps`). The parent's `decode` reads
    with f = 1.

    Args:
        root_cells: r of the person whose sigmas are `sigmas`.
        limits: least and largest f.

    Raises:
        ValueError: biased targets, or limits that are not 0 < least <= 1 <= largest.
    """

    auxiliary_encode_keys: ClassVar[set[str]] = {'area', 'input_scale'}

    def __init__(
        self,
        *args: Any,
        root_cells: float,
        limits: Sequence[float] = (0.5, 2.0),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not self.unbiased:
            raise ValueError('PersonHeatmap has unbiased=False. Fix: unbiased=True')
        if not 0 < limits[0] <= 1 <= limits[1] or not root_cells > 0:
            raise ValueError(
                f'root_cells is {root_cells} and limits are {tuple(limits)}; expected '
                'more than 0, and a pair around 1'
            )
        self.root_cells, self.limits = float(root_cells), tuple(limits)
        self._roots_px: torch.Tensor | None = None

    def compute_factors(self, roots_cells: Any) -> Any:
        """Roots of areas (B,) in cells, of numpy or torch -> f (B,)."""
        return (roots_cells / self.root_cells).clip(*self.limits)

    def encode(
        self,
        keypoints: np.ndarray,
        keypoints_visible: np.ndarray | None = None,
        area: Any = None,
        input_scale: Any = None,
    ) -> dict[str, np.ndarray]:
        """As the parent's; area in image px^2, width of the crop in image px.

        Without them f is 1.
        """
        encoded = super().encode(keypoints, keypoints_visible)
        if area is None or input_scale is None:
            return encoded
        root = np.sqrt(np.ravel(area)[:1].astype(float)) / np.ravel(input_scale)[0]
        factor = float(self.compute_factors(root * self.heatmap_size[0])[0])
        visible = np.ones(keypoints.shape[1]) if keypoints_visible is None else (
            keypoints_visible[0]
        )  # fmt: skip
        labelled = visible >= 0.5
        grid = make_exact_grid((self.sigmas_cells * factor).tolist(), self.heatmap_size)
        maps, overlaps = draw_exact(
            keypoints[0] / self.scale_factor, labelled, grid, self.heatmap_size
        )
        weights = np.float32(visible * (overlaps >= labelled))[None]
        if self._balance is not None:
            weights = weights * self._balance / np.float32(factor**2)
        return dict(encoded, heatmaps=maps, keypoint_weights=weights)

    def set_roots(self, roots_px: torch.Tensor) -> None:
        """Roots of areas (B,) in px of the crop, of the batch that `encode_batch` gets."""
        self._roots_px = roots_px

    def encode_batch(
        self, keypoints: torch.Tensor, keypoints_visible: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As the parent's, for people of `set_roots`.

        Raises:
            ValueError: `set_roots` was not called for this batch.
        """
        if self._roots_px is None or len(self._roots_px) != len(keypoints):
            raise ValueError('encode_batch came without set_roots of its people')
        px = torch.as_tensor(self.scale_factor, device=keypoints.device).double()
        factors = self.compute_factors(self._roots_px.double() / px[0])[:, None]
        own = torch.as_tensor(self.sigmas_cells, device=keypoints.device)
        sigmas = (factors * own).expand(keypoints.shape[:2])
        labelled = keypoints_visible >= 0.5
        centers = torch.where(labelled[..., None], keypoints, 0).double() / px
        size = torch.tensor(self.heatmap_size, device=keypoints.device)
        reach = 3 * sigmas[..., None]
        overlaps = ((centers >= -(reach + 1)) & (centers < size + reach)).all(-1)
        overlaps &= labelled
        parts = []
        for axis, count in enumerate(self.heatmap_size):
            cells = torch.arange(count, device=keypoints.device).double()
            exponents = (cells - centers[..., axis, None]) / sigmas[..., None]
            exponents = (-0.5 * exponents**2).clamp(min=-MAX_EXPONENT)
            parts.append((exponents.exp() * overlaps[..., None]).float())
        maps = parts[1][..., None] * parts[0][..., None, :]
        weights = keypoints_visible * (overlaps | ~labelled)
        if self._balance is not None:
            balance = torch.as_tensor(self._balance, device=keypoints.device)
            weights = weights * balance / (factors**2).float()
        return maps, weights


def list_person_sigmas(
    codec: PersonHeatmap, roots_cells: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Roots of areas (N,) in cells -> sigmas (N, K) or (N, 1) of each person's maps."""
    return np.asarray(codec.compute_factors(roots_cells)[:, None] * codec.sigmas_cells)
