"""What MODEL may be, and one clear error for everything else."""

import shutil

import numpy as np
import pytest
import torch

from gm_pose.inference import PoseEstimator
from gm_pose.inference.models import published_models
from gm_pose.inference.models.open_model import open_model
from gm_pose.runs.user_errors import UserError

SMALL = 'td-hm_shufflenetv2_8xb64-210e_coco-256x192'


@pytest.fixture
def change_checkpoint(checkpoint, tmp_path):
    """change_checkpoint(function) -> path of a copy whose content the function changed."""

    def change(function):
        content = torch.load(checkpoint, weights_only=False)
        function(content)
        path = str(tmp_path / 'changed.pth')
        torch.save(content, path)
        return path

    return change


def test_a_checkpoint_alone_is_enough_in_another_folder(
    checkpoint, tmp_path, monkeypatch, estimator
):
    shutil.copy(checkpoint, tmp_path / 'copy.pth')
    monkeypatch.chdir(tmp_path)
    pose = PoseEstimator('copy.pth', device='cpu')
    assert pose.description.joint_names[:2] == ('nose', 'left_eye')
    assert pose.description.oks_sigmas == estimator.description.oks_sigmas
    assert pose.description.oks_sigmas[0] == 0.026
    assert pose.description.flip_indices[:3] == (0, 2, 1)


def test_config_and_weights_give_what_the_checkpoint_gives(
    run_folder, checkpoint, estimator, images
):
    pose = PoseEstimator(str(run_folder / 'tiny.py'), weights=checkpoint, device='cpu')
    found, expected = pose(images[0]), estimator(images[0])
    np.testing.assert_array_equal(found.keypoints_px, expected.keypoints_px)


def test_sigmas_of_a_metainfo_file_travel_as_numbers(change_checkpoint, tmp_path):
    """The file need not exist where the checkpoint is used, and is not executed."""

    def change(content):
        cfg = content['meta']['cfg']
        table = "sigmas=dict(table='set2', mean=1.2)"
        assert cfg.count('table=') > 2
        codec = cfg.replace('mean=1.2, table=', "mean=1.2, oks='/gone/evil.py', old=")
        codec = codec.replace('table=', "oks='/gone/evil.py', old=")
        content['meta']['cfg'] = codec.replace(", old='set2'", '')
        assert table not in content['meta']['cfg']

    opened = open_model(change_checkpoint(change))
    sigmas = opened.settings.model['head']['decoder']['sigmas']
    assert len(sigmas) == 17
    assert np.mean(sigmas) == pytest.approx(1.2)
    assert sigmas[1] < sigmas[11]  # an eye's and a hip's, by their OKS sigmas


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda c: c.pop('meta'), 'holds no config'),
        (lambda c: c['meta'].pop('dataset_meta'), 'holds no dataset metainfo'),
        (lambda c: c['meta'].update(cfg='import os'), 'not executed'),
        (lambda c: c['meta'].update(cfg='model = 3'), 'has no model'),
        (
            lambda c: c['meta'].update(
                cfg='model = dict(head=dict(), backbone=dict())\ntest_dataloader = [1]'
            ),
            'is no config of a model',
        ),
        (
            lambda c: c['meta'].update(
                cfg=c['meta']['cfg'].replace("type='ResNet'", "type='os.system'")
            ),
            r"type='os\.system', which is not registered",
        ),
        (
            lambda c: c['meta'].update(
                cfg=c['meta']['cfg'].replace("'GetBBoxCenterScale'", "'Evil'")
            ),
            'the test pipeline of .* has Evil',
        ),
        (
            lambda c: c['meta']['dataset_meta'].update(flip_indices=[0]),
            'flip_indices has 1 entries; expected 17',
        ),
        (
            lambda c: c['meta']['dataset_meta'].update(keypoint_id2name={5: 'nose'}),
            'metainfo of .* cannot be used',
        ),
        (
            lambda c: c['meta']['dataset_meta'].update(sigmas=[float('nan')] * 17),
            'oks_sigmas has nan; expected numbers >= 0',
        ),
        (lambda c: c.update(state_dict=[1]), 'no dict of weights by name'),
        (lambda c: c.update(state_dict=None), 'no dict of weights by name'),
        (lambda c: c.update(state_dict={1: 2}), 'no dict of weights by name'),
        (
            lambda c: c['state_dict']['head.final_layer.bias'].fill_(float('nan')),
            r'NaN or infinity in 1 weights .head\.final_layer\.bias.*diverged',
        ),
    ],
)
def test_a_wrong_checkpoint_is_one_line_with_a_fix(change_checkpoint, change, message):
    with pytest.raises(UserError, match=f'(?s){message}.*Fix|{message}'):
        PoseEstimator(change_checkpoint(change), device='cpu')


