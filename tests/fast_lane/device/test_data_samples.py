"""Data samples made of arrays equal those of `PackPoseInputs`, for whoever reads them."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from fast_datasets import build_fast, make_config
from mmengine.structures import InstanceData
from mmpose.evaluation.metrics import CocoMetric, PCKAccuracy
from mmpose.registry import DATASETS
from mmpose.structures import merge_data_samples

from gm_pose.fast_lane.device.data_samples import make_data_samples


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp('cache')


def make_both(config: dict, cache) -> tuple[list, list]:
    """The samples of a dataset, from the fast lane and from MMPose."""
    stock = DATASETS.build(copy.deepcopy(config))
    batch = build_fast(config, cache).__getitems__(range(len(stock)))
    ours = make_data_samples(batch['data_samples'])
    return ours, [stock[k]['data_samples'] for k in range(len(stock))]


def assert_same(ours, theirs) -> None:
    """Same type, same keys, same types and values of all that they hold."""
    assert type(ours) is type(theirs)
    assert {*ours.metainfo_keys()} == {*theirs.metainfo_keys()}
    assert {*ours.keys()} == {*theirs.keys()}
    for key, wanted in theirs.all_items():
        found = getattr(ours, key)
        assert type(found) is type(wanted), key
        if isinstance(wanted, InstanceData):
            assert_same(found, wanted)
        elif isinstance(wanted, np.ndarray):
            assert found.dtype == wanted.dtype, key
            assert np.array_equal(found, wanted), key
        else:
            assert found == wanted, key


@pytest.mark.parametrize('use_udp', [False, True])
def test_equal_to_mmpose(people_folder, cache, use_udp):
    pairs = make_both(make_config(people_folder, 'val', use_udp), cache)
    assert len(pairs[0]) == 11
    for ours, theirs in zip(*pairs, strict=True):
        assert_same(ours, theirs)


def test_meta_keys_of_the_pipeline_are_kept(people_folder, cache):
    config = make_config(people_folder, 'val')
    keys = ('id', 'img_id', 'input_center', 'input_scale', 'input_size')
    config['pipeline'][-1]['meta_keys'] = keys
    for ours, theirs in zip(*make_both(config, cache), strict=True):
        assert_same(ours, theirs)


def test_detections_are_equal_but_for_a_category(people_folder, cache):
    config = make_config(people_folder, 'val')
    config['bbox_file'] = str(next(people_folder.glob('**/*detections*.json')))
    config['data_root'] = ''
    for key in ('ann_file',):
        config[key] = str(people_folder / config[key])
    config['data_prefix'] = dict(img=str(people_folder / 'val2017'))
    for ours, theirs in zip(*make_both(config, cache), strict=True):
        assert ours.category_id == 1
        theirs.set_metainfo(dict(category_id=np.array(1)))
        assert_same(ours, theirs)


def predict(samples: list) -> list:
    """What an estimator adds: keypoints beside the truth, the boxes of the input."""
    rng = np.random.default_rng(0)
    for sample in samples:
        truth = sample.gt_instances
        noise = rng.normal(0, 4, truth.keypoints.shape).astype(np.float32)
        sample.pred_instances = InstanceData(
            keypoints=truth.keypoints + noise,
            keypoint_scores=rng.random(truth.keypoints.shape[:2]).astype(np.float32),
            bboxes=truth.bboxes,
            bbox_scores=truth.bbox_scores,
        )
    return samples


def test_metrics_get_the_numbers_that_mmposes_samples_give(people_folder, cache):
    config = make_config(people_folder, 'val')
    metainfo = DATASETS.build(copy.deepcopy(config)).metainfo
    ann_file = people_folder / config['ann_file']
    scores = []
    for samples in make_both(config, cache):
        dicts = [sample.to_dict() for sample in predict(samples)]
        found = {}
        for metric in (CocoMetric(ann_file=str(ann_file)), PCKAccuracy(thr=0.05)):
            metric.dataset_meta = metainfo
            metric.process({}, dicts)
            found.update(metric.evaluate(len(dicts)))
        scores.append(found)
    assert scores[0] == scores[1]
    assert 0 < scores[0]['PCK'] < 1


def test_samples_can_be_changed_copied_and_merged(people_folder, cache):
    fast = build_fast(make_config(people_folder, 'val'), cache)
    samples = make_data_samples(fast.__getitems__([0, 1])['data_samples'])
    for sample in samples:
        sample.set_metainfo(dict(batch_input_shape=(256, 192)))
        sample.set_field(3, 'extra', field_type='metainfo')
        assert sample.metainfo['extra'] == 3
    copied = pickle.loads(pickle.dumps(samples[0].clone().to(torch.device('cpu'))))
    assert np.array_equal(copied.gt_instances.bboxes, samples[0].gt_instances.bboxes)
    merged = merge_data_samples(samples)
    assert len(merged.gt_instances) == 2
    del samples[0].gt_instances
    assert 'gt_instances' in samples[1]


def test_image_size_is_that_of_the_pixels(people_folder, tmp_path):
    """An annotation file may be wrong about it; MMPose takes the decoded image's."""
    config = make_config(people_folder, 'val')
    data = json.loads((people_folder / config['ann_file']).read_text())
    for image in data['images']:
        image['width'] += 1
    config['ann_file'] = str(tmp_path / 'wrong.json')
    with open(config['ann_file'], 'w') as file:
        json.dump(data, file)
    config['data_prefix'] = dict(img=str(people_folder / 'val2017'))
    ours, theirs = make_both(config, tmp_path)
    assert [s.ori_shape for s in ours] == [s.ori_shape for s in theirs]
