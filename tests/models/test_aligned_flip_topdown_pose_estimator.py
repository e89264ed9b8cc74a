"""The flip test against MMPose's two, where the right answer is known, and end to end."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import nn

import gm_pose  # noqa: F401  registers the estimator
from gm_pose.ops.aligned_flip import mirror_aligned

CONFIGS = Path(__file__).parents[2] / 'configs'
OURS, STOCK = 'AlignedFlipTopdownPoseEstimator', 'TopdownPoseEstimator'


class StridedBlur(nn.Module):
    """Pictures (B, 3, h, w) -> maps (B, 3, h / s, w / s), cell c around px s c.

    A network that is equal under mirroring and moving by s px: a depthwise triangle of
    weights 1 ... s ... 1. Sampled every s px such triangles add up to a constant and
    keep the centroid of any picture. All numbers are whole and small: float32 is exact.
    """

    def __init__(self, stride):
        super().__init__()
        row = stride - torch.arange(1.0 - stride, stride).abs()
        kernel = torch.outer(row, row)
        self.register_buffer('kernel', kernel.expand(3, 1, *kernel.shape).contiguous())
        self.stride = stride

    def forward(self, inputs):
        padding = self.kernel.shape[-1] // 2
        return (
            nn.functional.conv2d(
                inputs, self.kernel, stride=self.stride, padding=padding, groups=3
            ),
        )


def make_codec(stride, **kwargs):
    return dict(
        type='JointAdaptiveMSRAHeatmap',
        input_size=(24 * stride, 32 * stride),
        heatmap_size=(24, 32),
        sigmas=2.0,
        unbiased=True,
    ) | dict(kwargs)


def build_estimator(kind, codec, backbone=None, joints=3, **test_cfg):
    """ResNet-18 Simple Baseline, or `backbone` with its maps taken as the heatmaps."""
    init_default_scope('mmpose')
    head = dict(type='HeatmapHead', out_channels=joints, decoder=codec)
    head |= dict(in_channels=512, deconv_out_channels=(16, 16, 16))
    if backbone is not None:
        head |= dict(deconv_out_channels=None, final_layer=None)
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type=kind,
            backbone=dict(type='ResNet', depth=18),
            head=head,
            test_cfg=dict(flip_test=True) | test_cfg,
        )
    )
    if backbone is not None:
        model.backbone = backbone
    return model.eval()


def make_samples(count, flip_indices, input_size):
    """Samples whose crop is the picture: predictions come back in input px."""
    samples = []
    for _ in range(count):
        sample = PoseDataSample()
        size = np.array(input_size, dtype=np.float32)
        sample.set_metainfo(
            dict(
                flip_indices=flip_indices,
                input_size=input_size,
                input_center=0.5 * size,
                input_scale=size,
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1)
        )
        samples.append(sample)
    return samples


def predict(model, pictures, flip_indices=(0, 1, 2)):
    height, width = pictures.shape[2:]
    samples = make_samples(len(pictures), list(flip_indices), (width, height))
    with torch.no_grad():
        return model(pictures, samples, mode='predict')


def draw_dots(stride):
    """Pictures (2, 3, h, w), a dot in each channel, on different px within a cell."""
    pictures = torch.zeros(2, 3, 32 * stride, 24 * stride)
    dots = np.random.default_rng(0).integers(8 * stride, 16 * stride, (2, 3, 2))
    for n in range(2):
        for k in range(3):
            x, y = dots[n, k]
            pictures[n, k, y, x] = 1
    return pictures


def measure_centers(samples):
    """Samples with heatmaps -> centroids along x in cells (2, 3)."""
    maps = torch.stack([sample.pred_fields.heatmaps for sample in samples]).double()
    cells = torch.arange(maps.shape[-1], dtype=torch.float64)
    return (maps.sum(2) * cells).sum(-1) / maps.sum((2, 3))


@pytest.mark.parametrize('stride', [1, 2, 4, 8])
@pytest.mark.parametrize('codec_type', ['JointAdaptiveMSRAHeatmap', 'MSRAHeatmap'])
def test_flipped_maps_equal_the_others_and_mmposes_do_not(stride, codec_type):
    codec = make_codec(stride)
    if codec_type == 'MSRAHeatmap':
        codec['type'] = codec_type
        codec['sigma'] = codec.pop('sigmas')
    pictures, network = draw_dots(stride), StridedBlur(stride)

    def predict_by(kind, **test_cfg):
        model = build_estimator(kind, codec, network, output_heatmaps=True, **test_cfg)
        return predict(model, pictures)

    plain = predict_by(STOCK, flip_test=False)
    ours = predict_by(OURS)
    for one, other in zip(plain, ours, strict=True):
        assert torch.equal(one.pred_fields.heatmaps, other.pred_fields.heatmaps)
        for key in ('keypoints', 'keypoint_scores'):
            wanted = one.pred_instances[key]
            assert np.array_equal(other.pred_instances[key], wanted)

    # The flipped map is (s - 1) / s cells too far left, or 1 / s too far right; the mean
    # of both has half of that. Centroids of whole numbers in float64: roundings only.
    centers = measure_centers(plain)
    assert len(centers.unique()) > 3
    for shift, wanted in ((False, -(stride - 1) / stride), (True, 1 / stride)):
        stock = predict_by(STOCK, shift_heatmap=shift)
        offsets = measure_centers(stock) - centers
        torch.testing.assert_close(
            offsets, torch.full_like(offsets, wanted / 2), rtol=0, atol=1e-9
        )


@pytest.fixture(scope='module')
def pictures():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 3, 128, 96, generator=generator)


def build_pair(codec=None, **test_cfg):
    """Ours and MMPose's with the same random weights, heatmaps far from constant."""
    models = []
    for kind in (OURS, STOCK):
        model = build_estimator(kind, codec or make_codec(4), **test_cfg)
        nn.init.normal_(model.head.final_layer.weight)
        nn.init.constant_(model.head.final_layer.bias, 1.0)  # a peak is above 0
        models.append(model)
    models[1].load_state_dict(models[0].state_dict())
    return models


