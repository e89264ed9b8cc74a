"""The step from a batch of crops and joints to what a network and its loss take."""

from collections.abc import Mapping
from typing import Any

import torch
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from mmpose.registry import MODELS

from gm_pose.fast_lane.device.batch_encoders import make_batch_encoder
from gm_pose.fast_lane.device.data_samples import make_data_samples
from gm_pose.fast_lane.device.light_samples import LightSample, make_light_samples
from gm_pose.fast_lane.device.pixel_normalizer import PixelNormalizer
from gm_pose.ops.batch_targets import copy_to_device

__all__ = ['FastPoseDataPreprocessor']


@MODELS.register_module()
class FastPoseDataPreprocessor(PoseDataPreprocessor):
    """`PoseDataPreprocessor` for the batches of `FastTopdownDataset`.

    One copy of uint8 pixels to the device, which nothing waits for; normalised there once,
    bit for bit as MMPose does it in float32, in channels-last layout; targets drawn there
    by the codec. A batch in MMPose's own format (lists of images and samples) goes the
    way of the parent class, so that inference and the usual pipelines need no other
    config.

    Args:
        *args: of `PoseDataPreprocessor`.
        encoder: config of the codec that draws the training targets (`GenerateTarget`'s);
            None where nothing is trained.
        **kwargs: of `PoseDataPreprocessor`.

    Raises:
        ValueError: `batch_augments`, or padding, which it cannot do to batches; a codec
            that `make_batch_encoder` does not know.
    """

    def __init__(self, *args: Any, encoder: dict | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.batch_augments is not None:
            raise ValueError(
                f'batch_augments is set; {type(self).__name__} expected none. '
                'Fix: PoseDataPreprocessor'
            )
        self._encode = None if encoder is None else make_batch_encoder(encoder)
        self._normalize = PixelNormalizer(self._channel_conversion)

    def forward(self, data: dict, training: bool = False) -> dict:
        """A batch -> inputs (B, 3, h, w) float32 and B data samples.

        Args:
            data: ``inputs`` (B, h, w, 3) uint8, ``data_samples`` a dict of arrays: with
                ``keypoints_px`` and ``visible`` for training, others for evaluation; or
                MMPose's lists.
            training: of the parent class.

        Raises:
            ValueError: targets are asked for without an `encoder`; a size that is no
                multiple of `pad_size_divisor`.
        """
        arrays = data['data_samples'] if isinstance(data, Mapping) else None
        if not isinstance(arrays, Mapping):
            return super().forward(data, training)
        pixels = data['inputs'].to(self.device, non_blocking=True)
        height, width = size = tuple(pixels.shape[1:3])
        if height % self.pad_size_divisor or width % self.pad_size_divisor:
            raise ValueError(
                f'crops are {width} x {height} px with pad_size_divisor='
                f'{self.pad_size_divisor}; expected a multiple of it'
            )
        mean, std = (self.mean, self.std) if self._enable_normalize else (None, None)
        inputs = self._normalize(pixels, mean, std)
        shapes = dict(batch_input_shape=size, pad_shape=size)
        if 'keypoints_px' in arrays:
            return dict(inputs=inputs, data_samples=self._draw(arrays, shapes))
        samples = make_data_samples(arrays)
        for sample in samples:
            sample.set_metainfo(shapes)
        if isinstance(data, dict):  # MMPose's hooks look for them in the loader's batch
            data['data_samples'] = samples
        return dict(inputs=inputs, data_samples=samples)

    def _draw(self, arrays: Mapping[str, Any], shapes: dict) -> list[LightSample]:
        """Joints of a batch -> samples with their targets on the device."""
        if self._encode is None:
            raise ValueError(
                "a training batch without an encoder. Fix: encoder=GenerateTarget's in "
                'model.data_preprocessor'
            )
        keypoints_px, visible = (
            torch.as_tensor(arrays[name]) for name in ('keypoints_px', 'visible')
        )
        heatmaps, weights = self._encode(keypoints_px, visible, self.device)
        of_dataset = arrays.get('dataset_keypoint_weights')
        if of_dataset is not None:  # as GenerateTarget does it
            weights = weights * copy_to_device(torch.as_tensor(of_dataset), self.device)
        return make_light_samples(heatmaps, weights, shapes)
