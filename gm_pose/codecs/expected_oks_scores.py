"""What a codec with ``score='expected_oks'`` gives as the scores of joints."""

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.ops.array_types import is_tensor, make_like
from gm_pose.ops.sigma_tables import ResolvedSigmas
from gm_pose.ops.skeleton import COCO
from gm_pose.ops.uncertainty import (
    BOX_AREA_SHARE,
    Calibration,
    compute_expected_oks,
    compute_tolerances,
    measure_uncertainty,
)

HOOK = 'ExpectedOksHook'
SCORES = ('peak', 'expected_oks')

# MMPose's GetBBoxCenterScale: the crop is so many times the box.
BOX_PADDING = 1.25


class ExpectedOksScores:
    """Maps and the places decoded from them -> each joint's expected OKS.

    The metric's tolerance needs the person's area, which no map has. A run gives it with
    `set_boxes` before each batch (`ExpectedOksHook` does); otherwise people are taken to
    fill the crop but for MMPose's padding.

    Args:
        target_sigmas_cells: (K,) or (1,), of the codec.
        oks_sigmas: (K,), of the metric.
        heatmap_size: [W, H] in cells.

    Attributes:
        calibration: None for the neutral one. `ExpectedOksHook` sets that of the
            checkpoint that is loaded.
    """

    def __init__(
        self,
        target_sigmas_cells: NDArray[np.float64],
        oks_sigmas: NDArray[np.float64],
        heatmap_size: tuple[int, int],
    ) -> None:
        self.target_sigmas_cells = target_sigmas_cells
        self.oks_sigmas = oks_sigmas
        self.heatmap_size = heatmap_size
        self.calibration: Calibration | None = None
        self._areas_cells2: NDArray[np.float64] | None = None

    def set_boxes(
        self, boxes_px: NDArray[np.floating], scales_px: NDArray[np.floating]
    ) -> None:
        """Boxes (B, 4) x1 y1 x2 y2, crops (B, 2) in image px, of the batch that comes."""
        sides = boxes_px[:, 2:4] - boxes_px[:, :2]
        in_cells = np.maximum(sides, 1) / scales_px * np.array(self.heatmap_size)
        self._areas_cells2 = BOX_AREA_SHARE * in_cells.prod(1, dtype=np.float64)

    def compute(
        self, heatmaps: Any, positions_cells: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Maps (B, K, H, W), places (B, K, 2) -> expected OKS (B, K).

        Raises:
            ValueError: another number of people than `set_boxes` was given.
        """
        batch = len(positions_cells)
        areas, self._areas_cells2 = self._areas_cells2, None
        if areas is None:
            whole = np.prod(np.array(self.heatmap_size, np.float64) / BOX_PADDING)
            areas = np.full(batch, BOX_AREA_SHARE * whole)
        if len(areas) != batch:
            raise ValueError(
                f'there are maps of {batch} people and boxes of {len(areas)}'
            )
        tolerances = compute_tolerances(areas, self.oks_sigmas)
        if is_tensor(heatmaps):
            heatmaps = heatmaps.detach().float()
        else:
            heatmaps = np.asarray(heatmaps, np.float32)
        measured = measure_uncertainty(
            heatmaps,
            make_like(heatmaps, positions_cells),
            self.target_sigmas_cells,
            self.calibration,
        )
        scores: Any = compute_expected_oks(
            *measured, make_like(heatmaps, tolerances), self.calibration
        )
        scores = scores.cpu().numpy() if is_tensor(scores) else scores
        return scores.astype(np.float32)


def add_score_hook(cfg: MutableMapping[str, Any], codec: Any) -> None:
    """Add `ExpectedOksHook` to a config whose `codec` has ``score='expected_oks'``."""
    score = codec.get('score') if isinstance(codec, Mapping) else None
    hooks = list(cfg.get('custom_hooks') or [])
    present = [hook.get('type') for hook in hooks if isinstance(hook, Mapping)]
    if score == 'expected_oks' and HOOK not in present:
        cfg['custom_hooks'] = [*hooks, dict(type=HOOK)]


def make_scores(
    score: str,
    dataset: str | None,
    sigmas: Any,
    resolved: ResolvedSigmas,
    heatmap_size: tuple[int, int],
) -> ExpectedOksScores | None:
    """A codec's arguments -> what computes its scores, None for `peak`.

    Raises:
        ValueError: an unknown score, or no OKS sigmas (see `read_oks_sigmas`).
    """
    if score not in SCORES:
        raise ValueError(f'score is {score!r}; expected one of {SCORES}')
    if score == 'peak':
        return None
    oks_sigmas = read_oks_sigmas(dataset, sigmas, resolved)
    return ExpectedOksScores(resolved.cells, oks_sigmas, heatmap_size)


def read_oks_sigmas(
    dataset: str | None, sigmas: Any, resolved: ResolvedSigmas
) -> NDArray[np.float64]:
    """A codec's `dataset` and `sigmas` -> the OKS sigmas (K,) of its joints.

    Raises:
        ValueError: no dataset is known, or it has no OKS sigmas.
    """
    if dataset is None and isinstance(sigmas, Mapping):
        dataset = sigmas.get('oks')
    if dataset is None and resolved.joint_names == COCO.joint_names:
        dataset = COCO.name
    if dataset is None:
        raise ValueError(
            "score is 'expected_oks' without a dataset, whose OKS sigmas it needs. Fix: "
            "dataset='coco', or the name or metainfo file of yours"
        )
    found = load_skeleton(dataset).oks_sigmas
    if found is None:
        raise ValueError(
            f"score is 'expected_oks' and dataset {dataset!r} has no OKS sigmas. Fix: "
            "sigmas in its metainfo file, or score='peak'"
        )
    return np.array(found, np.float64)