def test_resnet18_flip_test_averages_both_passes(pictures):
    flip_indices = [0, 2, 1]
    model, _ = build_pair(output_heatmaps=True)
    samples = predict(model, pictures, flip_indices)
    with torch.no_grad():
        mirrored = model(mirror_aligned(pictures, 4), None, mode='tensor')
        wanted = model(pictures, None, mode='tensor')
        wanted = (wanted + mirrored.flip(-1)[:, flip_indices]) * 0.5
    keypoints, scores = model.head.decoder.batch_decode(wanted)
    for n, sample in enumerate(samples):
        assert torch.equal(sample.pred_fields.heatmaps, wanted[n])
        predicted = sample.pred_instances
        assert predicted.keypoints.shape == (1, 3, 2)
        # Back from px over the crop's place: two roundings of 96 px in float32.
        np.testing.assert_allclose(predicted.keypoints, keypoints[n], rtol=0, atol=2e-5)
        assert np.array_equal(predicted.keypoint_scores, scores[n])


def test_resnet18_flip_test_is_not_mmposes(pictures):
    ours, stock = build_pair()
    for one, other in zip(
        predict(ours, pictures), predict(stock, pictures), strict=True
    ):
        one, other = one.pred_instances, other.pred_instances
        assert not np.array_equal(one.keypoints, other.keypoints)


def test_without_flip_test_everything_is_mmposes_own(pictures):
    ours, stock = build_pair(flip_test=False, shift_heatmap=True)
    for one, other in zip(
        predict(ours, pictures), predict(stock, pictures), strict=True
    ):
        for key in ('keypoints', 'keypoint_scores'):
            assert np.array_equal(one.pred_instances[key], other.pred_instances[key])
    assert torch.equal(
        ours(pictures, None, mode='tensor'), stock(pictures, None, mode='tensor')
    )


def test_stride_one_is_mmposes_flip_test_without_shift(pictures):
    codec = make_codec(1) | dict(input_size=(24, 32))
    network = StridedBlur(1)
    small = pictures[..., :32, :24]
    ours = build_estimator(OURS, codec, network, output_heatmaps=True)
    stock = build_estimator(STOCK, codec, network, output_heatmaps=True)
    for one, other in zip(predict(ours, small), predict(stock, small), strict=True):
        assert torch.equal(one.pred_fields.heatmaps, other.pred_fields.heatmaps)


