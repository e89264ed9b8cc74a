"""`gm_pose report` on results files, dumps and the folder of a run; its refusals."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from report_people import make_truth, predict

from gm_pose.cli import report as command
from gm_pose.report.reading.run_folder import open_run_folder


def refuse(capsys, *words) -> str:
    with pytest.raises(SystemExit) as end:
        command.main([str(word) for word in words])
    assert end.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    (line,) = (text for text in lines if text.startswith('gm_pose: error: '))
    assert line == lines[-1]
    return line


def test_two_results_files_are_compared(files, tmp_path, capsys):
    out = tmp_path / 'deep' / 'report.html'
    words = [files / 'good.json', f'noisy={files / "bad.json"}']
    words += ['--ann', files / 'truth.json', '--out', out, '--people', '2']
    command.main([str(word) for word in words])
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0].startswith('noisy is worse than good on these people: ')
    assert lines[-1] == str(out)
    assert out.read_text().startswith('<!doctype html>')
    assert [path.name for path in out.parent.iterdir()] == ['report.html']


def test_one_run_is_not_two_seeds(files, capsys):
    run = f'a={files / "good.json"}'
    text = refuse(capsys, run, run, '--ann', files / 'truth.json')
    assert text.endswith('good.json is given twice as a; expected another seed')


def set_all(entries, **fields):
    for entry in entries:
        entry.update(fields)


TRUTH_FAULTS = {
    'nobody labelled': (
        lambda t: set_all(t['annotations'], keypoints=[0] * 51),
        'no person to be found: all 24 are crowds or have no labelled joint',
    ),
    'crowds': (lambda t: set_all(t['annotations'], iscrowd=1), 'all 24 are crowds'),
    'NaN': (
        lambda t: t['annotations'][3].update(keypoints=[float('nan')] * 51),
        'keypoints that are not finite',
    ),
    'too large': (
        lambda t: t['annotations'][3].update(keypoints=[10**400] * 51),
        "'keypoints' has a number that is too large",
    ),
    'list as id': (
        lambda t: set_all(t['annotations'], image_id=[1]),
        'image_id is a list; expected an integer',
    ),
    'no such image': (
        lambda t: t['annotations'][3].update(image_id=77),
        'has people of image 77, which is not in `images`',
    ),
    'skeleton': (
        lambda t: t['categories'][0].update(skeleton=[1, 2]),
        "truth.json: the skeleton of category 'person' is [1, 2]; expected pairs",
    ),
}
RESULT_FAULTS = {
    'list as id': (dict(image_id=[1]), 'image_id is a list; expected an integer'),
    'list as score': (dict(score=[0.5]), "'score' is a list; expected a number"),
    'large score': (dict(score=10**400), "'score' has a number that is too large"),
    'NaN': (dict(score=float('nan')), 'scores or keypoints that are not finite'),
    'box': (dict(bbox='abcd'), 'good.json: could not convert string to float'),
}


@pytest.mark.parametrize('fault', TRUTH_FAULTS)
def test_faults_of_annotations_are_one_line(
    files, tmp_path, monkeypatch, capsys, fault
):
    change, message = TRUTH_FAULTS[fault]
    truth = json.loads((files / 'truth.json').read_text())
    change(truth)
    (tmp_path / 'truth.json').write_text(json.dumps(truth))
    monkeypatch.chdir(tmp_path)
    assert message in refuse(capsys, files / 'good.json', '--ann', 'truth.json')
    assert [path.name for path in tmp_path.iterdir()] == ['truth.json']


@pytest.mark.parametrize('fault', RESULT_FAULTS)
def test_faults_of_results_are_one_line(files, tmp_path, monkeypatch, capsys, fault):
    change, message = RESULT_FAULTS[fault]
    results = json.loads((files / 'good.json').read_text())
    set_all(results, **change)
    (tmp_path / 'good.json').write_text(json.dumps(results))
    monkeypatch.chdir(tmp_path)
    assert message in refuse(capsys, 'good.json', '--ann', files / 'truth.json')
    assert [path.name for path in tmp_path.iterdir()] == ['good.json']


def make_dump(path, results, truth):
    """As `mim test --dump` writes it, with the annotations in the samples."""
    samples = []
    for result, person in zip(results, truth['annotations'], strict=True):
        joints = np.array(result['keypoints'], np.float32).reshape(1, 17, 3)
        x, y, w, h = person['bbox']
        box = np.array([[x, y, x + w, y + h]], np.float32)
        samples.append(
            dict(
                id=person['id'],
                img_id=person['image_id'],
                category_id=np.array(1),
                raw_ann_info=person,
                pred_instances=dict(
                    keypoints=joints[..., :2],
                    keypoint_scores=joints[..., 2],
                    bboxes=box,
                    bbox_scores=np.ones(1, np.float32),
                ),
                gt_instances=dict(bbox_scales=np.array([[125, 166]], np.float32)),
            )
        )
    path.write_bytes(pickle.dumps(samples, protocol=2))


def test_dump_brings_its_annotations(tmp_path, capsys):
    truth = make_truth(12)
    make_dump(tmp_path / 'run.pkl', predict(truth, 4), truth)
    words = [tmp_path / 'run.pkl', '--metainfo', 'coco', '--people', '1']
    command.main([str(word) for word in [*words, '--out', tmp_path / 'out.html']])
    assert '12 people in 12 images' in (tmp_path / 'out.html').read_text()
    assert capsys.readouterr().out.strip().endswith('out.html')


@pytest.mark.parametrize(
    ('words', 'parts'),
    [
        (['none.json'], ['none.json', 'does not exist']),
        (['none'], ['none', 'does not exist', 'work directory']),
        (['good.json'], ['needs the annotations', '--ann']),
        (['good.json', '--ann', 'good.json'], ['no COCO file']),
        (['good.json', '--ann', 'none.json'], ['--ann none.json does not exist']),
        (['truth.json', '--ann', 'truth.json'], ['no list of results']),
        (['good.json', '--ann', 'truth.json', '--out', 'x.pdf'], ['x.pdf', '.html']),
        (['good.json', '--ann', 'truth.json', '--people', '-1'], ['--people is -1']),
        (
            ['good.json', '--ann', 'truth.json', '--metainfo', 'mpii'],
            ['48', '51 numbers'],
        ),
        (['good.json', '--ann', 'truth.json', '--metainfo', 'cocoa'], ['cocoa']),
        (['text.pkl', '--ann', 'truth.json'], ['text.pkl', 'damaged']),
        (['.'], ['no work directory of a run']),
        (['others.json', '--ann', 'truth.json'], ['share no image']),
    ],
)
def test_wrong_input_is_named(files, tmp_path, monkeypatch, capsys, words, parts):
    for name in ('truth.json', 'good.json'):
        (tmp_path / name).write_text((files / name).read_text())
    results = json.loads((files / 'good.json').read_text())
    moved = [dict(result, image_id=1000 + result['image_id']) for result in results]
    (tmp_path / 'others.json').write_text(json.dumps(moved))
    (tmp_path / 'text.pkl').write_text('text')
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    line = refuse(capsys, *words)
    for part in parts:
        assert part in line
    assert sorted(tmp_path.iterdir()) == before


def test_runs_of_different_people_are_refused(tmp_path, capsys):
    truth = make_truth(12)
    make_dump(tmp_path / 'a.pkl', predict(truth, 4), truth)
    short = make_truth(11)
    make_dump(tmp_path / 'b.pkl', predict(short, 4), short)
    words = [tmp_path / 'a.pkl', tmp_path / 'b.pkl', '--metainfo', 'coco']
    line = refuse(capsys, *words, '--out', tmp_path / 'out.html')
    assert 'different people' in line
    assert not (tmp_path / 'out.html').exists()


START = """2026/11/26 17:31:19 - mmengine - INFO -
------------------------------------------------------------
System environment:
    sys.platform: linux
    Python: 3.11.7 (main)
    CUDA available: True
    GPU 0,1: NVIDIA H100
    PyTorch: 2.14.1+cu130
    MMEngine: 0.10.7

