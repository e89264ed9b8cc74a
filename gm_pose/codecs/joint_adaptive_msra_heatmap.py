"""The registered codec: a shell over the pure functions of `gm_pose.ops`."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.registry import KEYPOINT_CODECS

from gm_pose.codecs import config_rules
from gm_pose.codecs.codec_options import read_alignment, read_foot
from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.codecs.expected_oks_scores import (
    SCORES,
    ExpectedOksScores,
    read_oks_sigmas,
)
from gm_pose.ops import (
    batch_targets,
    gaussian_patches,
    gaussian_targets,
    grids,
    heatmap_blur,
    heatmap_decoding,
    joint_checks,
    sigma_bounds,
    sigma_tables,
)
from gm_pose.ops import decode_sigmas as decode_sigma_tables
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
            placement of MMPose's MSRA generator, which is one cell off for half of all
            sigmas, bit for bit: only to reproduce results published with it, and only
            biased, on the 'stride' grid (MMPose's other generators are not off). 'msra',
            its old name, is read with a DeprecationWarning.
        balance_weights: scale ``keypoint_weights`` of joint k by
            ``(1 / s_k^2) / mean_j(1 / s_j^2)``, so that every joint's target has the same
            energy in the loss; the mean factor is 1. Needs
            ``KeypointMSELoss(use_target_weight=True)``.
        decode_sigmas: sigmas to read the maps at, given like `sigmas`; None reads them as
            they are. The map of a joint whose sigma here is above that of its target is
            blurred to it before its peak is looked for; other joints stay as they are.
            With the metric's own tolerance (``dict(oks='coco', mean=3.4)``, see
            docs/use-the-codec.md) the peak is the guess of largest expected OKS, see
            `gm_pose.ops.heatmap_blur`. Needs `unbiased`. Changes no target.
        foot: a second, wider Gaussian below each joint's own, ``dict(share=0.4,
            factor=2.0)``: ``(1 - share) G(s) + share G(factor s)``. The narrow one places
            the joint, the wide one is found from further away; decoding fits the narrow
            one. Needs `unbiased`. None: one Gaussian.
        dataset: whose joints `sigmas` refers to: the name of an MMPose dataset or the
            path of a metainfo file. Names of joints are COCO's by default; with it, the
            number of sigmas is checked at construction.
        grid: which input px a cell stands for, see `gm_pose.ops.grids`: 'stride', as in
            `MSRAHeatmap`, or 'udp', as in `UDPHeatmap`, for pipelines with
            ``TopdownAffine(use_udp=True)``. On the other one's grid predictions are off
            by half an input px and more, silently; `gm_pose.with_codec` sets it.
        score: what `decode` gives as a joint's score. 'peak': the map's largest value, as
            MMPose's codecs. 'expected_oks': the OKS to be expected of the joint, see
            `gm_pose.ops.uncertainty`; `CocoMetric`'s score of a person is then the mean
            expected OKS of its joints. Needs the dataset's OKS sigmas: COCO's joints, or
            `dataset`. Runs have people's areas and the checkpoint's calibration from
            `ExpectedOksHook`; without it a person fills the crop. Changes no target and
            no position.

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
        foot: Mapping[str, float] | None = None,
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
        resolved = sigma_tables.resolve_sigmas(
            sigmas, self.heatmap_size, dataset, load_skeleton
        )
        sigma_bounds.require_sigmas_fit(
            resolved.cells, resolved.joint_names, self.heatmap_size
        )
        self.sigmas = sigmas
        self.dataset = dataset
        self.unbiased = unbiased
        self.balance_weights = balance_weights
        self.grid = grid
        self.sigmas_cells = resolved.cells
        self.decode_sigmas = decode_sigmas
        read_at = (
            resolved if decode_sigmas is None else self._resolve_decode_sigmas(resolved)
        )
        self.decode_sigmas_cells = read_at.cells
        self.joint_names = read_at.joint_names
        if score not in SCORES:
            raise ValueError(f'score is {score!r}; expected one of {SCORES}')
        self.score = score
        self.expected_oks: ExpectedOksScores | None = None
        if score == 'expected_oks':
            self.expected_oks = ExpectedOksScores(
                self.sigmas_cells,
                read_oks_sigmas(dataset, sigmas, resolved),
                self.heatmap_size,
            )
        self._is_uniform = read_at.is_uniform
        self._blur = heatmap_blur.make_blur(
            self.sigmas_cells, self.decode_sigmas_cells, self.heatmap_size
        )
        cells = resolved.cells.tolist()
        self._patches = gaussian_patches.make_patches(cells, self.heatmap_size)
        self._exact = gaussian_targets.make_exact_grid(cells, self.heatmap_size)
        self._balance = (
            gaussian_targets.compute_balance_weights(cells) if balance_weights else None
        )
        self.foot = read_foot(foot, unbiased)
        if self.foot is not None:
            wide = [sigma * self.foot.factor for sigma in cells]
            self._exact_foot = gaussian_targets.make_exact_grid(wide, self.heatmap_size)
            self._batch_foot = batch_targets.BatchTargets(
                wide, self.heatmap_size, self.scale_factor, 'exact'
            )
        rounded = 'legacy_msra' if self.alignment == 'legacy_msra' else 'rounded'
        self._batch_targets = batch_targets.BatchTargets(
            cells,
            self.heatmap_size,
            self.scale_factor,
            'exact' if unbiased else rounded,
            self._balance,
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
        if self.unbiased:
            heatmaps, overlaps_map = gaussian_targets.draw_exact(
                centers_cells, labelled, self._exact, self.heatmap_size
            )
            if self.foot is not None:
                wide, _ = gaussian_targets.draw_exact(
                    centers_cells, overlaps_map, self._exact_foot, self.heatmap_size
                )
                heatmaps = self.foot.mix(heatmaps, wide)
        elif self.alignment == 'legacy_msra':
            heatmaps, overlaps_map = gaussian_targets.draw_legacy_msra(
                centers_cells, labelled, self.sigmas_cells.tolist(), self.heatmap_size
            )
        else:
            heatmaps, overlaps_map = gaussian_patches.draw_rounded(
                centers_cells, labelled, self._patches, self.heatmap_size
            )
        weights = keypoints_visible * (overlaps_map >= labelled)  # or: unlabelled
        if self._balance is not None:
            weights = weights * self._balance
        return dict(heatmaps=heatmaps, keypoint_weights=weights)

    def encode_batch(
        self, keypoints: torch.Tensor, keypoints_visible: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Joints (B, K, 2), visible (B, K) -> maps (B, K, H, W), keypoint_weights (B, K).

        B times `encode` on the joints' device, without waiting for it: weights are equal,
        maps to 2e-7. A visible joint that is NaN or infinite makes its map NaN.

        Raises:
            ValueError: K is not the table's.
        """
        self._check_count(keypoints.shape[1])
        heatmaps, weights = self._batch_targets(keypoints, keypoints_visible)
        if self.foot is not None:
            # a joint whose own Gaussian lies outside the map has no foot either
            drawn = heatmaps.flatten(2).amax(2)[..., None, None] > 0
            wide, _ = self._batch_foot(keypoints, keypoints_visible)
            heatmaps = self.foot.mix(heatmaps, wide * drawn)
        return heatmaps, weights

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
        positions, scores = heatmap_decoding.decode_heatmaps(
            heatmaps, sigmas, self._decode_px, self._blur
        )
        if self.expected_oks is not None:
            cells = positions / self._decode_px
            scores = self.expected_oks.compute(heatmaps, cells)
        return positions, scores

    def _resolve_decode_sigmas(
        self, targets: sigma_tables.ResolvedSigmas
    ) -> sigma_tables.ResolvedSigmas:
        if not self.unbiased:
            raise ValueError(
                f'decode_sigmas is {self.decode_sigmas!r} with unbiased=False; expected '
                'None (a quarter cell fits no Gaussian). Fix: unbiased=True'
            )
        return decode_sigma_tables.resolve_decode_sigmas(
            self.decode_sigmas,
            self.sigmas,
            targets,
            self.heatmap_size,
            self.dataset,
            load_skeleton,
        )

    def _check_count(self, num_joints: int) -> None:
        if not self._is_uniform:
            joint_checks.require_joint_count(
                num_joints, len(self.decode_sigmas_cells), self.joint_names
            )

    def __repr__(self) -> str:
        names = self.joint_names
        read = ''
        if self._blur is not None:
            cells = joint_checks.format_per_joint(self.decode_sigmas_cells, names)
            read = f', decode_sigmas_cells={cells}'
        score = '' if self.score == 'peak' else f', score={self.score!r}'
        return (
            f'{type(self).__name__}(input_size={self.input_size}, '
            f'heatmap_size={self.heatmap_size}, unbiased={self.unbiased}, '
            f'alignment={self.alignment!r}, balance_weights={self.balance_weights}, '
            f'grid={self.grid!r}, sigmas_cells='
            f'{joint_checks.format_per_joint(self.sigmas_cells, names)}{read}{score})'
        )

    def find_config_problems(self, outline: 'Outline') -> list[Problem]:
        """What in the config around this codec does not fit it, before a run starts."""
        return config_rules.find_problems(
            outline,
            self.grid,
            self.balance_weights,
            None if self._is_uniform else len(self.decode_sigmas_cells),
        )
