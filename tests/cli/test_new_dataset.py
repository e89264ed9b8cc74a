"""`gm_pose new-dataset`: two commands from annotations to the first iteration."""

import json
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import mmpose
import numpy as np
import pytest
from mmengine.config import Config
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from gm_pose.cli import main
from gm_pose.codecs import load_skeleton
from gm_pose.new_dataset.bases import BASES

sys.path.insert(0, str(Path(__file__).parents[1] / 'new_dataset'))
from annotated_files import NAMES, change, write_coco


@pytest.fixture
def mice(tmp_path, monkeypatch):
    """A file of six mice in the current folder."""
    monkeypatch.chdir(tmp_path)
    write_coco(tmp_path)
    return tmp_path


@pytest.fixture
def bases_by_path(monkeypatch):
    """For ``mmpose::`` MMEngine reads all of MMPose's model index, half a second a time."""
    root = Path(mmpose.__file__).parent / '.mim' / 'configs'
    for name, base in BASES.items():
        path = str(root / base.config.removeprefix('mmpose::'))
        monkeypatch.setitem(BASES, name, replace(base, config=path))


def make(*words):
    return main(['new-dataset', 'mice.json', '--images', 'photos', *words])


def test_two_commands_reach_the_first_iteration(
    mice, capfd, configs_are_not_formatted, monkeypatch
):
    monkeypatch.setenv('GM_POSE_CACHE', str(mice / 'cache'))
    assert make('--base', 'small') == 0
    options = ['train_cfg.max_epochs=1', 'train_dataloader.num_workers=0']
    options += ['train_dataloader.persistent_workers=False']
    config = 'mice/mice_small.py'
    words = ['train', config, '--work-dir', 'run', '--no-validate', '--cfg-options']
    assert main([*words, *options]) == 0
    log = capfd.readouterr().out + capfd.readouterr().err
    assert re.search(r'fast lane: train', log)
    (scalars,) = (mice / 'run').glob('*/vis_data/scalars.json')
    (row,) = map(json.loads, scalars.read_text().splitlines())
    assert row['step'] == 1
    assert 0 < row['loss'] < 1e3
    assert (mice / 'run' / 'epoch_1.pth').is_file()


@pytest.mark.parametrize('base', ['res50', 'hrnet_w32', 'vitpose_s', 'small'])
def test_every_base_has_one_codec_and_the_joints(mice, base):
    assert make('--base', base, '--out', 'here/new') == 0
    cfg = Config.fromfile(f'here/new/new_{base}.py')
    assert cfg.model.head.out_channels == 4
    codec = cfg.codec.to_dict()
    assert cfg.model.head.decoder == codec
    (target,) = [
        step
        for step in cfg.train_dataloader.dataset.pipeline
        if step.type == 'GenerateTarget'
    ]
    assert target.encoder == codec
    assert codec['sigmas']['nose'] < codec['sigmas']['default']
    assert cfg.fast_lane is not None
    for split in ('train', 'val'):
        dataset = cfg[f'{split}_dataloader'].dataset
        assert Path(dataset.ann_file).is_file()
        assert Path(dataset.data_prefix.img).is_dir()
        assert dataset.metainfo.from_file == str(mice / 'here/new/new_metainfo.py')


def test_metainfo_is_what_mmpose_reads(mice, bases_by_path):
    make('--base', 'small')
    path = str(mice / 'mice' / 'mice_metainfo.py')
    info = parse_pose_metainfo(dict(from_file=path))
    assert [info['keypoint_id2name'][k] for k in range(4)] == list(NAMES)
    assert info['flip_indices'] == [0, 2, 1, 3]
    assert info['skeleton_links'] == [(0, 3)]
    assert info['sigmas'].tolist() == pytest.approx([0.026, 0.035, 0.035, 0.035])
    assert len(info['dataset_keypoint_weights']) == 4
    assert load_skeleton(path).mirror == (0, 2, 1, 3)
    text = Path(path).read_text()
    assert re.search(r"0\.026, +# 'nose' +as nose of coco", text)
    assert re.search(r"0\.035, +# 'tail_base' +as Root of tail of ap10k", text)


def test_split_is_written_whole_and_the_original_stays(mice, bases_by_path):
    before = (mice / 'mice.json').read_bytes()
    make('--base', 'small', '--val-share', '0.3', '--seed', '5')
    assert (mice / 'mice.json').read_bytes() == before
    parts = [
        json.loads((mice / f'mice/{s}.json').read_text()) for s in ('train', 'val')
    ]
    assert [len(part['images']) for part in parts] == [4, 2]
    original = json.loads(before)
    together = [a for part in parts for a in part['annotations']]
    assert sorted(together, key=lambda a: a['id']) == original['annotations']
    header = (mice / 'mice/mice_small.py').read_text()
    assert '--val-share 0.3 --seed 5' in header


