"""The stand-in for xtcocotools: its numbers, its differences from pycocotools, MMPose."""

import copy
import importlib
import json
import sys

import numpy as np
import pytest
from pycocotools import coco as pycocotools_coco
from pycocotools import cocoeval as pycocotools_cocoeval
from record_oks_fixture import CASES, FIXTURE, run_case

from gm_pose.runs.host import xtcocotools as compat
from gm_pose.runs.host.xtcocotools.coco import COCO
from gm_pose.runs.host.xtcocotools.cocoeval import COCOeval

sys.path.insert(0, __file__.rpartition('/')[0])

# Sums over <= 10 x 101 doubles in [0, 1]: rounding stays below 1e-12. The issue is equal
# decisions (a match, an ignored person), and one of these moves a number by > 1e-5.
TOLERANCE = 1e-9


@pytest.fixture(scope='module')
def fixture():
    return json.loads(FIXTURE.read_text())


@pytest.fixture
def no_xtcocotools(monkeypatch):
    """xtcocotools out of sys.modules, and out of reach of an import."""
    for name in [n for n in sys.modules if n.partition('.')[0] == 'xtcocotools']:
        monkeypatch.delitem(sys.modules, name)

    class Refuse:
        def find_spec(self, name, path=None, target=None):
            if name.partition('.')[0] == 'xtcocotools':
                raise ModuleNotFoundError(f'no module {name}', name=name)

    monkeypatch.setattr(sys, 'meta_path', [Refuse(), *sys.meta_path])
    yield monkeypatch
    for name in [n for n in sys.modules if n.partition('.')[0] == 'xtcocotools']:
        del sys.modules[name]


