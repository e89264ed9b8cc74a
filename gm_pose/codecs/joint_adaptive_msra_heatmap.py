"""The registered codec: a shell over the pure functions of `gm_pose.ops`."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.registry import KEYPOINT_CODECS

from gm_pose.codecs import config_rules
from gm_pose.codecs.codec_options import (
    choose_placement,
    describe_codec,
    read_alignment,
    read_decode_sigmas,
)
from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.codecs.expected_oks_scores import make_scores
from gm_pose.ops import grids, joint_checks
from gm_pose.ops.batch_targets import BatchTargets
from gm_pose.ops.gaussian_targets import compute_balance_weights
from gm_pose.ops.heatmap_blur import make_blur
from gm_pose.ops.heatmap_decoding import decode_heatmaps
from gm_pose.ops.sigma_bounds import require_sigmas_fit
from gm_pose.ops.sigma_tables import resolve_sigmas
from gm_pose.ops.target_drawing import make_drawer
from gm_pose.runs.problem import Problem

if TYPE_CHECKING:
    from gm_pose.runs.checks.outline import Outline


@KEYPOINT_CODECS.register_module()
class JointAdaptiveMSRAHeatmap(BaseKeypointCodec):
    """Heatmap codec with one sigma per joint.

    N instances (always 1), K keypoints, input size [w, h] in px, heatmap size [W, H] in
    cells. `encode` gives ``heatmaps`` (K, H, W) and ``keypoint_weights`` (N, K), both as
    MMPose's `MSRAHeatmap` does; at one sigma of 2 or 3 for all, both are equal to its
    own, bit for bit, for every joint inside the map.

    Args:
        input_size: [w, h] in px.
        heatmap_size: [W, H] in cells.
        sigmas: a number is in cells of this heatmap and taken as it is; a named table
            is stated for 48x64 cells and rescaled by ``max(W, H) / 64``. One of

            - the name of a table: 'set1', 'set2' (the paper's, 17 COCO joints);
            - one number for all joints of any skeleton;
            - one number per joint, in the dataset's order;
            - a mapping from joint names to their sigmas; the name 'default' stands for
              all joints that are not named, otherwise every joint needs one;
            - ``dict(oks='coco', mean=2.0, power=1.0)``: proportional to the dataset's
              OKS sigmas to that power (0.5: their square root), scaled so that their
              mean over the joints is `mean` cells; left and right are averaged. `oks`
              is the name of an MMPose dataset or the path of a metainfo file;
            - ``dict(table='set2', mean=2.0, power=1.0)``: likewise from a named table.
        unbiased: draw the Gaussian at the joint's exact place instead of at the nearest
            cell, and decode by fitting each joint's own Gaussian instead of moving a
            quarter cell.
        alignment: 'centered' draws where the joint is. 'legacy_msra' reproduces the
            placement of MMPose's MSRA generator, one cell off for half of all sigmas, bit
            for bit: only for results published with it, biased and on the 'stride' grid.
            'msra', its old name, is read with a DeprecationWarning.
        balance_weights: scale ``keypoint_weights`` of joint k by
            ``(1 / s_k^2) / mean_j(1 / s_j^2)``, so that every joint's target has the same
            energy in the loss. Needs ``KeypointMSELoss(use_target_weight=True)``.
        decode_sigmas: sigmas to read the maps at, given like `sigmas`; None: as they are.
            Maps of joints whose sigma here is above their target's are blurred to it
            before the peak is looked for, see `gm_pose.ops.heatmap_blur`: with the
            metric's tolerance, ``dict(oks='coco', mean=3.4)``, the peak is the guess of
            largest expected OKS. Needs `unbiased`. Changes no target.
        dataset: whose joints `sigmas` refers to: the name of an MMPose dataset or the
            path of a metainfo file. Names of joints are COCO's by default; with it, the
            number of sigmas is checked at construction.
        grid: which input px a cell stands for, see `gm_pose.ops.grids`: 'stride', as in
            `MSRAHeatmap`, or 'udp', as in `UDPHeatmap`, for pipelines with
            ``TopdownAffine(use_udp=True)``; the other one's predictions are off by half
            an input px and more, silently. `gm_pose.with_codec` sets it.
        score: of a joint in `decode`. 'peak': the map's largest value, as MMPose's codecs.
            'expected_oks': the OKS to be expected of it, see `gm_pose.ops.uncertainty`.
            It needs the dataset's OKS sigmas (COCO's joints, or `dataset`), and has
            people's areas and the calibration from `ExpectedOksHook`; without the hook a
            person fills the crop. Changes no target and no position.

    Raises:
        ValueError: a size, sigma, table, joint, dataset or option that is not usable; the
            text has the value and those that exist.

    Attributes:
        sigmas_cells: (K,) float64, the resolved sigmas in cells; (1,) where `sigmas` is
            one number and `dataset` is not given, which fits any K.
        decode_sigmas_cells: (K,) or (1,) float64, sigmas in cells that maps are read at.
        expected_oks: what computes the scores for 'expected_oks', otherwise None.
        joint_names: K names, or None where no skeleton is known.
        scale_factor: (2,) float32, input px per cell that targets are drawn with.
    """

    label_mapping_table = dict(keypoint_weights='keypoint_weights')
    field_mapping_table = dict(heatmaps='heatmaps')

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigmas: str | float | Sequence[float] | Mapping[str, Any],
        unbiased: bool = False,
        alignment: str = 'centered',
        balance_weights: bool = False,
        decode_sigmas: str | float | Sequence[float] | Mapping[str, Any] | None = None,
        dataset: str | None = None,
        grid: str = 'stride',
        score: str = 'peak',
    ) -> None:
        super().__init__()
        self.input_size = grids.require_size(input_size, 'input_size')
        self.heatmap_size = grids.require_size(heatmap_size, 'heatmap_size')
        self.alignment = read_alignment(alignment, unbiased, grid)
        # float32 as in MMPose: positions in cells are then equal bit for bit
        self.scale_factor, self._decode_px = grids.compute_cell_sizes(
            grid, self.input_size, self.heatmap_size
        )
        resolved = resolve_sigmas(sigmas, self.heatmap_size, dataset, load_skeleton)
        require_sigmas_fit(resolved.cells, resolved.joint_names, self.heatmap_size)
        self.sigmas = sigmas
        self.dataset = dataset
        self.unbiased = unbiased
        self.balance_weights = balance_weights
        self.grid = grid
        self.sigmas_cells = resolved.cells
        self.decode_sigmas = decode_sigmas
        read_at = read_decode_sigmas(
            decode_sigmas, sigmas, resolved, self.heatmap_size, dataset, unbiased
        )
        self.decode_sigmas_cells = read_at.cells
        self.joint_names = read_at.joint_names
        self.score = score
        self.expected_oks = make_scores(
            score, dataset, sigmas, resolved, self.heatmap_size
        )
        self._is_uniform = read_at.is_uniform
        self._blur = make_blur(
            self.sigmas_cells, self.decode_sigmas_cells, self.heatmap_size
        )
        cells = resolved.cells.tolist()
        placement = choose_placement(unbiased, self.alignment)
        self._draw = make_drawer(cells, self.heatmap_size, placement)
        self._balance = compute_balance_weights(cells) if balance_weights else None
        self._batch_targets = BatchTargets(
            cells, self.heatmap_size, self.scale_factor, placement, self._balance
        )

    def encode(
        self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Joints (1, K, 2) in input px -> heatmaps (K, H, W), keypoint_weights (1, K).

        A joint with visibility below 0.5 gets an empty map and keeps its visibility as
        its weight; one whose Gaussian lies outside the map gets an empty map and weight
        0; the weight of any other is its visibility.

        Raises:
            ValueError: more than one instance, K that is not the table's, or a visible
                joint whose position is NaN or infinite.
        """
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        joint_checks.require_one_person(
            keypoints, keypoints_visible, type(self).__name__
        )
        self._check_count(keypoints.shape[1])
        labelled = keypoints_visible[0] >= 0.5
        centers_cells = keypoints[0] / self.scale_factor
        # one number that is not finite where any position is not, or is too large to square
        if not isfinite(np.vdot(centers_cells, centers_cells)):
            joint_checks.require_finite_joints(keypoints[0], labelled, self.joint_names)
        heatmaps, overlaps_map = self._draw(centers_cells, labelled)
        weights = keypoints_visible * (overlaps_map >= labelled)  # or: unlabelled
        if self._balance is not None:
            weights = weights * self._balance
        return dict(heatmaps=heatmaps, keypoint_weights=weights)

    def encode_batch(
        self,
        keypoints: torch.Tensor,
        keypoints_visible: torch.Tensor,
        device: torch.device | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Joints (B, K, 2), visible (B, K) -> maps (B, K, H, W), keypoint_weights (B, K).

        B times `encode` on `device` (by default the joints'), without waiting for it:
        weights are equal, maps to 2e-7. A visible joint that is NaN or infinite makes its
        map NaN.

        Raises:
            ValueError: K is not the table's.
        """
        self._check_count(keypoints.shape[1])
        return self._batch_targets(keypoints, keypoints_visible, device)

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Heatmaps (K, H, W) -> joints (1, K, 2) in input px, scores (1, K)."""
        self._check_count(encoded.shape[0])
        return self._decode(encoded[None])

    def batch_decode(
        self, batch_encoded: torch.Tensor
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Heatmaps (B, K, H, W) -> B times `decode`: joints (1, K, 2), scores (1, K)."""
        self._check_count(batch_encoded.shape[1])
        keypoints, scores = self._decode(batch_encoded)
        return list(keypoints[:, None]), list(scores[:, None])

    def _decode(
        self, heatmaps: np.ndarray | torch.Tensor
    ) -> tuple[np.ndarray, np.ndarray]:
        size = tuple(heatmaps.shape[:-3:-1])
        if self._blur is not None and size != self.heatmap_size:
            raise ValueError(
                f'maps are {size} cells (W, H); expected heatmap_size='
                f'{self.heatmap_size}, which decode_sigmas needs'
            )
        sigmas = self.decode_sigmas_cells if self.unbiased else None
        positions, scores = decode_heatmaps(
            heatmaps, sigmas, self._decode_px, self._blur
        )
        if self.expected_oks is not None:
            cells = positions / self._decode_px
            scores = self.expected_oks.compute(heatmaps, cells)
        return positions, scores

    def _check_count(self, num_joints: int) -> None:
        if not self._is_uniform:
            joint_checks.require_joint_count(
                num_joints, len(self.decode_sigmas_cells), self.joint_names
            )

    def __repr__(self) -> str:
        return describe_codec(self)

    def find_config_problems(self, outline: 'Outline') -> list[Problem]:
        """What in the config around this codec does not fit it, before a run starts."""
        return config_rules.find_problems(
            outline,
            self.grid,
            self.balance_weights,
            None if self._is_uniform else len(self.decode_sigmas_cells),
        )
