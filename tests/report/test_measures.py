"""Errors by joint, groups, scores and intervals, against answers known beforehand."""

import numpy as np
import pytest
from generated_people import generate_people
from report_people import make_truth, predict, read

from gm_pose.ops.skeleton import COCO
from gm_pose.report.analysis.estimates import (
    Estimate,
    estimate,
    resample_means,
    resample_quantiles,
)
from gm_pose.report.analysis.joint_measures import COSTLY_SAMPLES, measure_cells
from gm_pose.report.analysis.people_groups import (
    assign_crowding,
    assign_sizes,
    assign_visible,
    bin_scores,
)
from gm_pose.report.analysis.person_errors import measure_people
from gm_pose.report.analysis.run_analysis import analyze_run, measure_run
from gm_pose.report.reading.annotated_data import build_annotated_data
from gm_pose.report.reading.predictions import read_results_list
from gm_pose.runs.evaluation.average_precision import compute_precision
from gm_pose.runs.evaluation.matched_people import MatchingRules

SIGMAS = np.array(COCO.oks_sigmas)


def analyze(inputs):
    return analyze_run(measure_run(inputs, num_samples=40))


def test_constant_shift_is_the_offset_of_every_joint(tmp_path):
    truth = make_truth(12)
    results = predict(truth, 0)
    for result in results:
        result['keypoints'][0::3] = [x + 3 for x in result['keypoints'][0::3]]
        result['keypoints'][1::3] = [y - 1 for y in result['keypoints'][1::3]]
    run = analyze(read(tmp_path, truth, results))
    for joint, sigma in zip(run.joints, SIGMAS, strict=True):
        assert joint.count == 12
        # sqrt(area) is 100 px
        shift = np.array([joint.offsets[axis].value for axis in range(2)])
        assert shift * 100 * sigma == pytest.approx([3, -1])
        assert joint.median_px == pytest.approx(Estimate(*[np.sqrt(10)] * 3))
        assert joint.p95_sigma.value == pytest.approx(np.sqrt(10) / (100 * sigma))
        expected = np.exp(-10 / (2 * (2 * sigma) ** 2 * 1e4))
        assert joint.oks.value == pytest.approx(expected)
        assert joint.found.value == float(expected >= 0.5)


def test_person_who_is_not_found_counts_as_zero_and_has_no_distance(tmp_path):
    truth = make_truth(10)
    run = analyze(read(tmp_path, truth, predict(truth, 0)[:8]))
    assert (run.errors.detection_rows < 0).sum() == 2
    for joint in run.joints:
        assert joint.oks.value == pytest.approx(0.8)
        assert joint.found.value == pytest.approx(0.8)
        assert joint.p95_px.value == 0
    assert run.pck[:, -1] == pytest.approx([0.8] * 17)


def test_ap_is_that_of_the_engine_on_people_of_all_sorts(tmp_path):
    people = generate_people(400)
    people.truth['categories'][0]['keypoints'] = list(COCO.joint_names)
    inputs = read(tmp_path, people.truth, people.list_results())
    measured = measure_run(inputs, num_samples=50)
    expected = compute_precision(
        inputs.data.truth,
        inputs.predictions.people,
        SIGMAS,
        np.array([image['id'] for image in people.truth['images']]),
        np.array([1, 2]),
    ).summarize(MatchingRules().thresholds)
    assert measured.numbers.tolist() == expected.tolist()
    assert measured.ap.low < measured.ap.value < measured.ap.high
    analyze_run(measured)  # crowds, people without joints, images without people


def test_a_perfect_run_leaves_nothing_to_gain(tmp_path):
    truth = make_truth(10)
    run = analyze(read(tmp_path, truth, predict(truth, 0)))
    assert run.ap == pytest.approx(Estimate(1, 1, 1))
    assert {joint.perfect_gain for joint in run.joints} == {Estimate(0, 0, 0)}
    assert set(run.costs.gains.values()) == {0}
    assert run.num_background == 0


def test_a_perfect_joint_gains_all_that_is_lost_where_it_alone_is_wrong(tmp_path):
    truth = make_truth(20)
    results = predict(truth, 0)
    for result in results[::3]:
        result['keypoints'][0] += 90.0  # the nose: OKS 16/17, below 0.95 only
    run = analyze(read(tmp_path, truth, results))
    nose, *others = (joint.perfect_gain for joint in run.joints)
    assert 0 < nose.low < nose.value < nose.high
    lost = 1 - run.ap_samples[:COSTLY_SAMPLES]
    assert nose == pytest.approx(estimate(1 - run.ap.value, lost))
    assert set(others) == {Estimate(0, 0, 0)}


