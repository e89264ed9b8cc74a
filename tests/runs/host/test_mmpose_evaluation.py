"""MMPose trains, validates and evaluates on whichever COCO tools this Python has."""

import json

import cv2
import numpy as np
import pytest
from mmengine.runner import Runner
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.evaluation.metrics import CocoMetric, CocoWholeBodyMetric
from record_oks_fixture import FIXTURE, WHOLEBODY_PARTS

META = {
    CocoMetric: 'configs/_base_/datasets/coco.py',
    CocoWholeBodyMetric: 'configs/_base_/datasets/coco_wholebody.py',
}


def evaluate(metric_type, truth, tmp_path, shift_px=0.0, **options):
    """The metric's numbers where each annotated person is predicted `shift_px` away."""
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(truth))
    metric = metric_type(ann_file=str(path), **options)
    metric.dataset_meta = parse_pose_metainfo({'from_file': META[metric_type]})
    keys = WHOLEBODY_PARTS if metric_type is CocoWholeBodyMetric else ['keypoints']
    people = [p for p in truth['annotations'] if any(p['keypoints'][2::3])]
    people = [p for p in people if not p['iscrowd'] and p['category_id'] == 1]
    for person in people:
        triplets = np.array([v for key in keys for v in person[key]], float)
        triplets = triplets.reshape(1, -1, 3)
        scores = np.ones(triplets.shape[:2])
        sample = {
            'id': person['id'],
            'img_id': person['image_id'],
            'category_id': 1,
            'gt_instances': {
                'bbox_scales': np.array([person['bbox'][2:]], float),
                'bbox_scores': np.ones(1),
            },
            'pred_instances': {
                'keypoints': triplets[..., :2] + shift_px,
                'keypoint_scores': scores,
            },
        }
        metric.process([{}], [sample])
    return metric.evaluate(size=len(people))


@pytest.fixture
def truths():
    truths = json.loads(FIXTURE.read_text())['ground_truth']
    for truth in truths.values():
        truth['annotations'] = [
            p for p in truth['annotations'] if p['category_id'] == 1
        ]
        truth['categories'] = truth['categories'][:1]
    return truths


def test_ground_truth_predicted_gives_one(truths, tmp_path):
    numbers = evaluate(CocoMetric, truths['coco'], tmp_path)
    assert len(numbers) == 10
    assert all(value == pytest.approx(1, abs=1e-9) for value in numbers.values())


def test_shifted_predictions_score_less(truths, tmp_path):
    numbers = evaluate(CocoMetric, truths['coco'], tmp_path, shift_px=6.0)
    assert 0 < numbers['coco/AP'] < 0.9
    assert numbers['coco/AP (L)'] > numbers['coco/AP (M)']


def test_crowd_metric_gives_nine_numbers(truths, tmp_path):
    numbers = evaluate(
        CocoMetric,
        truths['coco'],
        tmp_path,
        iou_type='keypoints_crowd',
        use_area=False,
        prefix='crowdpose',
    )
    names = ['AP', 'AP .5', 'AP .75', 'AR', 'AR .5', 'AR .75', 'AP(E)', 'AP(M)']
    assert list(numbers) == [f'crowdpose/{name}' for name in [*names, 'AP(H)']]


@pytest.mark.filterwarnings('ignore')
def test_wholebody_ground_truth_predicted_gives_one(truths, tmp_path):
    numbers = evaluate(CocoWholeBodyMetric, truths['wholebody'], tmp_path)
    assert numbers['coco-wholebody/AP'] == pytest.approx(1, abs=1e-9)


def make_coco_folder(root, rng):
    """Four 64 x 96 px images, one person each: dots at 17 random places."""
    (root / 'images').mkdir()
    truth = {
        'images': [],
        'annotations': [],
        'categories': [{'id': 1, 'name': 'person', 'keypoints': [], 'skeleton': []}],
    }
    for i in range(4):
        picture = np.full((96, 64, 3), 90, np.uint8)
        places = rng.integers([8, 8], [56, 88], (17, 2))
        for k, (x, y) in enumerate(places.tolist()):
            cv2.circle(picture, (x, y), 3, (15 * k, 255 - 15 * k, 128), -1)
        cv2.imwrite(str(root / 'images' / f'{i}.png'), picture)
        truth['images'].append(
            {'id': i, 'file_name': f'{i}.png', 'width': 64, 'height': 96}
        )
        triplets = np.concatenate([places, np.full((17, 1), 2)], 1)
        truth['annotations'].append(
            {
                'id': i,
                'image_id': i,
                'category_id': 1,
                'bbox': [0, 0, 64, 96],
                'area': 4000.0,
                'iscrowd': 0,
                'num_keypoints': 17,
                'keypoints': triplets.ravel().tolist(),
            }
        )
    (root / 'truth.json').write_text(json.dumps(truth))


@pytest.mark.slow
def test_topdown_model_trains_and_validates(tmp_path):
    """One epoch of MMPose's own loop: data set, codec, head, CocoMetric, checkpoint."""
    make_coco_folder(tmp_path, np.random.default_rng(0))
    codec = {
        'type': 'MSRAHeatmap',
        'input_size': (64, 96),
        'heatmap_size': (16, 24),
        'sigma': 1.0,
    }
    pipeline = [
        {'type': 'LoadImage'},
        {'type': 'GetBBoxCenterScale'},
        {'type': 'TopdownAffine', 'input_size': (64, 96)},
    ]
    dataset = {
        'type': 'CocoDataset',
        'data_root': str(tmp_path),
        'data_mode': 'topdown',
        'ann_file': 'truth.json',
        'data_prefix': {'img': 'images/'},
    }
    packing = {'type': 'PackPoseInputs'}
    loader = {'batch_size': 2, 'num_workers': 0}
    runner = Runner(
        model={
            'type': 'TopdownPoseEstimator',
            'data_preprocessor': {'type': 'PoseDataPreprocessor'},
            'backbone': {'type': 'ResNet', 'depth': 18},
            'head': {
                'type': 'HeatmapHead',
                'in_channels': 512,
                'out_channels': 17,
                'deconv_out_channels': (16, 16, 16),
                'loss': {'type': 'KeypointMSELoss', 'use_target_weight': True},
                'decoder': codec,
            },
            'test_cfg': {'flip_test': False},
        },
        work_dir=str(tmp_path / 'run'),
        train_dataloader={
            **loader,
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'dataset': {
                **dataset,
                'pipeline': [
                    *pipeline,
                    {'type': 'GenerateTarget', 'encoder': codec},
                    packing,
                ],
            },
        },
        train_cfg={'by_epoch': True, 'max_epochs': 1, 'val_interval': 1},
        optim_wrapper={'optimizer': {'type': 'SGD', 'lr': 0.01}},
        val_dataloader={
            **loader,
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'dataset': {**dataset, 'test_mode': True, 'pipeline': [*pipeline, packing]},
        },
        val_cfg={},
        val_evaluator={
            'type': 'CocoMetric',
            'ann_file': str(tmp_path / 'truth.json'),
        },
        default_scope='mmpose',
        randomness={'seed': 0},
        experiment_name='toy_topdown',
    )
    runner.train()
    numbers = runner.val_loop.run()
    assert len(numbers) == 10
    assert all(0 <= value <= 1 or value == -1 for value in numbers.values())
    runner.load_checkpoint(str(tmp_path / 'run' / 'epoch_1.pth'))
