"""MMPose's top-down estimator with a flip test that has no bias."""

from typing import Any

from mmpose.codecs import MSRAHeatmap
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import Tensor

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.aligned_flip import mirror_aligned

# Codecs whose cell c stands for input px s * c, along both axes, the second on its default
# grid. UDPHeatmap's stands for (w - 1) / (W - 1) * c, MegviiHeatmap's for the middle of s
# px: both mirror onto themselves, and moving the picture would make their flip test wrong.
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
            ``test_cfg.shift_heatmap=True`` must become False
            (``gm_pose.with_codec(_base_, aligned_flip=True)`` does both).

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
                f'test_cfg.shift_heatmap is True; expected False in {name}, which moves '
                'the picture instead. Fix: test_cfg=dict(shift_heatmap=False)'
            )
        flip_mode = self.test_cfg.get('flip_mode', 'heatmap')
        if flip_mode != 'heatmap':
            raise ValueError(
                f"test_cfg.flip_mode is {flip_mode!r}; expected 'heatmap' in {name}"
            )
        decoder = self._get_decoder()
        grid = getattr(decoder, 'grid', 'stride')
        if not isinstance(decoder, CODECS) or grid != 'stride':
            kind = type(decoder).__name__ + ('' if grid == 'stride' else f'({grid=})')
            raise ValueError(
                f"the head's decoder is {kind}; {name} expects MSRAHeatmap or "
                "JointAdaptiveMSRAHeatmap(grid='stride'). Fix: type=TopdownPoseEstimator"
            )
        input_width, heatmap_width = decoder.input_size[0], decoder.heatmap_size[0]
        stride, rest = divmod(input_width, heatmap_width)
        if rest or stride < 1:
            raise ValueError(
                f'the input is {input_width} px wide; expected a multiple of the '
                f'{heatmap_width} cells of the heatmap. Fix: type=TopdownPoseEstimator'
            )
        return stride

    def _get_decoder(self) -> object:
        if not self.with_head:
            return None
        # VisPredictHead has it in the head that it wraps
        head = getattr(self.head, 'pose_head', self.head)
        return getattr(head, 'decoder', None)

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