def test_a_checkpoint_of_another_number_of_joints(run_folder, change_checkpoint):
    def drop_a_joint(content):
        weights = content['state_dict']
        for name in ('head.final_layer.weight', 'head.final_layer.bias'):
            weights[name] = weights[name][:16]

    path = change_checkpoint(drop_a_joint)
    with pytest.raises(
        UserError, match="for 16 keypoints and the config's head has 17"
    ):
        PoseEstimator(path, device='cpu')
    with pytest.raises(UserError, match='for 16 keypoints'):
        PoseEstimator(str(run_folder / 'tiny.py'), weights=path, device='cpu')


@pytest.mark.parametrize(
    ('model', 'options', 'message'),
    [
        ('gone.pth', {}, r'gone\.pth does not exist'),
        ('folder/gone.py', {'weights': 'x.pth'}, 'does not exist'),
        ('resnet_no_such', {}, 'is no file and no published model'),
        ('td-hm_res50_8xb64-210e_coco-256x19', {}, 'did you mean td-hm_res50'),
        ('rtmpose-m_8xb256-420e_coco-256x192', {}, 'cannot be decoded'),
    ],
)
def test_a_wrong_model_is_one_line(model, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        PoseEstimator(model, device='cpu', **options)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('model.onnx', r'model\.onnx is exported already\. Fix: .*checkpoint'),
        ('model.txt', r'model\.txt is a file of another kind\. Fix: .*checkpoint'),
    ],
)
def test_a_file_that_is_no_checkpoint_is_not_called_missing(name, message, tmp_path):
    (tmp_path / name).write_text('anything')
    with pytest.raises(UserError, match=message):
        open_model(str(tmp_path / name))


def test_a_folder_is_called_one_and_its_checkpoints_named(tmp_path):
    with pytest.raises(UserError, match=r'is a folder\. Fix: give a checkpoint'):
        open_model(str(tmp_path))
    for name in ('epoch_2.pth', 'best_coco_AP_epoch_1.pth'):
        (tmp_path / name).touch()
    with pytest.raises(
        UserError, match=r'folder, with best_\S+\.pth, epoch_2\.pth in it'
    ):
        open_model(str(tmp_path))


def test_weights_in_doubt_are_refused(run_folder, checkpoint):
    with pytest.raises(UserError, match=r'holds no weights\. Fix: --weights'):
        PoseEstimator(str(run_folder / 'tiny.py'))
    with pytest.raises(UserError, match='is a checkpoint, and --weights names another'):
        PoseEstimator(checkpoint, weights=checkpoint)


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, and a home without downloads."""

    def fail(*_args, **_kwargs):
        raise OSError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    return tmp_path


def test_a_published_model_offline_says_where_to_put_its_weights(offline):
    with pytest.raises(UserError, match=r'no network.*Fix: .*\.cache/mim/td-hm_shuf'):
        PoseEstimator(SMALL, device='cpu')


def test_a_published_model_has_its_sigma_and_our_decoding(offline, images):
    """Weights from where mim puts them, without config or metainfo in the file."""
    from mmengine.config import Config
    from mmpose.registry import MODELS

    published = published_models.find_published('mmpose', SMALL)
    cfg = Config.fromfile(published.config)
    cfg.model.backbone.init_cfg = None
    place = published.list_places()[0]
    place.parent.mkdir(parents=True)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), place)
    pose = PoseEstimator(SMALL, device='cpu')
    decoder = pose._backend.network.model.head.decoder
    assert type(decoder).__name__ == 'JointAdaptiveMSRAHeatmap'
    assert decoder.sigmas_cells.tolist() == [2.0]
    assert decoder.unbiased
    assert pose.description.dataset == 'coco'
    assert pose(images[0]).keypoints_px.shape == (1, 17, 2)