def test_pairing_takes_the_better_score_first_as_coco_does():
    truth = make_truth(1)
    far, near = predict(truth, 0)[0], predict(truth, 0)[0]
    far['keypoints'][0::3] = [x + 6 for x in far['keypoints'][0::3]]
    far['score'], near['score'] = 0.9, 0.8
    data = build_annotated_data(truth, 17, 'truth')
    errors = measure_people(data, read_results_list([near, far], 17, 'run'), SIGMAS)
    assert errors.detection_rows.tolist() == [1]


def test_resampled_means_and_quantiles_equal_copies():
    rng = np.random.default_rng(0)
    values, images = rng.normal(size=50), rng.integers(0, 9, 50)
    values[::7] = np.nan
    counts = rng.multinomial(9, np.full(9, 1 / 9), 6)
    means = resample_means(values, images, counts)
    quantiles = resample_quantiles(values, images, counts, (0.5, 0.95))
    for sample, mean, found in zip(counts, means, quantiles, strict=True):
        copied = np.repeat(values, sample[images])
        copied = copied[np.isfinite(copied)]
        assert mean == pytest.approx(copied.mean())
        expected = np.quantile(copied, [0.5, 0.95], method='inverted_cdf')
        assert found.tolist() == expected.tolist()


def test_intervals_hold_the_true_mean_in_19_of_20_data_sets():
    rng = np.random.default_rng(1)
    images = np.repeat(np.arange(60), 2)
    hits = 0
    for _ in range(200):
        # two people of an image depend on each other
        values = rng.normal(size=60)[images] + 0.5 * rng.normal(size=120)
        counts = rng.multinomial(60, np.full(60, 1 / 60), 200)
        found = estimate(0.0, resample_means(values, images, counts))
        hits += found.low <= 0 <= found.high
    # of 200 at 95 %, 3 standard deviations: 190 +- 9; the percentile method is a bit narrow
    assert 178 <= hits <= 199


def test_groups_by_size_labels_and_crowding():
    assert assign_sizes(np.array([1023, 1024, 9215, 9216]))[0].tolist() == [0, 1, 1, 2]
    labels = np.arange(17) < np.array([1, 5, 6, 9, 10, 13, 14, 17])[:, None]
    groups, names = assign_visible(labels)
    assert groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert names[0] == '1 to 5 joints'
    truth = make_truth(5)
    for person, image in zip(truth['annotations'], [1, 1, 2, 2, 3], strict=True):
        person['image_id'] = image
    truth['annotations'][3]['bbox'] = [130, 40, 100, 80]  # IoU 0.05 with the other
    data = build_annotated_data(truth, 17, 'truth')
    groups, _ = assign_crowding(data, np.arange(5))
    assert groups.tolist() == [1, 1, 0, 0, 0]


def test_score_bins_know_good_scores_from_bad_ones():
    rng = np.random.default_rng(0)
    oks = rng.uniform(size=400)
    images = np.arange(400)
    counts = rng.multinomial(400, np.full(400, 1 / 400), 50)
    good, bad = (bin_scores(s, oks, images, counts) for s in (oks, 1 - oks))
    assert good.rank_correlation == pytest.approx(1)
    assert good.gap < 0.001
    assert bad.rank_correlation == pytest.approx(-1)
    assert bad.gap == pytest.approx(0.5, abs=0.05)
    assert bin_scores(oks[:15], oks[:15], images[:15], counts) is None


def test_cells_are_those_of_the_pipeline():
    # 100 x 80 px: widened to 3:4, 125 px for 48 cells; 60 x 160: 150 px by height
    boxes = np.array([[0, 0, 100, 80], [0, 0, 60, 160]], float)
    found = measure_cells(boxes, (192, 256), (48, 64))
    assert found.tolist() == pytest.approx([125 / 48, 150 / 48])


def test_nan_in_joints_without_a_label_changes_nothing(tmp_path):
    truth = make_truth(4)
    results = predict(truth, 3)
    for person in truth['annotations']:
        person['keypoints'][9:12] = [0, 0, 0]
    expected = analyze(read(tmp_path, truth, results))
    for person in truth['annotations']:
        person['keypoints'][9:12] = [float('nan'), float('nan'), 0]
    found = analyze(read(tmp_path, truth, results))
    np.testing.assert_array_equal(found.numbers, expected.numbers)
