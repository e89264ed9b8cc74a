"""The registered codec: a shell over the pure functions beside it."""

import inspect
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.registry import KEYPOINT_CODECS, MODELS

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.ops import (
    decode_sigmas as decode_sigma_tables,
)
from gm_pose.ops import (
    gaussian_patches,
    gaussian_targets,
    heatmap_blur,
    heatmap_decoding,
    sigma_tables,
)
from gm_pose.runs.problem import Problem

if TYPE_CHECKING:
    from gm_pose.runs.checks.outline import Outline

ALIGNMENTS = ('centered', 'msra')


@KEYPOINT_CODECS.register_module()
class JointAdaptiveMSRAHeatmap(BaseKeypointCodec):
    """Heatmap codec with one Gaussian width per joint.

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
        alignment: 'centered' draws where the joint is. 'msra' reproduces the placement
            of MMPose's MSRA generator, which is one cell off for half of all sigmas, bit
            for bit: only to reproduce results published with it, and only biased (the
            unbiased generator has no misplacement to reproduce).
        balance_weights: scale ``keypoint_weights`` of joint k by
            ``(1 / s_k^2) / mean_j(1 / s_j^2)``, so that every joint's target has the same
            energy in the loss; the mean factor is 1. Needs
            ``KeypointMSELoss(use_target_weight=True)``.
        decode_sigmas: widths to read the maps at, given like `sigmas`; None reads them as
            they are. The map of a joint whose width here is above its sigma is blurred to
            that width before its peak is looked for; other joints stay as they are. With
            the metric's own tolerance (``dict(oks='coco', mean=3.4)``, see
            docs/use-the-codec.md) the peak is the guess of largest expected OKS, see
            `gm_pose.ops.heatmap_blur`. Needs `unbiased`. Changes no target.
        dataset: whose joints `sigmas` refers to: the name of an MMPose dataset or the
            path of a metainfo file. Names of joints are COCO's by default; with it, the
            number of sigmas is checked at construction.

    Raises:
        ValueError: a size, sigma, table, joint, dataset or option that is not usable; the
            text has the value and those that exist.

    Attributes:
        sigmas_cells: (K,) float64, the resolved sigmas in cells; (1,) where `sigmas` is
            one number and `dataset` is not given, which fits any K.
        decode_sigmas_cells: (K,) or (1,) float64, sigmas in cells that maps are read at.
        joint_names: K names, or None where no skeleton is known.
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
    ) -> None:
        super().__init__()
        self.input_size = _check_size(input_size, 'input_size')
        self.heatmap_size = _check_size(heatmap_size, 'heatmap_size')
        if alignment not in ALIGNMENTS:
            raise ValueError(
                f'alignment must be one of {ALIGNMENTS}, got {alignment!r}'
            )
        if alignment == 'msra' and unbiased:
            raise ValueError(
                "alignment='msra' reproduces the misplacement of MMPose's biased targets; "
                "its unbiased targets have none: use alignment='centered' with "
                'unbiased=True'
            )
        resolved = sigma_tables.resolve_sigmas(
            sigmas, self.heatmap_size, dataset, load_skeleton
        )
        self.sigmas = sigmas
        self.dataset = dataset
        self.unbiased = unbiased
        self.alignment = alignment
        self.balance_weights = balance_weights
        self.sigmas_cells = resolved.cells
        self.decode_sigmas = decode_sigmas
        widths = (
            resolved if decode_sigmas is None else self._resolve_decode_sigmas(resolved)
        )
        self.decode_sigmas_cells = widths.cells
        self.joint_names = widths.joint_names
        self._is_uniform = widths.is_uniform
        self._blur = heatmap_blur.make_blur(
            self.sigmas_cells, self.decode_sigmas_cells, self.heatmap_size
        )
        # float32 as in MMPose: positions in cells are then equal bit for bit
        self.scale_factor = (
            np.array(self.input_size) / np.array(self.heatmap_size)
        ).astype(np.float32)
        self._patches = gaussian_patches.make_patches(resolved.cells, self.heatmap_size)
        self._grid = gaussian_targets.make_exact_grid(resolved.cells, self.heatmap_size)
        self._balance = (
            gaussian_targets.compute_balance_weights(resolved.cells)
            if balance_weights
            else None
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
        if keypoints.ndim != 3 or keypoints.shape[0] != 1 or keypoints.shape[2] != 2:
            raise ValueError(
                f'{type(self).__name__} encodes one instance with 2-D joints, (1, K, 2), '
                f'got {keypoints.shape}'
            )
        self._check_count(keypoints.shape[1])
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        if keypoints_visible.shape != keypoints.shape[:2]:
            raise ValueError(
                f'keypoints_visible {keypoints_visible.shape} does not fit keypoints '
                f'{keypoints.shape}: (1, K) is wanted'
            )
        labelled = keypoints_visible[0] >= 0.5
        centers_cells = keypoints[0] / self.scale_factor
        # one number that is not finite where any position is not, or is too large to square
        if not isfinite(np.vdot(centers_cells, centers_cells)):
            self._check_finite(keypoints[0], labelled)
        if self.unbiased:
            heatmaps, overlaps_map = gaussian_targets.draw_exact(
                centers_cells, labelled, self._grid, self.heatmap_size
            )
        elif self.alignment == 'msra':
            heatmaps, overlaps_map = gaussian_targets.draw_legacy_msra(
                centers_cells, labelled, self.sigmas_cells, self.heatmap_size
            )
        else:
            heatmaps, overlaps_map = gaussian_patches.draw_rounded(
                centers_cells, labelled, self._patches, self.heatmap_size
            )
        weights = keypoints_visible * (overlaps_map >= labelled)  # or: unlabelled
        if self._balance is not None:
            weights = weights * self._balance
        return dict(heatmaps=heatmaps, keypoint_weights=weights)

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
                f'maps of {size} cells (W, H) and heatmap_size={self.heatmap_size}: '
                'decode_sigmas needs both to be the same'
            )
        sigmas = self.decode_sigmas_cells if self.unbiased else None
        return heatmap_decoding.decode_heatmaps(
            heatmaps, sigmas, self.scale_factor, self._blur
        )

    def _resolve_decode_sigmas(
        self, targets: sigma_tables.ResolvedSigmas
    ) -> sigma_tables.ResolvedSigmas:
        if not self.unbiased:
            raise ValueError(
                f'decode_sigmas={self.decode_sigmas!r} needs unbiased=True: the '
                'quarter-cell refinement of biased targets fits no Gaussian'
            )
        return decode_sigma_tables.resolve_decode_sigmas(
            self.decode_sigmas, self.sigmas, targets, self.heatmap_size, self.dataset,
            load_skeleton,
        )  # fmt: skip

    def _check_count(self, num_joints: int) -> None:
        if not self._is_uniform and num_joints != len(self.decode_sigmas_cells):
            raise ValueError(
                sigma_tables.describe_count_mismatch(
                    len(self.decode_sigmas_cells), num_joints, self.joint_names
                )
            )

    def _check_finite(self, keypoints: np.ndarray, labelled: np.ndarray) -> None:
        wrong = ~np.isfinite(keypoints).all(1) & labelled
        if wrong.any():
            joint = int(wrong.argmax())
            raise ValueError(
                f'visible joint {self._name_joint(joint)} is at '
                f'{keypoints[joint].tolist()}: mark it invisible or repair the annotation'
            )

    def _name_joint(self, joint: int) -> str:
        return (
            f'{joint} ({self.joint_names[joint]})' if self.joint_names else str(joint)
        )

    def _format_cells(self, cells: np.ndarray) -> str:
        if len(cells) == 1:
            return f'{cells[0]:g}'
        names = self.joint_names or range(len(cells))
        pairs = zip(names, cells, strict=True)
        return '{' + ', '.join(f'{n}: {s:.4g}' for n, s in pairs) + '}'

    def __repr__(self) -> str:
        read = ''
        if self._blur is not None:
            read = (
                f', decode_sigmas_cells={self._format_cells(self.decode_sigmas_cells)}'
            )
        return (
            f'{type(self).__name__}(input_size={self.input_size}, '
            f'heatmap_size={self.heatmap_size}, unbiased={self.unbiased}, '
            f'alignment={self.alignment!r}, balance_weights={self.balance_weights}, '
            f'sigmas_cells={self._format_cells(self.sigmas_cells)}{read})'
        )

    def find_config_problems(self, outline: 'Outline') -> list[Problem]:
        """What in the config around this codec does not fit it, before a run starts."""
        place, count = outline.codec.path, outline.num_keypoints
        problems = []
        if not self._is_uniform and count not in (None, len(self.sigmas_cells)):
            problems.append(
                Problem(
                    f'{place}.sigmas',
                    f'has {len(self.sigmas_cells)} values; expected {count}, one for '
                    'each channel of model.head',
                    'give one sigma for each keypoint',
                )
            )
        loss = outline.get('model.head.loss')
        if self.balance_weights and ignores_weights(loss):
            problems.append(
                Problem(
                    f'{place}.balance_weights',
                    f'is True; {loss["type"]}(use_target_weight=False) ignores weights',
                    'set model.head.loss.use_target_weight=True',
                )
            )
        # Grid: what `TopdownAffine`, the flip test and the codec must share comes here.
        return problems


def ignores_weights(loss: Any) -> bool:
    """Whether a loss's config leaves the weights of the joints out."""
    kind = loss.get('type') if isinstance(loss, dict) else None
    kind = MODELS.get(kind.removeprefix('mmpose.')) if isinstance(kind, str) else None
    option = (
        inspect.signature(kind).parameters.get('use_target_weight') if kind else None
    )
    return option is not None and not loss.get(option.name, option.default)


def _check_size(size: Sequence[int], name: str) -> tuple[int, int]:
    if len(size) != 2 or not all(int(n) == n and n > 0 for n in size):
        raise ValueError(f'{name} must be two whole numbers > 0, got {size!r}')
    return int(size[0]), int(size[1])
