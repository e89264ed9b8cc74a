"""MMPose's top-down estimator with a flip test that has no bias."""

from typing import Any

from mmpose.codecs import MSRAHeatmap
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.aligned_flip import mirror_aligned

# Codecs whose cell c stands for input px s * c, along both axes. UDPHeatmap's stands for
# (w - 1) / (W - 1) * c, MegviiHeatmap's for the middle of s px: both mirror onto
# themselves, and moving the picture would make their flip test wrong.
CODECS = (MSRAHeatmap, JointAdaptiveMSRAHeatmap)


@MODELS.register_module()
class AlignedFlipTopdownPoseEstimator(TopdownPoseEstimator):
    """`TopdownPoseEstimator` whose flip test averages maps that coincide.

    With `MSRAHeatmap` and `JointAdaptiveMSRAHeatmap` the map of a mirrored picture,
    mirrored back, is (s - 1) / s of a cell too far left (s input px per cell along x).
    MMPose moves it by one cell (``shift_heatmap=True``) or not at all, so its mean map
    is off by ``+1 / (2 s)`` or ``-(s - 1) / (2 s)`` cells. Here the mirrored *picture* is
    moved instead, by s - 1 px to the left before it enters the network, its last column
    repeated (`gm_pose.ops.aligned_flip.mirror_aligned`): nothing is off. s is taken
    from the decoder of the head, so it cannot disagree with it.

    Training, ``flip_test=False`` and every weight are `TopdownPoseEstimator`'s own: a
    checkpoint of either loads into the other. Targets that MMPose's MSRA generator draws
    off the joint (sigmas with ``0 < frac(3 sigma) < 0.5``) stay off: no flip test is
    right for them.

    Args:
        **kwargs: the arguments of `TopdownPoseEstimator`. A base config's
            ``test_cfg.shift_heatmap=True`` must be set to False.

    Raises:
        ValueError: with ``test_cfg.flip_test``, when built or at a prediction:
            `shift_heatmap` is set too, `flip_mode` is not 'heatmap', the head's decoder
            has another grid, or w is not a whole multiple of W.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.test_cfg.get('flip_test', False):
            self.read_flip_stride()

    def read_flip_stride(self) -> int:
        """s, input px per heatmap cell along x, from the decoder of the head."""
        name = type(self).__name__
        # Read at each prediction, too: MMPose's tools write to test_cfg after building.
        if self.test_cfg.get('shift_heatmap', False):
            raise ValueError(
                f'test_cfg.shift_heatmap=True has no place in {name}, which moves the '
                'mirrored picture instead: set test_cfg=dict(shift_heatmap=False)'
            )
        flip_mode = self.test_cfg.get('flip_mode', 'heatmap')
        if flip_mode != 'heatmap':
            raise ValueError(
                f"test_cfg.flip_mode must be 'heatmap' in {name}, got {flip_mode!r}"
            )
        decoder = getattr(self.head, 'decoder', None) if self.with_head else None
        if not isinstance(decoder, CODECS):
            allowed = ' or '.join(codec.__name__ for codec in CODECS)
            raise ValueError(
                f'{name} needs a head whose decoder is {allowed}, got '
                f'{type(decoder).__name__}, whose cells do not stand for input px '
                's * c: use type=TopdownPoseEstimator, which does not move the picture'
            )
        input_width, heatmap_width = decoder.input_size[0], decoder.heatmap_size[0]
        stride, rest = divmod(input_width, heatmap_width)
        if rest or stride < 1:
            raise ValueError(
                f'{name} moves the picture by whole px: an input width of {input_width} '
                f'px must be a multiple of the {heatmap_width} cells of the heatmap, '
                f'got {input_width / heatmap_width:.3f} px per cell'
            )
        return stride

    def predict(
        self, inputs: Tensor, data_samples: list[PoseDataSample]
    ) -> list[PoseDataSample]:
        """Pictures (B, 3, h, w) -> samples with `pred_instances`, as the base class."""
        if not self.test_cfg.get('flip_test', False):
            return super().predict(inputs, data_samples)
        mirrored = mirror_aligned(inputs, self.read_flip_stride())
        feats = [self.extract_feat(inputs), self.extract_feat(mirrored)]
        predicted = self.head.predict(feats, data_samples, test_cfg=self.test_cfg)
        # A pair with test_cfg.output_heatmaps.
        instances, fields = (
            predicted if isinstance(predicted, tuple) else (predicted, None)
        )
        return self.add_pred_to_datasample(instances, fields, data_samples)
