"""`--cfg-options` that reach every copy of a setting, and what `mim gridsearch` writes."""

import pytest
from mmengine.config import Config
from tiny_runs import ROOT

from gm_pose.cli import train
from gm_pose.cli.run_config import load_config
from gm_pose.runs.checks.codec_agreement import check_codec_agreement
from gm_pose.runs.checks.outline import find, read_outline
from gm_pose.runs.user_errors import UserError

BASE = ROOT / 'configs' / 'gm_set2_res50_coco.py'


def load(config, *options: str) -> Config:
    arguments = ['--cfg-options', *options] if options else []
    return load_config(train.parse_args([str(config), *arguments]))


def find_texts(node, word: str) -> list[str]:
    """All texts of a config that hold a word."""
    if isinstance(node, str):
        return [node] if word in node else []
    nodes = node.values() if isinstance(node, dict) else node
    if not isinstance(node, (dict, list, tuple)):
        return []
    return [text for inner in nodes for text in find_texts(inner, word)]


def test_data_root_reaches_what_the_config_has_joined(monkeypatch):
    monkeypatch.setenv('COCO_ROOT', 'old/coco')
    cfg = load(BASE, 'data_root=/new/coco')
    assert find_texts(cfg._cfg_dict, 'old/coco') == []
    for split in ('train', 'val', 'test'):
        root = cfg[f'{split}_dataloader'].dataset.data_root
        assert root.rstrip('/') == '/new/coco'
    name = '/new/coco/annotations/person_keypoints_val2017.json'
    assert cfg.val_evaluator.ann_file == cfg.test_evaluator.ann_file == name
    assert cfg.test_dataloader.dataset.bbox_file.startswith(
        '/new/coco/person_detection'
    )


def test_data_root_of_one_split_reaches_that_split(monkeypatch):
    monkeypatch.setenv('COCO_ROOT', 'old/coco')
    cfg = load(BASE, 'val_dataloader.dataset.data_root=/new')
    assert cfg.val_evaluator.ann_file.startswith('/new/annotations/')
    assert cfg.val_dataloader.dataset.bbox_file.startswith('/new/person_detection')
    assert cfg.test_evaluator.ann_file.startswith('old/coco/')
    assert cfg.train_dataloader.dataset.data_root.startswith('old/coco')


def test_path_that_was_given_stays(monkeypatch):
    monkeypatch.setenv('COCO_ROOT', 'old/coco')
    cfg = load(BASE, 'data_root=/new', 'val_evaluator.ann_file=mine.json')
    assert cfg.val_evaluator.ann_file == 'mine.json'


def test_data_root_without_one_is_refused(tmp_path):
    path = tmp_path / 'rootless.py'
    path.write_text("train_dataloader = dict(dataset=dict(ann_file='a.json'))\n")
    with pytest.raises(UserError, match='the datasets have no data_root'):
        load(path, 'data_root=/new')
    path.write_text(
        "train_dataloader = dict(dataset=dict(data_root='a'))\n"
        "val_dataloader = dict(dataset=dict(data_root='b'))\n"
    )
    with pytest.raises(UserError, match=r'a and b\. Fix: .*dataset\.data_root=FOLDER'):
        load(path, 'data_root=/new')


def write_as_gridsearch(folder, name: str, settings: dict):
    """What `mim.commands.gridsearch` does for one combination."""
    cfg = Config.fromfile(ROOT / 'configs' / 'demo' / f'{name}.py')
    for path, value in settings.items():
        node, _, key = path.rpartition('.')
        assert key in find(cfg, node)
        find(cfg, node)[key] = value
    suffix = '_search_' + '_'.join(f'{k}_{v}' for k, v in settings.items())
    path = folder / f'{name}{suffix}.py'
    path.write_text(cfg.pretty_text)
    return path


@pytest.mark.parametrize(
    'settings',
    [
        {'codec.sigmas.mean': 1.2},
        {'codec.balance_weights': False},
        {'optim_wrapper.optimizer.lr': 0.01, 'codec.sigmas.mean': 1.5},
        {'codec.sigmas.mean': 1.5, 'codec.unbiased': False, 'train_cfg.max_epochs': 3},
        {'codec.sigmas': {'table': 'set1', 'mean': 1.7}},
    ],
)
def test_searched_settings_reach_encoder_and_decoder(settings, tmp_path):
    config = write_as_gridsearch(tmp_path, 'demo_gm_set2_synthetic', settings)
    cfg = load(config)
    outline = read_outline(cfg)
    assert check_codec_agreement(outline) == []
    assert len(outline.codec_copies) >= 2
    for path, value in settings.items():
        assert find(cfg, path) == value
        for copy in outline.codec_copies if path.startswith('codec.') else ():
            assert find(copy.config, path.removeprefix('codec.')) == value


def test_same_config_under_another_name_is_refused(tmp_path):
    """Only what the name states was searched; nothing else is repaired."""
    searched = write_as_gridsearch(
        tmp_path, 'demo_gm_set2_synthetic', {'codec.sigmas.mean': 1.2}
    )
    config = searched.rename(tmp_path / 'mine.py')
    assert len(check_codec_agreement(read_outline(load(config)))) >= 2


def test_option_wins_over_a_searched_setting(tmp_path):
    config = write_as_gridsearch(
        tmp_path, 'demo_gm_set2_synthetic', {'codec.sigmas.mean': 1.2}
    )
    cfg = load(config, 'codec.sigmas.mean=1.9')
    assert cfg.model.head.decoder.sigmas.mean == cfg.codec.sigmas.mean == 1.9


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
@pytest.mark.parametrize(
    ('setting', 'fix'),
    [
        ('persistent_workers=True', 'persistent_workers=False'),
        ('prefetch_factor=2', 'prefetch_factor=None'),
    ],
)
def test_settings_of_workers_without_workers_are_refused(split, setting, fix):
    from gm_pose.runs.checks.settings import check_numbers

    loader = f'{split}_dataloader'
    workers = [f'{loader}.num_workers=0', f'{loader}.persistent_workers=False']
    cfg = load(BASE, *workers, f'{loader}.{setting}')
    (problem,) = check_numbers(read_outline(cfg, (split,)))
    assert problem.place == f'{loader}.num_workers'
    assert problem.fix == f'set {loader}.{fix} too'
    cfg = load(BASE, *workers, f'{loader}.{setting}', problem.fix.split()[1])
    assert check_numbers(read_outline(cfg, (split,))) == []


def test_test_refuses_no_batch():
    from gm_pose.runs.checks.settings import check_numbers

    cfg = load(BASE, 'test_dataloader.batch_size=0')
    (problem,) = check_numbers(read_outline(cfg, ('test',)))
    assert problem.place == 'test_dataloader.batch_size'
