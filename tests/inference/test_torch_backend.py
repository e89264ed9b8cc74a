"""Crops, maps and joints are those of MMPose's own test pipeline."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from gm_pose.inference import PoseEstimator
from gm_pose.runs.user_errors import UserError

# Batches of another size sum in another order: float32 over a few thousand products moves
# a map by 1e-6 of its height, and the fit of a joint by as many cells, of up to 10 px.
TOLERANCE_PX = 1e-3


@pytest.fixture(scope='module')
def mmpose_model(run_folder, checkpoint):
    from mmpose.apis import init_model

    model = init_model(str(run_folder / 'tiny.py'), checkpoint, device='cpu')
    model.cfg.test_dataloader = dict(dataset=dict(pipeline=model.cfg.val_pipeline))
    return model


@pytest.fixture(scope='module')
def boxes_of(annotations):
    """name of the picture -> boxes (n, 4) as annotated, of which two reach outside."""
    data = json.loads(Path(annotations).read_text())
    names = {image['id']: image['file_name'] for image in data['images']}
    boxes = {name: [] for name in names.values()}
    for k, person in enumerate(data['annotations']):
        x, y, w, h = person['bbox']
        grown = 30 if k < 2 else 0
        boxes[names[person['image_id']]].append(
            [x - grown, y - grown, x + w + grown, y + h + grown]
        )
    return {name: np.float32(b).reshape(-1, 4) for name, b in boxes.items()}


@pytest.mark.parametrize('flip_test', [False, True])
def test_joints_equal_those_of_mmposes_pipeline(
    checkpoint, images, boxes_of, mmpose_model, flip_test
):
    from mmpose.apis import inference_topdown

    mmpose_model.test_cfg['flip_test'] = flip_test
    estimator = PoseEstimator(
        checkpoint, device='cpu', flip_test=flip_test, batch_size=3
    )
    boxes = [boxes_of[path.rpartition('/')[2]] for path in images]
    people = list(estimator.stream(images, boxes))
    assert sum(map(len, people)) == sum(map(len, boxes)) > 6
    for path, found, given in zip(images, people, boxes, strict=True):
        if len(given) == 0:
            continue
        expected = inference_topdown(mmpose_model, path, given)
        joints = np.concatenate([e.pred_instances.keypoints for e in expected])
        scores = np.concatenate([e.pred_instances.keypoint_scores for e in expected])
        np.testing.assert_allclose(found.keypoints_px, joints, atol=TOLERANCE_PX)
        np.testing.assert_allclose(found.keypoint_scores, scores, atol=1e-5)


def test_results_equal_those_of_evaluation(estimator, run_folder, annotations):
    """Boxes from the annotation file are those of the test dataset, clipped as there."""
    from mmengine.config import Config
    from mmpose.registry import DATASETS

    cfg = Config.fromfile(run_folder / 'tiny.py').test_dataloader.dataset
    cfg.data_root = str(run_folder / 'coco')
    dataset = DATASETS.build(cfg)
    expected = [dataset.get_data_info(k) for k in range(len(dataset))]
    people = list(estimator.stream(str(run_folder / 'coco/val2017'), boxes=annotations))
    ids = np.concatenate([[p.image_id] * len(p) for p in people]).astype(int)
    boxes = np.concatenate([p.bboxes_px for p in people])
    key = lambda e: (e[0], *e[1])  # noqa: E731
    found = sorted(zip(ids.tolist(), boxes.tolist(), strict=True), key=key)
    wanted = sorted(((e['img_id'], e['bbox'][0].tolist()) for e in expected), key=key)
    assert found == wanted


def test_covariances_turn_with_the_scale_of_the_person(estimator, images):
    """The same picture, twice as large: joints and deviations are twice as large."""
    small = cv2.imread(images[0])
    large = np.repeat(np.repeat(small, 2, 0), 2, 1)
    one, two = estimator([small, large])
    assert one.covariances_px2.shape == (1, 17, 2, 2)
    ratio = two.covariances_px2[..., 0, 0] / one.covariances_px2[..., 0, 0]
    assert np.median(ratio) == pytest.approx(4, rel=0.2)


def test_expected_oks_is_between_0_and_1_and_needs_sigmas(checkpoint, images):
    estimator = PoseEstimator(checkpoint, device='cpu', score='expected_oks')
    scores = estimator(images[0]).scores
    assert ((scores > 0) & (scores <= 1)).all()
    with pytest.raises(ValueError, match="score is 'mean'"):
        PoseEstimator(checkpoint, device='cpu', score='mean')


def test_nobody_in_an_image_is_a_result(estimator, images):
    people = estimator(images[0], boxes=np.zeros((0, 4)))
    assert len(people) == 0
    assert people.keypoints_px.shape == (0, 17, 2)
    assert people.to_coco() == []


def test_a_device_that_is_not_there_is_one_line(checkpoint):
    with pytest.raises(UserError, match=r"device 'nonsense' cannot be used .*Fix: cpu"):
        PoseEstimator(checkpoint, device='nonsense')


def test_calibration_in_the_checkpoint_is_used(checkpoint, estimator, images, tmp_path):
    from gm_pose.ops.uncertainty import Calibration

    content = torch.load(checkpoint, weights_only=False)
    stored = replace(Calibration.neutral(17), covariance_scale=np.full(17, 9.0))
    content['meta']['gm_pose_calibration'] = stored.to_dict()
    path = str(tmp_path / 'calibrated.pth')
    torch.save(content, path)
    plain = estimator(images[0]).covariances_px2
    wide = PoseEstimator(path, device='cpu')(images[0]).covariances_px2
    np.testing.assert_allclose(wide, 9 * plain, rtol=1e-3)
    content['meta']['gm_pose_calibration'] = dict(covariance_scale='x')
    torch.save(content, path)
    with pytest.raises(UserError, match='calibration'):
        PoseEstimator(path, device='cpu')