@pytest.mark.filterwarnings('ignore:detections have no')
@pytest.mark.parametrize('case', CASES)
def test_stats_equal_those_recorded_with_xtcocotools(case, fixture, tmp_path):
    stats = run_case(case, fixture, tmp_path, COCO, COCOeval)
    expected = fixture['stats'][case]
    assert len(stats) == len(expected) == (9 if case.startswith('crowd') else 10)
    np.testing.assert_allclose(stats, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('case', CASES)
def test_stats_equal_those_of_xtcocotools_beside_it(case, fixture, tmp_path):
    if not compat.has_xtcocotools() or compat.is_stand_in_installed():
        pytest.skip('xtcocotools cannot be imported here')
    real_coco = importlib.import_module('xtcocotools.coco').COCO
    real_eval = importlib.import_module('xtcocotools.cocoeval').COCOeval
    real = run_case(case, fixture, tmp_path, real_coco, real_eval)
    assert real == fixture['stats'][case]
    assert run_case(case, fixture, tmp_path, COCO, COCOeval) == pytest.approx(
        real, rel=0, abs=TOLERANCE
    )


def test_pycocotools_alone_gives_other_numbers(fixture, tmp_path):
    """Guards the fixture: an id of 0 and an undetected pose count otherwise there."""
    truth = pycocotools_coco.COCO()
    truth.dataset = fixture['ground_truth']['coco']
    truth.createIndex()
    detections = truth.loadRes(fixture['detections']['scored'])
    evaluator = pycocotools_cocoeval.COCOeval(truth, detections, 'keypoints')
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    assert abs(evaluator.stats[0] - fixture['stats']['coco'][0]) > 1e-3


def test_ground_truth_as_detections_gives_one(fixture):
    truth = COCO(ann_data=fixture['ground_truth']['coco'])
    people = [
        {**person, 'score': 1.0}
        for person in truth.anns.values()
        if any(person['keypoints'][2::3]) and not person['iscrowd']
    ]
    evaluator = COCOeval(truth, truth.loadRes(people), 'keypoints')
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    np.testing.assert_array_equal(evaluator.stats, np.ones(10))


def test_annotations_and_detections_are_left_as_they_were(fixture):
    truth = COCO(ann_data=fixture['ground_truth']['coco'])
    results = truth.loadRes(fixture['detections']['scored'])
    before = copy.deepcopy([truth.dataset, results.dataset])
    COCOeval(truth, results, 'keypoints').evaluate()
    assert [truth.dataset, results.dataset] == before


def test_coco_takes_what_xtcocotools_takes_and_pycocotools_does_not():
    person = {'id': 'p', 'image_id': 'ab', 'category_id': 1, 'area': 9.0}
    person |= {'keypoints': [1, 2, 2, 3, 4, 1, 5, 6, 0], 'bbox': [0, 0, 3, 3]}
    dataset = {'images': [{'id': 'ab'}], 'annotations': [person], 'categories': []}
    coco = COCO(ann_data=dataset, test_index=[2, 0])
    assert coco.anno_file == [None]
    assert coco.loadAnns(coco.getAnnIds(imgIds='ab'))[0]['iscrowd'] is False
    assert coco.loadImgs('ab') == [{'id': 'ab'}]
    assert coco.anns['p']['keypoints'] == [5, 6, 0, 1, 2, 2]
    assert coco.getAnnIds(areaRng=[9, 10]) == ['p']
    assert coco.getAnnIds(areaRng=[5, 9]) == []
    assert coco.loadRes([]).anns == {}
    assert coco.anno_file == [None, []]


def test_coco_refuses_a_list_of_detections(tmp_path):
    path = tmp_path / 'detections.json'
    path.write_text('[{"image_id": 1}]')
    with pytest.raises(ValueError, match=r'detections\.json holds a list'):
        COCO(str(path))


def test_part_score_falls_back_to_score_with_a_warning(fixture):
    truth = COCO(ann_data=fixture['ground_truth']['wholebody'])
    results = truth.loadRes(fixture['detections']['wholebody'])
    evaluator = COCOeval(truth, results, 'keypoints_foot', np.full(6, 0.05))
    with pytest.warns(UserWarning, match=r"no 'foot_score': ranked by their score"):
        evaluator.evaluate()


@pytest.mark.parametrize('iou_type', ['bbox', 'segm', 'keypoints_feet', ''])
def test_evaluator_refuses_other_types(iou_type):
    with pytest.raises(
        ValueError, match=f'iouType is {iou_type!r}; expected one of keypoints'
    ):
        COCOeval(iouType=iou_type)


@pytest.mark.parametrize(
    ('truth', 'arguments', 'message'),
    [
        ('coco', {'sigmas': np.ones(14)}, 'has 17 keypoints; expected 14'),
        ('coco_without_area', {}, 'has no area.* evaluate with use_area=False'),
        ('coco', {'iouType': 'keypoints_foot'}, "has no 'foot_kpts'"),
    ],
)
def test_evaluator_names_what_the_annotations_lack(truth, arguments, message, fixture):
    coco = COCO(ann_data=fixture['ground_truth'][truth])
    evaluator = COCOeval(coco, coco.loadRes([]), **arguments)
    with pytest.raises(ValueError, match=message):
        evaluator.evaluate()


def test_crowd_evaluation_without_crowd_index_is_refused(fixture):
    dataset = {**fixture['ground_truth']['coco'], 'images': [{'id': 0}]}
    coco = COCO(ann_data=dataset)
    evaluator = COCOeval(coco, coco.loadRes([]), 'keypoints_crowd')
    evaluator.evaluate()
    evaluator.accumulate()
    with pytest.raises(ValueError, match='image 0 has no crowdIndex'):
        evaluator.summarize()


def test_install_gives_the_modules_mmpose_imports(no_xtcocotools):
    assert compat.install_stand_in() is True
    assert compat.is_stand_in_installed()
    from pycocotools import mask as pycocotools_mask
    from xtcocotools import mask
    from xtcocotools.coco import COCO as InstalledCOCO
    from xtcocotools.cocoeval import COCOeval as InstalledCOCOeval

    assert (InstalledCOCO, InstalledCOCOeval) == (COCO, COCOeval)
    assert mask is pycocotools_mask
    assert importlib.util.find_spec('xtcocotools') is not None
    assert compat.install_stand_in() is False  # twice is once


def test_install_replaces_a_package_that_fails_half_way(monkeypatch, tmp_path):
    """Compiled against another numpy: the import dies with ValueError, in the middle."""
    for name in [n for n in sys.modules if n.partition('.')[0] == 'xtcocotools']:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / 'xtcocotools').mkdir()
    (tmp_path / 'xtcocotools' / '__init__.py').write_text('')
    (tmp_path / 'xtcocotools' / 'mask.py').write_text(
        "raise ValueError('numpy.dtype size changed')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert compat.install_stand_in() is True
    import xtcocotools.coco

    assert xtcocotools.coco.COCO is COCO
    for name in [n for n in sys.modules if n.partition('.')[0] == 'xtcocotools']:
        del sys.modules[name]


def test_install_leaves_a_working_xtcocotools_alone():
    if not compat.has_xtcocotools() or compat.is_stand_in_installed():
        pytest.skip('xtcocotools cannot be imported here')
    assert compat.install_stand_in() is False
    from xtcocotools.coco import COCO as RealCOCO

    assert RealCOCO is not COCO


def test_missing_pycocotools_is_one_sentence(no_xtcocotools):
    no_xtcocotools.setitem(sys.modules, 'pycocotools.mask', None)
    with pytest.raises(ImportError, match='pip install pycocotools'):
        compat.install_stand_in()