def test_given_validation_is_used_where_it_lies(mice, bases_by_path, capsys):
    write_coco(mice, count=3, name='val.json')
    make('--base', 'small', '--val', 'val.json')
    assert sorted(p.name for p in (mice / 'mice').iterdir()) == [
        'mice_metainfo.py',
        'mice_small.py',
    ]
    cfg = Config.fromfile('mice/mice_small.py')
    assert cfg.val_evaluator.ann_file == str(mice / 'val.json')
    assert 'split: as given' in capsys.readouterr().out


def test_what_the_check_finds_is_shown_and_stops_it(mice, bases_by_path, capsys):
    def spoil(content):
        content['annotations'][2]['area'] = 0

    change(mice / 'mice.json', spoil)
    with pytest.raises(SystemExit) as stop:
        make('--base', 'small')
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert re.search(r'HARM +areas of 0 or below: 1', out)
    assert 'Nothing was written' in err
    assert not (mice / 'mice').exists()
    assert make('--base', 'small', '--ignore-findings') == 0


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--out', 'photos'], r'--out photos exists'),
        (['--val', 'none.json'], r'none\.json does not exist'),
        (['--joints', 'a,b'], r'--joints has 2 names'),
        (['--joints', 'a,b,c,a'], r'names the joints a twice'),
        (['--val-share', '1'], r'--val-share is 1'),
        (['--swap', 'nose=nase'], r"--swap names 'nase'"),
        (['--category', 'rat'], r'--category rat is not one'),
        (['--val-images', 'none', '--val', 'mice.json'], r'none is no folder'),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(mice, capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        make('--base', 'small', *words)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert re.search(message, line)
    assert {p.name for p in mice.iterdir()} == {'mice.json', 'photos'}


def test_a_config_that_cannot_be_loaded_is_never_seen(mice, monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError('no such base')

    monkeypatch.setattr('gm_pose.new_dataset.write_dataset.Config.fromfile', fail)
    with pytest.raises(SystemExit):
        make('--base', 'small')
    assert 'no such base' in capsys.readouterr().err
    assert {p.name for p in mice.iterdir()} == {'mice.json', 'photos'}


def test_joints_without_names_are_asked_for(mice, bases_by_path, monkeypatch, capsys):
    def forget(content):
        del content['categories'][0]['keypoints']

    change(mice / 'mice.json', forget)
    with pytest.raises(SystemExit):
        make('--base', 'small')
    assert 'names none of its 4 joints. Fix: --joints' in capsys.readouterr().err
    answers = iter(['nose', '', 'left_ear', 'nose', 'right_ear', 'tail'])
    monkeypatch.setattr('builtins.input', lambda _: next(answers))
    monkeypatch.setattr('sys.stdin.isatty', lambda: True)
    assert make('--base', 'small') == 0
    names = load_skeleton('mice/mice_metainfo.py').joint_names
    assert names == ('nose', 'left_ear', 'right_ear', 'tail')


def test_missing_network_package_is_named(mice, monkeypatch, capsys):
    monkeypatch.setattr('gm_pose.new_dataset.plan.find_spec', lambda _: None)
    with pytest.raises(SystemExit):
        make('--base', 'vitpose_s')
    assert 'pip install mmpretrain' in capsys.readouterr().err


def test_a_joint_nobody_knows_is_said_to_be_a_guess(mice, bases_by_path, capsys):
    make('--base', 'small', '--joints', 'nose,left_qqq,right_qqq,tail')
    out = capsys.readouterr().out
    assert re.search(
        r'look at this: OKS sigmas of left_qqq, right_qqq are guesses', out
    )
    sigmas = np.array(load_skeleton('mice/mice_metainfo.py').oks_sigmas)
    assert (sigmas > 0).all()
    assert sigmas[1] == sigmas[2]


def test_names_with_quotes_make_a_config(mice, bases_by_path, capsys):
    out = mice / 'it\'s "new"' / "o'k"
    assert make('--base', 'small', '--out', str(out)) == 0
    config = out / "o'k_small.py"
    dataset = Config.fromfile(config).train_dataloader.dataset
    assert Path(dataset.metainfo.from_file).is_file()
    assert Path(dataset.ann_file).is_file()
    command = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(command) == ['gm_pose', 'train', str(config)]


@pytest.mark.parametrize('out', ['.', 'a\nb'])
def test_the_current_folder_or_two_lines_are_no_new_folder(mice, out, capsys):
    with pytest.raises(SystemExit):
        make('--base', 'small', '--out', out)
    assert 'expected a ' in capsys.readouterr().err
