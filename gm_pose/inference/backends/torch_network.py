"""The network of an MMPose model: crops -> maps -> joints in px of the crop."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gm_pose.codecs import read_target_sigmas
from gm_pose.inference.backends.describe_model import describe_model
from gm_pose.inference.backends.pose_backend import ModelDescription
from gm_pose.inference.models.run_checkpoint import OpenedModel
from gm_pose.ops.aligned_flip import mirror_aligned
from gm_pose.ops.grids import compute_cell_sizes
from gm_pose.runs.user_errors import UserError

__all__ = ['PoseNetwork', 'build_network']


@dataclass
class PoseNetwork:
    """A model on its device, ready to predict.

    Attributes:
        model: MMPose's estimator.
        description: its joints.
        cell_size_px: (2,) px of the input per heatmap cell.
        target_sigmas_cells: (K,) or (1,), of the targets that it was trained on; (0,) of a
            codec without Gaussians.
        flip_stride: s of `mirror_aligned`; None without a flip test.
    """

    model: Any
    description: ModelDescription
    cell_size_px: NDArray[np.float32]
    target_sigmas_cells: NDArray[np.float64]
    flip_stride: int | None

    def predict_maps(self, inputs: Tensor) -> Tensor:
        """Normalised crops (B, 3, h, w) -> maps (B, K, H, W), averaged with a flip test."""
        maps = self._run(inputs)
        if self.flip_stride is None:
            return maps
        mirrored = self._run(mirror_aligned(inputs, self.flip_stride))
        mirrored = mirrored[:, list(self.description.flip_indices)].flip(-1)
        return (maps + mirrored) * 0.5

    def _run(self, inputs: Tensor) -> Tensor:
        return self.model.head.forward(self.model.extract_feat(inputs))

    def decode(self, maps: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Maps (B, K, H, W) -> joints (B, K, 2) in input px, scores (B, K)."""
        decoder = self.model.head.decoder
        if decoder.support_batch_decoding:
            # not by the head, which makes an object of each person
            people = decoder.batch_decode(maps)
            joints, scores = (np.concatenate(arrays) for arrays in people)
        else:
            found = self.model.head.decode(maps)
            joints = np.concatenate([person.keypoints for person in found])
            scores = np.concatenate([person.keypoint_scores for person in found])
        return joints.astype(np.float32), scores.astype(np.float32)


def build_network(
    opened: OpenedModel,
    device: torch.device,
    flip_test: bool,
    any_codec: bool = False,
) -> PoseNetwork:
    """Build the model with its weights.

    Args:
        opened: the model.
        device: for the model.
        flip_test: see `PoseNetwork.flip_stride`.
        any_codec: also take codecs that have another number of maps than joints, or no
            Gaussians: for who wants their maps alone.

    Raises:
        UserError: config and weights do not fit each other, or it has no heatmaps.
    """
    from mmengine.registry import init_default_scope
    from mmengine.runner.checkpoint import _load_checkpoint_to_model
    from mmpose.registry import MODELS

    from gm_pose.runs.checks.checkpoint_fit import check_checkpoint_fits
    from gm_pose.runs.checks.component_arguments import build_component

    settings = opened.settings
    init_default_scope(settings.default_scope)
    model = build_component(MODELS, settings.model, 'model')
    checkpoint = dict(opened.checkpoint)
    checkpoint['state_dict'] = drop_preprocessor(
        checkpoint.get('state_dict', checkpoint)
    )
    check_checkpoint_fits(checkpoint, model, opened.path)
    _load_checkpoint_to_model(model, checkpoint)
    model = model.to(device).eval()
    if device.type == 'cpu':
        model = model.to(memory_format=torch.channels_last)
    input_size = settings.crop.input_size
    heatmap_size, joints = _try_out(model, input_size, device, opened.path)
    description = describe_model(opened.metainfo, opened.path, input_size, heatmap_size)
    decoder = model.head.decoder
    target_sigmas = _read_sigmas(decoder, any_codec and not flip_test)
    if len(target_sigmas) and joints != description.joint_count:
        raise UserError(
            f'{opened.path} predicts {joints} joints and its metainfo names '
            f'{description.joint_count}. Fix: give the config that it was trained with'
        )
    # as predictions are scaled: on the 'udp' grid targets have another
    grid = 'udp' if _mirrors_onto_itself(decoder) else 'stride'
    cell_size = compute_cell_sizes(grid, input_size, heatmap_size)
    stride = _find_flip_stride(decoder, input_size, heatmap_size) if flip_test else None
    return PoseNetwork(model, description, cell_size.decode_px, target_sigmas, stride)


def _read_sigmas(decoder: Any, any_codec: bool) -> NDArray[np.float64]:
    try:
        return read_target_sigmas(decoder)
    except ValueError as error:
        if any_codec:
            return np.zeros(0)
        raise UserError(str(error)) from error


def drop_preprocessor(weights: Any) -> Any:
    """Without the mean and std that some versions keep among the weights."""
    kept = type(weights)(
        (name, value)
        for name, value in weights.items()
        if not name.startswith('data_preprocessor.')
    )
    if hasattr(weights, '_metadata'):
        kept._metadata = weights._metadata
    return kept


def _try_out(
    model: Any, input_size: tuple[int, int], device: torch.device, path: str
) -> tuple[tuple[int, int], int]:
    """Run it once -> (W, H) of its maps, K."""
    w, h = input_size
    if getattr(model.head, 'decoder', None) is None:
        raise UserError(
            f'{path}: {type(model.head).__name__} has no decoder; expected a heatmap head'
        )
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        maps = model.head.forward(
            model.extract_feat(torch.zeros(1, 3, h, w, device=device))
        )
    if not isinstance(maps, Tensor) or maps.ndim != 4:
        raise UserError(
            f'{path}: {type(model.head).__name__} predicts no heatmaps; expected one map '
            'for each joint. Fix: take a topdown_heatmap model'
        )
    return (maps.shape[3], maps.shape[2]), maps.shape[1]


def _find_flip_stride(
    decoder: Any, input_size: tuple[int, int], heatmap_size: tuple[int, int]
) -> int:
    """s where cell c stands for px s c; 1 on grids that mirror onto themselves."""
    if _mirrors_onto_itself(decoder):
        return 1
    stride, rest = divmod(input_size[0], heatmap_size[0])
    if rest:
        raise UserError(
            f'the input is {input_size[0]} px wide; expected a multiple of the '
            f'{heatmap_size[0]} cells of the heatmap for a flip test. Fix: leave it out'
        )
    return stride


def _mirrors_onto_itself(decoder: Any) -> bool:
    """Whether its first and last cells are the edges of the box ('udp')."""
    from mmpose.codecs import UDPHeatmap

    return isinstance(decoder, UDPHeatmap) or getattr(decoder, 'grid', '') == 'udp'
