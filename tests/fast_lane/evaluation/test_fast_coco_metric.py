"""FastCocoMetric gives CocoMetric's numbers and file, whatever it is asked."""

import copy
import json

import numpy as np
import pytest
from generated_people import generate_people
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData
from mmpose.evaluation.metrics import CocoMetric
from mmpose.registry import METRICS
from mmpose.structures import PoseDataSample

from gm_pose.fast_lane.evaluation import packed_results
from gm_pose.fast_lane.evaluation.fast_coco_metric import FastCocoMetric
from gm_pose.fast_lane.evaluation.person_results import IrregularResults

COUNT = 500


def make_meta(num_keypoints, dtype=np.float32):
    sigmas = np.linspace(0.03, 0.11, num_keypoints).astype(dtype)
    return {
        'dataset_name': 'drawn',
        'num_keypoints': num_keypoints,
        'sigmas': sigmas,
        'CLASSES': [{'id': 1, 'name': 'person'}],
    }


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    """K -> (people, path of the annotation file)."""
    folder = tmp_path_factory.mktemp('drawn')
    found = {}
    for num_keypoints in (5, 14, 17, 21):
        people = generate_people(COUNT, num_keypoints, seed=num_keypoints)
        path = folder / f'{num_keypoints}.json'
        path.write_text(json.dumps(people.truth))
        found[num_keypoints] = people, str(path)
    return found


@pytest.fixture
def calls(monkeypatch):
    """How often MMPose's own evaluation ran for a FastCocoMetric."""
    made = []
    stock = CocoMetric.compute_metrics

    def count(self, results):
        if isinstance(self, FastCocoMetric):
            made.append(self)
        return stock(self, results)

    monkeypatch.setattr(CocoMetric, 'compute_metrics', count)
    return made


def evaluate_both(samples, path, folder, meta=None, **options):
    """-> ((numbers, content of the results file) of CocoMetric, of FastCocoMetric)."""
    outcomes = []
    for metric_type in (CocoMetric, FastCocoMetric):
        prefix = str(folder / metric_type.__name__)
        metric = metric_type(ann_file=path, outfile_prefix=prefix, **options)
        metric.dataset_meta = copy.deepcopy(meta or make_meta(17))
        for start in range(0, len(samples), 64):
            metric.process([{}], samples[start : start + 64])
        numbers = metric.evaluate(size=len(samples))
        file = folder / f'{metric_type.__name__}.keypoints.json'
        outcomes.append((numbers, json.loads(file.read_text())))
    return outcomes


def assert_equal(outcomes):
    (stock_numbers, stock_file), (numbers, file) = outcomes
    assert list(numbers) == list(stock_numbers)
    assert numbers == stock_numbers  # doubles, not approximately
    assert file == stock_file


@pytest.mark.parametrize('num_keypoints', [5, 14, 17, 21])
def test_numbers_and_file_equal_cocometrics(num_keypoints, drawn, tmp_path, calls):
    people, path = drawn[num_keypoints]
    outcomes = evaluate_both(
        people.list_samples(), path, tmp_path, make_meta(num_keypoints)
    )
    assert_equal(outcomes)
    assert len(outcomes[0][0]) == 10
    assert 0.02 < outcomes[0][0]['coco/AP'] < 0.98
    assert len(outcomes[0][1]) < COUNT - 15  # something was suppressed
    assert not calls


@pytest.mark.parametrize(
    'options',
    [
        {'score_mode': 'bbox'},
        {'score_mode': 'keypoint'},
        {'score_mode': 'bbox_rle'},
        {'keypoint_score_thr': 0.6},
        {'nms_mode': 'none'},
        {'nms_thr': 0.5},
        {'nms_thr': 0.05},
        {'use_area': False},
        {'prefix': 'other'},
    ],
    ids=str,
)
def test_options_that_arrays_cover(options, drawn, tmp_path, calls):
    people, path = drawn[17]
    assert_equal(evaluate_both(people.list_samples(), path, tmp_path, **options))
    assert not calls


def halve(sample):
    """Without what a bottom-up model or an older version does not give."""
    del sample['pred_instances']['bboxes'], sample['pred_instances']['bbox_scores']
    del sample['gt_instances']['bbox_scales'], sample['category_id']


def double(sample):
    for values in (sample['pred_instances'], sample['gt_instances']):
        for key, value in values.items():
            values[key] = value.astype(np.float64)


@pytest.mark.parametrize('change', [halve, double], ids=['no boxes', 'float64'])
def test_samples_of_other_content(change, drawn, tmp_path, calls):
    people, path = drawn[17]
    samples = people.list_samples()
    for sample in samples:
        change(sample)
    meta = make_meta(17, np.float64)
    assert_equal(evaluate_both(samples, path, tmp_path, meta))
    assert not calls


def test_images_in_any_order_and_padded_samples(drawn, tmp_path, calls):
    people, path = drawn[17]
    samples = people.list_samples()
    order = np.random.default_rng(3).permutation(len(samples)).tolist()
    samples = [samples[i] for i in [*order, *order[:40]]]  # 40 come twice
    assert_equal(evaluate_both(samples, path, tmp_path))
    assert not calls


