"""How wide OKS's own Gaussian is in heatmap cells."""

import json

import numpy as np
import pytest

from gm_pose.__main__ import main
from gm_pose.codecs.oks_widths import measure_oks_width
from gm_pose.codecs.skeleton import COCO


def make_person(width, height, area, **extra):
    return dict(bbox=[5.0, 7.0, width, height], area=area, num_keypoints=17, **extra)


def test_width_of_a_person_by_hand():
    # 100 px high: the crop is 125 px for 64 cells, 0.512 cells per px; sqrt(area) 50 px
    person = make_person(40.0, 100.0, 2500.0)
    assert measure_oks_width([person], [0.1], (48, 64)) == pytest.approx(2 * 0.1 * 25.6)
    # 100 px wide: 48 cells for 125 px
    lying = make_person(100.0, 40.0, 2500.0)
    expected = 2 * 0.1 * 50 * 48 / 125
    assert measure_oks_width([lying], [0.1], (48, 64)) == pytest.approx(expected)


def test_is_the_oks_that_coco_computes():
    """At a distance of the width OKS is exp(-1 / 2)."""
    person = make_person(60.0, 150.0, 4000.0)
    sigmas = np.asarray(COCO.oks_sigmas)
    mean = measure_oks_width([person], sigmas, (48, 64))
    width_px = mean * sigmas / sigmas.mean() * 1.25 * 150 / 64
    oks = np.exp(-(width_px**2) / (2 * 4000.0 * (2 * sigmas) ** 2))
    np.testing.assert_allclose(oks, np.exp(-0.5))


def test_is_the_median_of_those_that_count():
    people = [make_person(40.0, 100.0, area) for area in (400.0, 2500.0, 8100.0)]
    middle = measure_oks_width(people[1:2], [0.1], (48, 64))
    ignored = [
        dict(people[0], iscrowd=1), dict(people[0], num_keypoints=0),
        dict(people[0], bbox=[0, 0, 0, 10]),
    ]  # fmt: skip
    assert measure_oks_width(people + ignored, [0.1], (48, 64)) == pytest.approx(middle)


def test_nobody_raises():
    with pytest.raises(ValueError, match='nobody'):
        measure_oks_width([make_person(10, 10, 100, iscrowd=1)], [0.1], (48, 64))


def write_people(path, num_joints):
    joints = np.random.default_rng(0).uniform(10, 90, (num_joints, 2))
    triples = np.concatenate([joints, np.full((num_joints, 1), 2)], 1).ravel().tolist()
    person = dict(make_person(40.0, 100.0, 2500.0), image_id=1, keypoints=triples)
    path.write_text(json.dumps(dict(annotations=[person], categories=[])))
    return str(path)


def test_command_prints_what_the_codec_takes(tmp_path, capsys):
    path = write_people(tmp_path / 'people.json', 17)
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
        (('--oks', 'coco', '--heatmap-size', '0', '64'), 'must be above 0'),
    ],
)
def test_command_names_what_is_wrong(tmp_path, capsys, arguments, message):
    path = write_people(tmp_path / 'people.json', 17)
    assert main(['estimate-sigmas', path, *arguments]) == 2
    assert message in capsys.readouterr().err
