"""Small mistakes on a command line are one sentence."""

import subprocess
import sys

import pytest

from gm_pose.__main__ import main
from gm_pose.runs.resume.resumable_checkpoint import find_resumable_checkpoint


@pytest.mark.parametrize(
    'text',
    [
        '{"annotations": [1]}',
        '{"annotations": {"a": 1}}',
        '{"annotations": [{"keypoints": 3}]}',
        '{"annotations": [{"keypoints": [1, 2, 2]}], "categories": [1]}',
        '{"annotations": [{"keypoints": [1, "2", 2]}]}',
        '{"annotations": [{"keypoints": [1, 2, 2], "bbox": [1, 2, NaN, 4]}]}',
        '{"annotations": [{"keypoints": [1, 2, 2], "area": "big"}]}',
        '[' * 100_000,
    ],
)
def test_file_of_another_layout_is_refused(text, tmp_path, capsys):
    path = tmp_path / 'a.json'
    path.write_text(text)
    assert main(['estimate-sigmas', str(path)]) == 2
    error = capsys.readouterr().err
    assert 'a.json' in error
    assert len(error.splitlines()) == 1


def test_copied_folder_is_resumed_from_its_own_checkpoint(tmp_path):
    import torch

    for name in ('run1', 'run2'):
        (tmp_path / name).mkdir()
        torch.save({}, tmp_path / name / 'epoch_2.pth')
        record = tmp_path / name / 'last_checkpoint'
        record.write_text(str(tmp_path / 'run1' / 'epoch_2.pth'))
    found = find_resumable_checkpoint(str(tmp_path / 'run2'))
    assert found == (str(tmp_path / 'run2' / 'epoch_2.pth'), None)
    (tmp_path / 'run2' / 'epoch_2.pth').unlink()
    found = find_resumable_checkpoint(str(tmp_path / 'run2'))
    assert found == (str(tmp_path / 'run1' / 'epoch_2.pth'), None)


@pytest.mark.parametrize('tool', ['train', 'test'])
def test_interval_of_nothing_is_refused(tool, write_config, tmp_path, capsys):
    import importlib

    config = write_config()
    words = [str(config), *(['no.pth'] if tool == 'test' else []), '--interval', '0']
    with pytest.raises(SystemExit):
        importlib.import_module(f'gm_pose.cli.{tool}').main(words)
    assert '--interval 0' in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    'words',
    [['-m', 'gm_pose', 'doctor', '-h'], ['-mgm_pose', 'doctor', '-h']],
    ids=' '.join,
)
def test_doctor_is_recognised_before_the_package_is_imported(words, tmp_path):
    """In an environment without MMPose: an mmpose that cannot be imported."""
    from pathlib import Path

    import gm_pose

    (tmp_path / 'mmpose').mkdir()
    (tmp_path / 'mmpose' / '__init__.py').write_text("raise ImportError('broken')\n")
    root = Path(gm_pose.__file__).parents[1]
    ended = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        timeout=100,
        env=dict(PYTHONPATH=f'{tmp_path}:{root}', PATH=''),
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert 'doctor' in ended.stdout


@pytest.mark.parametrize('rank', [0, 1])
def test_metrics_are_written_by_the_first_process(
    rank, write_config, tmp_path, monkeypatch, capsys
):
    import mmengine.runner
    from mmengine.config import Config

    from gm_pose.cli import test as tool

    class Runner:
        from_cfg = classmethod(lambda cls, cfg: cls())
        logger = None

        def test(self):
            return {'coco/AP': 0.5}

    cfg = Config(dict(launcher='pytorch', work_dir=str(tmp_path)))
    monkeypatch.setattr(mmengine.runner, 'Runner', Runner)
    monkeypatch.setattr(tool, 'load_config', lambda args: cfg)
    monkeypatch.setattr(tool, 'check_run', lambda cfg, args: [])
    monkeypatch.setattr(
        'gm_pose.runs.launch.run_defaults.use_readable_images', lambda cfg: 0
    )
    monkeypatch.setattr(
        'gm_pose.runs.launch.cpu_processes.prepare_cpu_processes', lambda cfg: 0
    )
    monkeypatch.setenv('RANK', str(rank))
    out, checkpoint = tmp_path / 'new' / 'metrics.json', tmp_path / 'a.pth'
    checkpoint.touch()
    config = str(write_config())
    tool.main([config, str(checkpoint), '--out', str(out)])
    assert out.exists() == (rank == 0)
    if rank == 0:
        out.unlink()
        out.mkdir()
        monkeypatch.setattr(tool, 'check_out', lambda path: None)
        with pytest.raises(SystemExit):
            tool.main([config, str(checkpoint), '--out', str(out)])
        assert 'cannot write' in capsys.readouterr().err.splitlines()[-1]