@pytest.mark.parametrize('name', ['gm_set2_res50_coco.py', 'res50_coco_256x192.py'])
def test_three_lines_turn_a_shipped_config_into_it(name):
    path = next(CONFIGS.rglob(name))
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(dict(model=dict(type=OURS, test_cfg=dict(shift_heatmap=False))))
    assert cfg.model.test_cfg.flip_test
    cfg.model.backbone.update(depth=18, init_cfg=None)
    cfg.model.head.in_channels = 512
    if 'neck' in cfg.model:
        cfg.model.neck.in_channels = 512
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).eval()
    assert model.read_flip_stride() == 4
    flip_indices = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(1, 3, 256, 192, generator=generator)
    sample = predict(model, inputs, flip_indices)[0]
    assert sample.pred_instances.keypoints.shape == (1, 17, 2)
    assert np.isfinite(sample.pred_instances.keypoints).all()


def test_flipping_the_sample_flips_the_prediction(pictures):
    """What a flip test is for: left and right are treated alike, up to the border."""
    model, _ = build_pair(output_heatmaps=True)
    plain = torch.stack([s.pred_fields.heatmaps for s in predict(model, pictures)])
    moved = mirror_aligned(pictures, 4)
    mirrored = torch.stack([s.pred_fields.heatmaps for s in predict(model, moved)])
    back = flip_heatmaps(mirrored, [0, 1, 2], 'heatmap', shift_heatmap=False)
    # Mirrored and moved twice is the picture but for its s - 1 = 3 last columns, which
    # is all that may differ; other roundings cannot come in, the passes are the same two.
    again = mirror_aligned(moved, 4)
    assert torch.equal(again[..., :-3], pictures[..., :-3])
    distance = (back - plain).abs().mean()
    assert distance < 0.1 * (mirrored - plain).abs().mean()


@pytest.mark.parametrize(
    ('codec', 'test_cfg', 'message'),
    [
        (
            make_codec(4),
            dict(shift_heatmap=True),
            r'shift_heatmap is True; .* Fix: test_cfg=dict\(shift_heatmap=False',
        ),
        (
            make_codec(4),
            dict(flip_mode='offset'),
            "flip_mode is 'offset'; expected 'heatmap' in",
        ),
        (
            dict(
                type='UDPHeatmap', input_size=(96, 128), heatmap_size=(24, 32), sigma=2
            ),
            dict(),
            'decoder is UDPHeatmap; .* expects MSRAHeatmap or JointAdaptiveMSRAHeatmap',
        ),
        (
            dict(
                type='MegviiHeatmap',
                input_size=(96, 128),
                heatmap_size=(24, 32),
                kernel_size=5,
            ),
            dict(),
            r'decoder is MegviiHeatmap; .* Fix: type=TopdownPoseEstimator',
        ),
        (
            make_codec(4, grid='udp'),
            dict(),
            r"decoder is JointAdaptiveMSRAHeatmap\(grid='udp'\); .* expects MSRAHeatmap",
        ),
        (None, dict(), 'decoder is NoneType; .* expects MSRAHeatmap or'),
        (
            make_codec(4, input_size=(100, 128)),
            dict(),
            'the input is 100 px wide; expected a multiple of the 24 cells',
        ),
    ],
)
def test_errors_name_value_and_remedy(codec, test_cfg, message):
    with pytest.raises(ValueError, match=message):
        build_estimator(OURS, codec, **test_cfg)
    build_estimator(OURS, codec, **(test_cfg | dict(flip_test=False)))


def test_a_shift_set_after_building_is_refused(pictures):
    model, _ = build_pair()
    model.test_cfg['shift_heatmap'] = True
    with pytest.raises(ValueError, match='shift_heatmap is True'):
        predict(model, pictures)


def test_misspelt_argument_is_refused():
    with pytest.raises(TypeError, match='test_config'):
        MODELS.build(
            dict(
                type=OURS,
                backbone=dict(type='ResNet', depth=18),
                test_config=dict(flip_test=True),
            )
        )
