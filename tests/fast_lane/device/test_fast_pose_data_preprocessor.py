"""From a batch of crops to the network's input and the loss's targets."""

import copy
import gc

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

from gm_pose.codecs import JointAdaptiveMSRAHeatmap

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
NORMAL = dict(mean=MEAN, std=STD, bgr_to_rgb=True)
ENCODER = dict(
    type='JointAdaptiveMSRAHeatmap',
    input_size=(48, 64),
    heatmap_size=(12, 16),
    sigmas='set2',
)


RESIZE = dict(type='BatchSyncRandomResize', random_size_range=(64, 96), size_divisor=32)


def build(**settings):
    init_default_scope('mmpose')
    arguments = {**NORMAL, 'encoder': ENCODER, **settings}
    return MODELS.build(dict(type='FastPoseDataPreprocessor', **arguments))


def make_batch(count=3, seed=0, **more):
    rng = np.random.default_rng(seed)
    joints = rng.uniform(-5, 60, (count, 17, 2)).astype(np.float32)
    return dict(
        inputs=torch.from_numpy(rng.integers(0, 256, (count, 64, 48, 3), np.uint8)),
        data_samples=dict(
            keypoints_px=torch.from_numpy(joints),
            visible=torch.from_numpy(rng.choice(np.float32([0, 1, 2]), (count, 17))),
            sample_indices=torch.arange(count),
            skipped_images=[],
            **more,
        ),
    )


def list_images(batch):
    return [image.permute(2, 0, 1).contiguous() for image in batch['inputs']]


@pytest.mark.parametrize(
    'normal',
    [
        NORMAL,
        dict(mean=MEAN, std=STD, rgb_to_bgr=True),
        dict(mean=MEAN, std=STD),
        dict(mean=[127.5], std=[7.0], bgr_to_rgb=True),
        dict(bgr_to_rgb=True),
        dict(),
    ],
    ids=str,
)
def test_inputs_are_the_stock_preprocessors_bit_for_bit(normal):
    batch = make_batch()
    # all values in all channels
    batch['inputs'].view(-1)[: 256 * 3] = torch.arange(256).repeat_interleave(3)
    samples = [PoseDataSample() for _ in range(3)]
    expected = PoseDataPreprocessor(**normal)(
        dict(inputs=list_images(batch), data_samples=samples)
    )
    cleared = dict(mean=None, std=None, bgr_to_rgb=False)
    found = build(**{**cleared, **normal})(batch, training=True)['inputs']
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, expected['inputs'], rtol=0, atol=0)


def test_arithmetic_of_other_devices_is_the_table_of_the_cpu():
    """The path that a GPU takes, run here; on 'meta' it shows its layout alone."""
    preprocessor = build()
    batch = make_batch()
    expected = preprocessor(batch, training=True)['inputs']
    x = batch['inputs'].permute(0, 3, 1, 2).flip(1)
    x = torch.sub(x, preprocessor.mean).div_(preprocessor.std)
    torch.testing.assert_close(x, expected, rtol=0, atol=0)
    normalize = preprocessor._normalize
    given = batch['inputs'], preprocessor.mean, preprocessor.std
    on_meta = normalize(*(value.to('meta') for value in given))
    assert on_meta.shape == expected.shape
    assert on_meta.dtype == torch.float32
    assert on_meta.is_contiguous(memory_format=torch.channels_last)


def test_targets_are_the_codecs_in_the_places_where_heads_read_them():
    batch = make_batch()
    samples = build()(batch, training=True)['data_samples']
    maps = torch.stack([sample.gt_fields.heatmaps for sample in samples])
    weights = torch.cat([s.gt_instance_labels.keypoint_weights for s in samples])
    arguments = {k: v for k, v in ENCODER.items() if k != 'type'}
    expected = JointAdaptiveMSRAHeatmap(**arguments).encode_batch(
        batch['data_samples']['keypoints_px'], batch['data_samples']['visible']
    )
    torch.testing.assert_close(maps, expected[0], rtol=0, atol=0)
    torch.testing.assert_close(weights, expected[1], rtol=0, atol=0)
    assert samples[0].metainfo['batch_input_shape'] == (64, 48)


def test_weights_of_the_dataset_multiply():
    factors = torch.linspace(0.5, 1.5, 17)
    plain = build()(make_batch(), training=True)['data_samples']
    weighted = build()(make_batch(dataset_keypoint_weights=factors), training=True)
    for sample, other in zip(plain, weighted['data_samples'], strict=True):
        torch.testing.assert_close(
            other.gt_instance_labels.keypoint_weights,
            sample.gt_instance_labels.keypoint_weights * factors,
            rtol=0,
            atol=0,
        )


def test_stock_batches_go_the_stock_way():
    batch = make_batch()
    stock = dict(
        inputs=list_images(batch), data_samples=[PoseDataSample() for _ in range(3)]
    )
    expected = PoseDataPreprocessor(**NORMAL)(copy.deepcopy(stock))
    found = build()(stock)
    torch.testing.assert_close(found['inputs'], expected['inputs'], rtol=0, atol=0)
    assert found['data_samples'][0].metainfo == expected['data_samples'][0].metainfo


