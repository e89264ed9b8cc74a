"""`gm_pose report` of a run's work directory: its model is run once."""

import json
import re
import shutil

import pytest
import torch
from mmengine.config import Config

import gm_pose  # noqa: F401
from gm_pose.cli import report


@pytest.fixture(scope='module')
def run(demo_on_five_people, tmp_path_factory):
    """A work directory as training leaves it, with an untrained model."""
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS

    folder = tmp_path_factory.mktemp('run')
    start = folder / '20261126_173118'
    (start / 'vis_data').mkdir(parents=True)
    cfg = Config.fromfile(demo_on_five_people)
    cfg.dump(start / 'vis_data' / 'config.py')
    cfg.dump(folder / 'demo_gm_set2_synthetic.py')
    rows = [dict(loss=3.0, iter=1), dict(loss=2.0, iter=2), {'coco/AP': 0.1, 'step': 1}]
    (start / 'vis_data' / 'scalars.json').write_text('\n'.join(map(json.dumps, rows)))
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'epoch_1.pth')
    return folder


@pytest.mark.slow
def test_model_is_run_once_and_its_predictions_kept(run, tmp_path, capsys):
    before = {path.name for path in run.iterdir()}
    report.main([str(run), '--people', '1', '--out', str(tmp_path / 'a.html')])
    kept = run / 'report' / 'epoch_1.pkl'
    assert [path.name for path in kept.parent.iterdir()] == ['epoch_1.pkl']
    assert {path.name for path in run.iterdir()} == before | {'report'}
    printed = capsys.readouterr()
    tested = re.search(
        r'\(AP\) @\[ IoU=0.50:0.95 \| area=   all .* = +(\d.\d+)', printed.out
    )
    page = (tmp_path / 'a.html').read_text()
    assert f'>{100 * float(tested[1]):.1f}</p>' in page
    assert 'target sigma' in page  # of the config's codec
    assert 'demo_gm_set2_synthetic.py against its base' in page
    assert 'chart-curves' in page

    time = kept.stat().st_mtime_ns
    report.main([str(run), '--people', '1', '--out', str(tmp_path / 'b.html')])
    assert 'predictions of an earlier report' in capsys.readouterr().err
    assert kept.stat().st_mtime_ns == time


@pytest.mark.slow
def test_models_of_two_folders_are_run(run, tmp_path, capsys):
    for name in ('a', 'b'):
        shutil.copytree(run, tmp_path / name, ignore=shutil.ignore_patterns('report'))
    words = [str(tmp_path / 'a'), str(tmp_path / 'b'), '--people', '0']
    report.main([*words, '--out', str(tmp_path / 'both.html')])
    assert capsys.readouterr().out.strip().endswith('both.html')
    for name in ('a', 'b'):
        left = (tmp_path / name / 'report').iterdir()
        assert [path.name for path in left] == ['epoch_1.pkl']


def test_folder_without_a_checkpoint_is_refused(tmp_path, capsys):
    start = tmp_path / '20261126_173118' / 'vis_data'
    start.mkdir(parents=True)
    (start / 'config.py').write_text('x = 1')
    with pytest.raises(SystemExit):
        report.main([str(tmp_path), '--out', str(tmp_path / 'a.html')])
    assert 'has no checkpoint' in capsys.readouterr().err
