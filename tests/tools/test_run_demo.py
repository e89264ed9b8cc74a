"""The demo's steps: what is done is skipped, what failed is taken up again."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def demo(monkeypatch, tmp_path):
    """The demo with its steps recorded instead of run; `fail` names one that fails."""
    spec = importlib.util.spec_from_file_location(
        'run_demo', ROOT / 'tools/run_demo.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.steps, module.fail = [], None
    work_dir = tmp_path / 'run'
    work_dir.mkdir()

    def run(command, env):
        step = (
            command[1]
            if command[1].startswith(('train', 'test'))
            else Path(command[1]).stem
        )
        module.steps.append(step)
        assert env['COCO_ROOT'] == str(tmp_path / 'data')
        if step == module.fail:
            sys.exit(3)
        if step == 'train':
            (work_dir / 'epoch_1.pth').write_text('weights')
            (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_1.pth'))
        if step == 'test':
            metrics = {f'coco/{name}': 0.5 for name in module.COCO_NUMBERS}
            (work_dir / 'metrics.json').write_text(json.dumps(metrics))

    monkeypatch.setattr(module, 'run', run)
    arguments = [
        'run_demo.py',
        '--work-dir',
        str(work_dir),
        '--data',
        str(tmp_path / 'data'),
    ]
    monkeypatch.setattr(sys, 'argv', arguments)
    return module


def test_second_run_does_nothing_again_and_prints_the_numbers(demo, capsys):
    demo.main()
    assert demo.steps == ['make_synthetic_coco', 'train', 'test', 'draw_predictions']
    demo.steps.clear()
    capsys.readouterr()
    demo.main()
    assert demo.steps == ['make_synthetic_coco']  # skips itself
    output = capsys.readouterr().out
    assert 'AP      0.500' in output
    assert 'epoch_1.pth' in output


def test_failed_evaluation_does_not_train_again(demo):
    demo.fail = 'test'
    with pytest.raises(SystemExit):
        demo.main()
    demo.fail = None
    demo.steps.clear()
    demo.main()
    assert demo.steps == ['make_synthetic_coco', 'test', 'draw_predictions']


def test_other_sources_train_again(demo, monkeypatch):
    demo.main()
    demo.steps.clear()
    monkeypatch.setattr(demo, 'hash_sources', lambda data: 'other')
    demo.main()
    assert 'train' in demo.steps
