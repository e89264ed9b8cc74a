"""The sigma of OKS's own Gaussian in heatmap cells."""

import json

import numpy as np
import pytest
from pycocotools import coco as pycoco
from pycocotools.cocoeval import COCOeval

from gm_pose.__main__ import main
from gm_pose.ops.oks_sigmas import measure_mean_oks_sigma
from gm_pose.ops.skeleton import COCO


def make_person(width, height, area, **extra):
    joints = [10.0, 10.0, 2] * 17
    return dict(
        dict(bbox=[5.0, 7.0, width, height], area=area, keypoints=joints), **extra
    )


def test_sigma_of_a_person_by_hand():
    # 100 px high: the crop is 125 px for 64 cells, 0.512 cells per px; sqrt(area) 50 px
    person = make_person(40.0, 100.0, 2500.0)
    assert measure_mean_oks_sigma([person], [0.1], (48, 64)) == pytest.approx(
        2 * 0.1 * 25.6
    )
    # 100 px wide: 48 cells for 125 px
    lying = make_person(100.0, 40.0, 2500.0)
    expected = 2 * 0.1 * 50 * 48 / 125
    assert measure_mean_oks_sigma([lying], [0.1], (48, 64)) == pytest.approx(expected)
    # a square crop, of a box that is not padded
    expected = 2 * 0.1 * 50 * 64 / 100
    square = measure_mean_oks_sigma([person], [0.1], (64, 64), padding=1.0)
    assert square == pytest.approx(expected)


def test_is_the_oks_that_coco_computes():
    """All joints off by their sigma: COCO's own evaluation says exp(-1 / 2)."""
    person = make_person(60.0, 150.0, 4000.0, id=1, image_id=1, category_id=1)
    person.update(iscrowd=0, num_keypoints=17)
    sigmas = np.asarray(COCO.oks_sigmas)
    mean = measure_mean_oks_sigma([person], sigmas, (48, 64))
    sigma_px = mean * sigmas / sigmas.mean() * 1.25 * 150 / 64
    guess = np.reshape(person['keypoints'], (-1, 3)) + np.stack(
        [sigma_px, 0 * sigmas, 0 * sigmas], 1
    )
    truth = pycoco.COCO()
    truth.dataset = dict(
        images=[dict(id=1)], annotations=[person], categories=[dict(id=1)]
    )
    truth.createIndex()
    found = dict(person, keypoints=guess.ravel().tolist(), score=1.0)
    evaluation = COCOeval(truth, truth.loadRes([found]), 'keypoints')
    evaluation.params.kpt_oks_sigmas = sigmas
    evaluation.evaluate()
    assert evaluation.ious[1, 1][0, 0] == pytest.approx(np.exp(-0.5))


def test_is_the_median_of_those_that_count():
    people = [make_person(40.0, 100.0, area) for area in (400.0, 2500.0, 8100.0)]
    middle = measure_mean_oks_sigma(people[1:2], [0.1], (48, 64))
    ignored = [
        dict(people[0], iscrowd=1),
        dict(people[0], keypoints=[0, 0, 0] * 17),
        dict(people[0], bbox=[0, 0, 0, 10]),
    ]
    assert measure_mean_oks_sigma(people + ignored, [0.1], (48, 64)) == pytest.approx(
        middle
    )


def test_nobody_raises():
    with pytest.raises(ValueError, match='nobody'):
        measure_mean_oks_sigma([make_person(10, 10, 100, iscrowd=1)], [0.1], (48, 64))


def write_people(path, **changes):
    joints = np.random.default_rng(0).uniform(10, 90, (17, 2))
    triples = np.concatenate([joints, np.full((17, 1), 2)], 1).ravel().tolist()
    person = make_person(40.0, 100.0, 2500.0, keypoints=triples)
    person = {k: v for k, v in (person | changes).items() if v is not None}
    people = [dict(person, image_id=n) for n in range(6)]  # as many as a median needs
    category = dict(keypoints=list(COCO.joint_names))
    path.write_text(json.dumps(dict(annotations=people, categories=[category])))
    return str(path)


def test_command_prints_what_the_codec_takes(tmp_path, capsys):
    path = write_people(tmp_path / 'people.json')
    arguments = ['estimate-sigmas', path, '--oks', 'coco', '--heatmap-size', '72', '96']
    assert main(arguments) == 0
    # 125 px for 96 cells: sqrt(area) is 38.4 cells, twice the mean of COCO's constants
    expected = 2 * 38.4 * np.mean(COCO.oks_sigmas)
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last == f"decode_sigmas=dict(oks='coco', mean={expected:.2f})"


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--oks', 'wflw'), "'wflw' defines no OKS sigmas"),
        (
            ('--oks', 'crowdpose'),
            "'crowdpose' has 14 joints and the annotations have 17",
        ),
        (('--oks', 'cocoo'), "unknown dataset 'cocoo'"),
        (('--oks', ''), "unknown dataset ''"),
        (('--oks', 'ap10k'), "joint 'nose' is 'L_Eye' in 'ap10k'"),
        (('--oks', 'coco', '--heatmap-size', '0', '64'), '0 64 must be above 0'),
        (('--heatmap-size', '72', '96'), 'changes nothing without --oks'),
    ],
)
def test_command_names_what_is_wrong(tmp_path, capsys, arguments, message):
    path = write_people(tmp_path / 'people.json')
    assert main(['estimate-sigmas', path, *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('box', [[1, 2, 3], 5])
def test_command_names_a_box_that_is_none(tmp_path, capsys, box):
    path = write_people(tmp_path / 'people.json', bbox=box)
    assert main(['estimate-sigmas', path, '--oks', 'coco']) == 2
    assert f'annotations[0].bbox is {box}' in capsys.readouterr().err


def test_command_prints_the_table_where_only_the_sigmas_cannot_be_had(tmp_path, capsys):
    path = write_people(tmp_path / 'people.json', bbox=None)
    assert main(['estimate-sigmas', path, '--oks', 'coco']) == 2
    captured = capsys.readouterr()
    assert "'left_ankle':" in captured.out
    assert '--oks: nobody in the annotations has joints, a box and' in captured.err
