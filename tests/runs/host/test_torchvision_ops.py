"""mmcv's operators on torchvision: against slow references, and under a real detector."""

import numpy as np
import pytest
import torch

import gm_pose  # noqa: F401  before mmcv.ops

ops = pytest.importorskip('mmcv.ops')


def draw_boxes(seed: int, count: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 50, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 40, (count, 2))], axis=1)
    return torch.tensor(boxes), torch.tensor(rng.permutation(count) / count)


def compute_iou(a: torch.Tensor, b: torch.Tensor, offset: int) -> float:
    sides = [min(a[k + 2], b[k + 2]) - max(a[k], b[k]) + offset for k in (0, 1)]
    overlap = max(0.0, float(sides[0])) * max(0.0, float(sides[1]))
    areas = [float((x[2] - x[0] + offset) * (x[3] - x[1] + offset)) for x in (a, b)]
    return overlap / (sum(areas) - overlap)


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('seed', range(5))
def test_nms_equals_a_loop_over_pairs(seed, offset):
    boxes, scores = draw_boxes(seed)
    kept: list[int] = []
    for k in scores.argsort(descending=True).tolist():
        if all(compute_iou(boxes[k], boxes[j], offset) <= 0.4 for j in kept):
            kept.append(k)
    dets, indices = ops.nms(boxes, scores, 0.4, offset)
    assert indices.tolist() == kept
    assert torch.equal(dets, torch.cat([boxes[kept], scores[kept, None]], 1))


@pytest.mark.parametrize('method', ['naive', 'linear', 'gaussian'])
@pytest.mark.parametrize('seed', range(3))
def test_soft_nms_equals_a_loop_over_pairs(seed, method):
    boxes, scores = draw_boxes(seed, 15)
    left = dict(enumerate(scores.tolist()))
    kept = []
    while left:
        best = max(left, key=left.__getitem__)
        kept.append((best, left.pop(best)))
        for k in list(left):
            iou = compute_iou(boxes[k], boxes[best], 0)
            if method == 'gaussian':
                left[k] *= np.exp(-(iou**2) / 0.5)
            elif iou >= 0.3:
                left[k] *= 1 - iou if method == 'linear' else 0
            if left[k] < 0.01:
                del left[k]
    dets, indices = ops.soft_nms(boxes, scores, 0.3, 0.5, 0.01, method)
    assert indices.tolist() == [k for k, _ in kept]
    # products of up to 15 factors in float64
    assert dets[:, 4].tolist() == pytest.approx([s for _, s in kept], rel=1e-12)


def test_batched_nms_keeps_classes_apart():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 10]])
    scores = torch.tensor([0.5, 0.9, 0.7])
    classes = torch.tensor([0, 1, 0])
    setting = dict(type='nms', iou_threshold=0.5)
    assert ops.batched_nms(boxes, scores, classes, setting)[1].tolist() == [1, 2]
    assert ops.batched_nms(boxes, scores, classes, setting, True)[1].tolist() == [1]


def test_roi_align_averages_a_plane_exactly_and_has_gradients():
    rows, columns = torch.meshgrid(*[torch.arange(12.0)] * 2, indexing='ij')
    features = torch.stack([columns, rows])[None].double().requires_grad_()
    rois = torch.tensor([[0, 2.0, 3.0, 8.0, 9.0]], dtype=torch.float64)
    layer = ops.RoIAlign((2, 2), spatial_scale=1.0, sampling_ratio=2)
    # Aligned: px x is cell x - 0.5; halves of [2, 8] have their middles at 3.5 and 6.5.
    expected = torch.tensor([[3.0, 6.0], [3.0, 6.0]], dtype=torch.float64)
    output = layer(features, rois)
    assert torch.allclose(output[0, 0], expected, atol=1e-12)
    assert torch.allclose(output[0, 1], expected.T + 1, atol=1e-12)
    assert torch.autograd.gradcheck(lambda x: layer(x, rois), features)


def test_maximum_of_roi_align_is_refused():
    layer = ops.RoIAlign((2, 2), pool_mode='max')
    with pytest.raises(ImportError, match="pool_mode='max'"):
        layer(torch.zeros(1, 1, 4, 4), torch.tensor([[0, 0.0, 0, 2, 2]]))


def test_rtmdet_with_random_weights_gives_boxes():
    from pathlib import Path

    import mmdet
    from mmdet.apis import inference_detector, init_detector
    from mmengine.config import Config

    configs = Path(mmdet.__file__).parent / '.mim' / 'configs'
    cfg = Config.fromfile(configs / 'rtmdet' / 'rtmdet_tiny_8xb32-300e_coco.py')
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    detector = init_detector(cfg, None, device='cpu')
    picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    found = inference_detector(detector, picture).pred_instances
    assert found.bboxes.shape[1] == 4
    assert 0 < len(found.bboxes) <= 300
    assert (found.bboxes[:, 2:] > found.bboxes[:, :2]).all()
    # RTMDet clips to its square input, 640 px for the longer side of 160.
    assert ((found.bboxes >= 0) & (found.bboxes <= 160)).all()
