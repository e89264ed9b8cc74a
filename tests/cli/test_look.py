"""`gm_pose look`: the crops that a run trains on, and predictions with their errors."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, init_default_scope
from mmpose.registry import MODELS

from gm_pose.cli import main, make_parser
from gm_pose.cli.look import _write_sheet as write_sheet
from gm_pose.cli.look import look
from gm_pose.cli.picture_run import read_drawable_config
from gm_pose.looks.index_page import Entry
from gm_pose.looks.predicted_samples import measure_oks, open_validation
from gm_pose.looks.training_samples import open_training
from gm_pose.runs.user_errors import UserError


@pytest.fixture(scope='module')
def run(demo_on_five_people, tmp_path_factory):
    """Folder with the config and checkpoint of an untrained demo model."""
    folder = tmp_path_factory.mktemp('look')
    cfg = Config.fromfile(demo_on_five_people)
    cfg.dump(folder / 'demo.py')
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
    return folder


def parse(*words):
    return make_parser('look').parse_args([str(word) for word in words])


class RecordBatchHook(Hook):
    """Keeps what the first iteration's model is given."""

    priority = 'VERY_LOW'
    seen = None

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        data = runner.model.data_preprocessor(data_batch, training=True)
        type(self).seen = (
            data['inputs'].numpy().copy(),
            [s.gt_fields.heatmaps.numpy().copy() for s in data['data_samples']],
            [
                s.gt_instance_labels.keypoint_weights.numpy().reshape(-1)
                for s in data['data_samples']
            ],
        )


@pytest.mark.parametrize('fast', [True, False])
def test_crops_are_those_that_training_sees(
    run, fast, tmp_path, configs_are_not_formatted
):
    """The first batch of a real run with the same seed: pixels, targets and weights."""
    if 'RecordBatchHook' not in HOOKS.module_dict:
        HOOKS.register_module(module=RecordBatchHook)
    config = tmp_path / 'record.py'
    config.write_text(
        f"_base_ = ['{run / 'demo.py'}']\n"
        "custom_hooks = [dict(type='RecordBatchHook')]\n"
        'randomness = dict(seed=3)\n'
        'train_cfg = dict(max_epochs=1)\n'
        'train_dataloader = dict(num_workers=0, persistent_workers=False)\n'
        f'fast_lane = {"dict()" if fast else "None"}\n'
    )
    main(['train', str(config), '--work-dir', str(tmp_path / 'run'), '--no-validate'])
    pixels, heatmaps, weights = RecordBatchHook.seen

    cfg = Config.fromfile(config)
    mean, std = cfg.model.data_preprocessor.mean, cfg.model.data_preprocessor.std
    setup, people = open_training(cfg, seed=3)
    assert setup.source.startswith('the fast lane' if fast else "MMPose's pipeline")
    people = [next(people) for _ in range(len(heatmaps))]
    assert len(people) == 2
    for n, person in enumerate(people):
        assert (person.heatmaps == heatmaps[n]).all()
        assert (person.weights == weights[n]).all()
        rgb = person.image[..., ::-1].astype(np.float32)
        expected = (rgb - np.float32(mean)) / np.float32(std)
        np.testing.assert_allclose(
            pixels[n].transpose(1, 2, 0), expected, atol=1e-5, rtol=0
        )


def test_a_sheet_a_person_and_an_index(run, tmp_path, capsys):
    page = look(parse(run / 'demo.py', '--out', tmp_path / 'a', '--num-people', 2))
    text = page.read_text()
    sheets = sorted(tmp_path.glob('a/*.png'))
    assert len(sheets) == 2
    for sheet in sheets:
        assert f'src="{sheet.name}"' in text
        assert cv2.imread(str(sheet)).std() > 10
    out = capsys.readouterr().out
    assert 'crops: the fast lane' in out
    assert f'2 sheets; open {page}' in out


def test_sigmas_that_do_not_fit_are_said(run, tmp_path, capsys):
    words = [
        '--num-people',
        1,
        '--out',
        tmp_path / 'b',
        '--cfg-options',
        'codec.sigmas=0.6',
    ]
    page = look(parse(run / 'demo.py', *words))
    assert 'sigma 0.60 cells: between cells its peak is 0.50' in capsys.readouterr().out
    assert page.read_text().count('<span class="kind">narrow</span>') == 17