def test_several_people_of_one_sample(drawn, tmp_path, calls):
    """MMPose keeps the first, since all have the sample's id: so does this."""
    people, path = drawn[17]
    samples = people.list_samples()[:300]
    for sample in samples[::3]:
        for values in (sample['pred_instances'], sample['gt_instances']):
            for key, value in values.items():
                values[key] = np.concatenate([value, value + 3])
    assert_equal(evaluate_both(samples, path, tmp_path))
    assert not calls


def lose_a_joint(sample):
    sample['pred_instances']['keypoints'][0, 3] = np.nan


def name_by_text(sample):
    sample['id'] = str(sample['id'])


def mix_dtypes(sample):
    bbox_scores = sample['pred_instances']['bbox_scores']
    sample['pred_instances']['bbox_scores'] = bbox_scores.astype(np.float64)


@pytest.mark.parametrize('change', [lose_a_joint, name_by_text, mix_dtypes])
def test_irregular_predictions_go_through_mmposes_code(change, drawn, tmp_path, calls):
    people, path = drawn[17]
    samples = people.list_samples()[:200]
    for sample in samples[: 200 if change is name_by_text else 1]:
        sample['pred_instances'] = {
            k: v.copy() for k, v in sample['pred_instances'].items()
        }
        change(sample)
    stock, fast = evaluate_both(samples, path, tmp_path)
    assert fast[0] == stock[0]
    assert str(fast[1]) == str(stock[1])  # NaN differs from itself
    assert len(calls) == 1


@pytest.mark.parametrize(
    'options',
    [
        {'iou_type': 'keypoints_crowd', 'use_area': False},
        {
            'pred_converter': {
                'type': 'KeypointConverter',
                'num_keypoints': 17,
                'mapping': [(i, 16 - i) for i in range(17)],
            },
            'gt_converter': {
                'type': 'KeypointConverter',
                'num_keypoints': 17,
                'mapping': [(i, 16 - i) for i in range(17)],
            },
        },
    ],
    ids=['crowd', 'converters'],
)
def test_other_options_go_through_mmposes_code(options, drawn, tmp_path, calls):
    people, _ = drawn[17]
    truth = copy.deepcopy(people.truth)
    for row, image in enumerate(truth['images']):
        image['crowdIndex'] = row % 11 / 10
    path = tmp_path / 'truth.json'
    path.write_text(json.dumps(truth))
    samples = people.list_samples()[:200]
    assert_equal(evaluate_both(samples, str(path), tmp_path, **options))
    assert len(calls) == 1


def test_truth_from_the_samples(drawn, tmp_path, calls):
    people, _ = drawn[17]
    samples = people.list_samples()[:100]
    persons = {a['image_id']: a for a in people.truth['annotations']}
    for sample in samples:
        sample['ori_shape'] = (480, 640)
        sample['raw_ann_info'] = persons.get(
            sample['img_id'], people.truth['annotations'][0]
        )
    assert_equal(evaluate_both(samples, None, tmp_path))
    assert len(calls) == 1


def test_format_only_writes_the_file_alone(drawn, tmp_path, calls):
    people, path = drawn[17]
    outcomes = evaluate_both(people.list_samples(), path, tmp_path, format_only=True)
    assert outcomes[0] == outcomes[1]
    assert outcomes[1][0] == {}
    assert not calls


def test_no_file_is_left_without_a_prefix(drawn, tmp_path, monkeypatch):
    people, path = drawn[17]
    monkeypatch.chdir(tmp_path)
    metric = FastCocoMetric(ann_file=path)
    metric.dataset_meta = make_meta(17)
    metric.process([{}], people.list_samples())
    assert 'coco/AP' in metric.evaluate(size=COUNT)
    assert list(tmp_path.iterdir()) == []
    assert metric.results == []


def test_a_second_evaluation_has_the_first_ones_numbers(drawn):
    people, path = drawn[17]
    metric = FastCocoMetric(ann_file=path)
    metric.dataset_meta = make_meta(17)
    numbers = []
    for _ in range(2):
        metric.process([{}], people.list_samples())
        numbers.append(metric.evaluate(size=COUNT))
    assert numbers[0] == numbers[1]


def test_is_built_by_name_and_fed_by_mmengines_evaluator(drawn):
    people, path = drawn[17]
    outcomes = []
    for name in ('CocoMetric', 'FastCocoMetric'):
        evaluator = Evaluator(METRICS.build({'type': name, 'ann_file': path}))
        evaluator.dataset_meta = make_meta(17)
        for sample in people.list_samples():
            data_sample = PoseDataSample()
            fields = {k: sample.pop(k) for k in ('pred_instances', 'gt_instances')}
            data_sample.set_metainfo(sample)
            for key, values in fields.items():
                setattr(data_sample, key, InstanceData(**values))
            evaluator.process([data_sample])
        outcomes.append(evaluator.evaluate(size=COUNT))
    assert outcomes[0] == outcomes[1]


def test_missing_annotations_and_predictions_are_refused(tmp_path, drawn):
    empty = tmp_path / 'empty.json'
    empty.write_text('{"images": [], "categories": []}')
    with pytest.raises(ValueError, match=r'empty\.json has no annotations'):
        FastCocoMetric(ann_file=str(empty))
    metric = FastCocoMetric(ann_file=drawn[17][1])
    with pytest.raises(ValueError, match='`pred_instances` are required'):
        metric.process([{}], [{'id': 1}])
    with pytest.raises(IrregularResults, match='another kind'):
        packed_results.pack_results([({}, {})])