Runtime environment:
    seed: 5
    GPU number: 2
2026/11/26 17:31:20 - mmengine - INFO - Command: train.py tiny.py --fast
2026/11/26 17:31:20 - mmengine - INFO - Code: gm_pose 0.2.0, commit 1a2b with changes
"""


def test_folder_tells_how_the_run_was_made(tmp_path):
    start = tmp_path / '20261126_173118'
    (start / 'vis_data').mkdir(parents=True)
    (start / '20261126_173118.log').write_text(START)
    (start / 'vis_data' / 'config.py').write_text('x = 1')
    lines = ['{"loss": 2.5, "iter": 10, "step": 10}', '{"coco/AP": 0.5, "step": 1}']
    scalars = start / 'vis_data' / 'scalars.json'
    scalars.write_text('\n'.join([*lines, '{"loss": 1.5, "it']))  # killed here
    (tmp_path / 'tiny.py').write_text('x = 1')
    (tmp_path / 'epoch_1.pth').touch()
    (tmp_path / 'epoch_2.pth').touch()
    (tmp_path / 'last_checkpoint').write_text('/moved/from/epoch_2.pth')
    folder = open_run_folder(str(tmp_path))
    assert folder.config_name == 'tiny.py'
    assert folder.checkpoint == tmp_path / 'epoch_2.pth'
    assert [row.get('loss') for row in folder.scalars] == [2.5, None]
    assert folder.facts == {
        'Started': '20261126_173118',
        'Command': 'train.py tiny.py --fast',
        'Code': 'gm_pose 0.2.0, commit 1a2b with changes',
        'Seed': '5',
        'Python': '3.11.7',
        'PyTorch': '2.14.1+cu130',
        'CUDA': 'True',
        'GPU': 'NVIDIA H100',
        'MMEngine': '0.10.7',
        'Number of processes': '2',
    }
    (tmp_path / 'best_coco_AP_epoch_1.pth').touch()
    assert open_run_folder(str(tmp_path)).checkpoint.name == 'best_coco_AP_epoch_1.pth'


def test_python_file_beside_a_dump_is_not_executed(tmp_path):
    (tmp_path / 'evil.py').write_text(f'open({str(tmp_path / "owned")!r}, "w")')
    (tmp_path / 'epoch_1.pth').touch()
    truth = make_truth(12)
    make_dump(tmp_path / 'run.pkl', predict(truth, 4), truth)
    words = [tmp_path / 'run.pkl', '--metainfo', 'coco', '--people', '0']
    command.main([str(word) for word in [*words, '--out', tmp_path / 'out.html']])
    assert not Path(tmp_path / 'owned').exists()