class ShiftedModel:
    """Answers with the truth, 3 px right and 4 px down."""

    def test_step(self, data):
        results = []
        for sample in data['data_samples']:
            sample = sample.clone()
            sample.pred_instances = sample.gt_instances.clone()
            shifted = sample.gt_instances.keypoints + np.array([3.0, 4.0])
            sample.pred_instances.keypoints = shifted
            sample.pred_fields = sample.gt_fields.clone()
            results.append(sample)
        return results


def test_errors_are_in_px_of_the_image_and_oks_is_cocos(run):
    cfg = read_drawable_config(str(run / 'demo.py'))
    _, pairs = open_validation(cfg, ShiftedModel(), 3)
    pairs = list(pairs)
    assert len(pairs) == 3
    for person, prediction in pairs:
        errors = prediction.errors_px
        assert (np.isnan(errors) == ~person.labelled).all()
        np.testing.assert_allclose(errors[person.labelled], 5.0, rtol=1e-6)
        moved = prediction.joints_px - person.joints_px
        scale = moved[person.labelled] / [3.0, 4.0]  # crop px per image px
        np.testing.assert_allclose(scale, scale.mean(), rtol=1e-4)
        assert (prediction.heatmaps == person.heatmaps).all()
    oks = pairs[0][1].joint_oks[0]  # of the nose
    assert 0 < oks < measure_oks(np.array([5.0]), np.array([0.107]), 1e5)[0]


def test_predictions_have_a_page_with_errors(run, tmp_path, capsys):
    words = ['--checkpoint', run / 'model.pth', '--device', 'cpu', '--num-people', 2]
    page = look(parse(run / 'demo.py', '--out', tmp_path / 'c', *words))
    assert re.search(r'OKS \d\.\d\d.*, [\d.]+ px off', page.read_text())
    assert re.search(r'mean OKS \d\.\d+, median error', capsys.readouterr().out)
    assert len(list(tmp_path.glob('c/*.png'))) == 2


@pytest.mark.parametrize(
    ('config', 'words', 'message'),
    [
        ('none.py', [], r'none\.py does not exist'),
        ('demo.py', ['--num-people', 0], r'--num-people is 0'),
        ('demo.py', ['--checkpoint', 'none.pth'], r'none\.pth does not exist'),
        ('untrained.py', [], r'untrained\.py has no train_dataloader'),
        ('headless.py', [], r'headless\.py is not a top-down heatmap'),
    ],
)
def test_mistakes_are_user_errors(run, tmp_path, config, words, message):
    (run / 'untrained.py').write_text("_base_ = ['demo.py']\ntrain_dataloader = None\n")
    (run / 'headless.py').write_text("_base_ = ['demo.py']\nmodel = None\n")
    with pytest.raises(UserError, match=message):
        look(parse(run / config, '--out', tmp_path / 'd', *words))
    assert not Path(tmp_path / 'd').exists()


def test_nobody_to_draw_names_the_annotations(run, tmp_path):
    path = tmp_path / 'empty.json'
    categories = [dict(id=1, name='person')]
    path.write_text(json.dumps(dict(images=[], annotations=[], categories=categories)))
    option = f'train_dataloader.dataset.ann_file={path}'
    with pytest.raises(UserError, match=r'empty\.json: no sample .* labelled joint'):
        look(parse(run / 'demo.py', '--out', tmp_path / 'e', '--cfg-options', option))


def test_sheets_of_one_name_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(
        'gm_pose.looks.sheets.draw_training_sheet',
        lambda *_: np.zeros((2, 2, 3), np.uint8),
    )
    person = SimpleNamespace(image_path=f'a/{"x" * 250}.jpg', id=None)
    entry = Entry(person, '', [])
    first = write_sheet(entry, None, tmp_path, set()).sheet
    second = write_sheet(entry, None, tmp_path, {first}).sheet
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first, second])