def test_evaluated_batch_gives_what_a_head_predicts_from():
    """`PoseDataSample`s, with the shapes that MMPose's preprocessor adds."""
    count = 2
    batch = dict(
        inputs=make_batch(count)['inputs'],
        data_samples=dict(
            ids=np.arange(count),
            img_ids=np.arange(count),
            category_ids=np.ones(count, int),
            image_sizes_px=np.tile([640, 480], (count, 1)),
            img_paths=['a.jpg', 'b.jpg'],
            bboxes_px=np.float32([[0, 0, 10, 20]] * count),
            bbox_scores=np.ones(count, np.float32),
            input_centers_px=np.float32([[5, 10]] * count),
            input_scales_px=np.float32([[15, 20]] * count),
            meta_keys=('id', 'img_id', 'input_center', 'input_scale', 'flip_indices'),
            metainfo=dict(flip_indices=list(range(17))),
        ),
    )
    found = build(encoder=None)(batch)
    assert [sample.metainfo['id'] for sample in found['data_samples']] == [0, 1]
    for sample in found['data_samples']:
        assert sample.metainfo['batch_input_shape'] == (64, 48)
        assert sample.metainfo['pad_shape'] == (64, 48)
        assert sample.metainfo['flip_indices'] == list(range(17))
        assert sample.gt_instances.bboxes.tolist() == [[0, 0, 10, 20]]


def test_memory_is_used_again_only_when_nothing_needs_it():
    preprocessor = build()

    def run(seed):
        return preprocessor(make_batch(seed=seed), training=True)['inputs']

    first = run(0)
    place = first.data_ptr()
    kept = first.clone()
    others = [run(seed) for seed in range(1, 5)]
    assert len({place, *(x.data_ptr() for x in others)}) == 5
    assert torch.equal(first, kept)
    part = first[0, 0]  # a view is a user, too
    array = others[0].numpy()
    expected = array.copy()
    del first, others
    gc.collect()
    fresh = run(5)
    assert fresh.data_ptr() not in (place, array.__array_interface__['data'][0])
    assert torch.equal(part, kept[0, 0])
    assert np.array_equal(array, expected)
    del part
    assert run(6).data_ptr() == place


def test_gradient_is_right_when_the_next_batch_comes_before_the_backward_pass():
    """Autograd keeps the inputs of a convolution: they must not be written over."""
    preprocessor = build()
    conv = torch.nn.Conv2d(3, 2, 3)

    def compute_gradient(disturb):
        conv.zero_grad()
        loss = conv(preprocessor(make_batch(seed=0), training=True)['inputs']).sum()
        if disturb:
            for seed in range(1, 4):
                preprocessor(make_batch(seed=seed), training=True)
        loss.backward()
        return conv.weight.grad.clone()

    expected = compute_gradient(disturb=False)
    torch.testing.assert_close(compute_gradient(disturb=True), expected, rtol=0, atol=0)


def test_smaller_last_batch_and_larger_one_fit():
    preprocessor = build()
    for count in (3, 1, 4, 2):
        batch = make_batch(count)
        expected = PoseDataPreprocessor(**NORMAL)(
            dict(
                inputs=list_images(batch),
                data_samples=[PoseDataSample() for _ in range(count)],
            )
        )
        found = preprocessor(batch, training=True)['inputs']
        torch.testing.assert_close(found, expected['inputs'], rtol=0, atol=0)


@pytest.mark.parametrize('head', ['HeatmapHead', 'ViPNASHead', 'CPMHead'])
def test_heads_take_the_samples(head):
    init_default_scope('mmpose')
    channels = dict(in_channels=8, out_channels=17)
    if head == 'CPMHead':
        channels.update(num_stages=1)
    else:
        channels.update(deconv_out_channels=())
        channels.update(deconv_kernel_sizes=())
    config = dict(
        type=head,
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        **channels,
    )
    if head != 'CPMHead':
        config.update(decoder=ENCODER)
    built = MODELS.build(config)
    samples = build()(make_batch(), training=True)['data_samples']
    feats = torch.rand(3, 8, 16, 12)
    losses = built.loss([feats], samples)
    assert losses['loss_kpt'].isfinite()
    assert 'acc_pose' in losses


def test_a_head_that_reads_more_of_a_sample_is_told_of_the_other_lane():
    sample = build()(make_batch(), training=True)['data_samples'][0]
    for owner in (sample, sample.gt_fields, sample.gt_instance_labels):
        with pytest.raises(AttributeError, match=r'has no gt_instances; .* --no-fast'):
            owner.gt_instances  # noqa: B018
        assert getattr(owner, 'gt_instances', None) is None


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ValueError, match='without an encoder'):
        build(encoder=None)(make_batch(), training=True)
    with pytest.raises(ValueError, match='pad_size_divisor=5'):
        build(pad_size_divisor=5)(make_batch(), training=True)
    with pytest.raises(ValueError, match='batch_augments'):
        build(batch_augments=[RESIZE])
    with pytest.raises(ValueError, match='codec SimCCLabel'):
        build(encoder=dict(type='SimCCLabel', input_size=(48, 64), sigma=6.0))
