"""Checkpoints of a real MMEngine training load safely; damaged files are named."""

import http.client
import re
import urllib.error

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModel
from mmengine.optim import scheduler as schedulers
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner, load_checkpoint
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from gm_pose.runs.host.checkpoints.safe_loading import (
    DownloadError,
    load_checkpoint_file,
    load_url,
)


class _Line(BaseModel):
    """y = a x + b, fitted to y = 2 x."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(1, 1)

    def forward(self, x, mode='tensor'):
        y = self.linear(x)
        return {'loss': (y - 2 * x).square().mean()} if mode == 'loss' else y


class _Numbers(BaseDataset):
    """Four numbers, with the metainfo of a pose data set: arrays among plain values."""

    METAINFO = {
        'dataset_name': 'numbers',
        'sigmas': np.array([0.025, 0.107], dtype=np.float32),
        'flip_indices': [1, 0],
        'keypoint_colors': np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint8),
        'skeleton_link_colors': np.array([], dtype=np.uint8),
        'big_endian': np.array([1.5, 2.5], dtype='>f8'),
        'by_column': np.asfortranarray(np.arange(6).reshape(2, 3)),
        'names': np.array(['left', 'right']),
        'links': ((0, np.float32(0.5)), (1, np.int64(7))),
    }

    def load_data_list(self):
        return [{'x': float(i)} for i in range(4)]

    def __getitem__(self, index):
        return {'x': torch.tensor([float(index)])}


@pytest.fixture(scope='module', autouse=True)
def _registered():
    MODELS.register_module(name='LineForTest', module=_Line)
    DATASETS.register_module(name='NumbersForTest', module=_Numbers)
    yield
    MODELS.module_dict.pop('LineForTest')
    DATASETS.module_dict.pop('NumbersForTest')


def make_runner(work_dir, max_iters=2, **options):
    return Runner(
        model={'type': 'LineForTest'},
        work_dir=str(work_dir),
        train_dataloader={
            'batch_size': 2,
            'num_workers': 0,
            'collate_fn': {'type': 'default_collate'},
            'sampler': {'type': 'InfiniteSampler', 'shuffle': False},
            'dataset': {'type': 'NumbersForTest'},
        },
        train_cfg={'type': 'IterBasedTrainLoop', 'max_iters': max_iters},
        optim_wrapper={'optimizer': {'type': 'Adam', 'lr': 0.1}},
        param_scheduler=options.pop(
            'param_scheduler',
            {'type': 'MultiStepLR', 'milestones': [1], 'by_epoch': False},
        ),
        default_hooks={
            'checkpoint': {'type': 'CheckpointHook', 'interval': 2, 'by_epoch': False}
        },
        randomness={'seed': 0},
        default_scope='mmengine',
        experiment_name=f'toy_{work_dir.name}_{id(options)}',
        **options,
    )


@pytest.fixture(scope='module')
def trained(tmp_path_factory, _registered):
    """A runner after two iterations, and the checkpoint that it wrote."""
    work_dir = tmp_path_factory.mktemp('trained')
    runner = make_runner(work_dir)
    runner.message_hub.update_info('best_score', np.float64(0.25))
    runner.train()
    return runner, work_dir / 'iter_2.pth'


def test_training_checkpoint_loads_whole(trained):
    runner, path = trained
    checkpoint = load_checkpoint_file(str(path))
    meta = checkpoint['meta']['dataset_meta']
    assert meta.keys() == _Numbers.METAINFO.keys()
    for key, value in _Numbers.METAINFO.items():
        if isinstance(value, np.ndarray):
            assert type(meta[key]) is np.ndarray
            assert meta[key].dtype == value.dtype
            assert meta[key].flags.f_contiguous == value.flags.f_contiguous
            np.testing.assert_array_equal(meta[key], value)
        else:
            assert meta[key] == value
    assert type(meta['links'][0][1]) is np.float32
    buffers = checkpoint['message_hub']['log_scalars']
    assert type(buffers['train/loss']) is HistoryBuffer
    for key, buffer in buffers.items():
        expected = runner.message_hub.log_scalars[key].data
        for histories in zip(buffer.data, expected, strict=True):
            np.testing.assert_array_equal(*histories)
    assert buffers['train/loss'].statistics('mean') == pytest.approx(
        runner.message_hub.get_scalar('train/loss').mean(), rel=0, abs=0
    )
    assert checkpoint['message_hub']['runtime_info']['best_score'] == 0.25
    for key, tensor in runner.model.state_dict().items():
        assert torch.equal(checkpoint['state_dict'][key], tensor)
    assert checkpoint['optimizer']['state'][0]['step'] == 2


def test_load_checkpoint_of_mmengine_takes_it(trained):
    runner, path = trained
    model = _Line()
    load_checkpoint(model, str(path), strict=True)
    assert torch.equal(model.linear.weight, runner.model.linear.weight)


def test_resume_goes_on_where_it_stopped(trained, tmp_path, caplog):
    whole = make_runner(tmp_path / 'whole', max_iters=4)
    whole.train()
    resumed = make_runner(
        tmp_path / 'resumed', max_iters=4, resume=True, load_from=str(trained[1])
    )
    resumed.load_or_resume()
    assert resumed.iter == 2
    losses = resumed.message_hub.get_scalar('train/loss').data[0]
    assert len(losses) == 2
    resumed.train()
    assert len(resumed.message_hub.get_scalar('train/loss').data[0]) == 4
    # the metainfo compares equal byte for byte, so MMEngine has nothing to warn about
    assert 'dataset metainfo from the resumed checkpoint' not in caplog.text
    # the sampler starts anew, so the loss is near, not equal
    assert torch.allclose(
        resumed.model.linear.weight, whole.model.linear.weight, atol=0.05
    )


def test_load_from_takes_the_weights_only(trained, tmp_path):
    runner = make_runner(tmp_path, load_from=str(trained[1]))
    runner.load_or_resume()
    assert runner.iter == 0
    assert torch.equal(runner.model.linear.weight, trained[0].model.linear.weight)


SCHEDULERS = {
    'ConstantLR': {},
    'CosineAnnealingLR': {'T_max': 5},
    'CosineRestartLR': {'periods': [2], 'restart_weights': [1], 'eta_min': 0.0},
    'ExponentialLR': {'gamma': 0.9},
    'LinearLR': {},
    'MultiStepLR': {'milestones': [1]},
    'OneCycleLR': {'eta_max': 1.0, 'total_steps': 10},
    'PolyLR': {},
    'ReduceOnPlateauLR': {'monitor': 'loss'},
    'StepLR': {'step_size': 2},
}


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', SCHEDULERS)
def test_state_of_every_scheduler_loads(name, tmp_path):
    optimizer = torch.optim.SGD(
        [torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9
    )
    build = getattr(schedulers, name)
    state = build(optimizer, **SCHEDULERS[name]).state_dict()
    torch.save({'param_schedulers': [state]}, tmp_path / 'state.pth')
    assert (
        load_checkpoint_file(str(tmp_path / 'state.pth'))['param_schedulers'][0]
        == state
    )


def list_registered_schedulers() -> list[str]:
    """Types that a config may name: those of learning rates and of momenta."""
    names = [name for name in schedulers.__all__ if name.endswith(('LR', 'Momentum'))]
    return [*names, 'mmpose.QuadraticWarmupLR', 'mmpose.QuadraticWarmupMomentum']


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', list_registered_schedulers())
def test_every_scheduler_goes_on_in_a_resumed_run(name, tmp_path):
    bare = name.removeprefix('mmpose.').replace('Momentum', 'LR')
    arguments = dict(SCHEDULERS.get(bare, {'end': 6}), type=name)
    if bare != 'ReduceOnPlateauLR':  # steps where a validation measures, so never here
        arguments['by_epoch'] = False
    whole = make_runner(tmp_path / 'whole', max_iters=4, param_scheduler=arguments)
    whole.train()
    resumed = make_runner(
        tmp_path / 'resumed',
        max_iters=4,
        param_scheduler=arguments,
        resume=True,
        load_from=str(tmp_path / 'whole' / 'iter_2.pth'),
    )
    resumed.train()
    found, wanted = (
        run.optim_wrapper.optimizer.param_groups[0] for run in (resumed, whole)
    )
    for key in ('lr', 'betas'):
        assert found[key] == wanted[key]
    found, wanted = (run.param_schedulers[0].state_dict() for run in (resumed, whole))
    assert found == wanted


OPTIMIZERS = ['SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad', 'LBFGS', 'RAdam', 'NAdam']


@pytest.mark.parametrize('name', OPTIMIZERS)
def test_state_of_optimizers_loads(name, tmp_path):
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = getattr(torch.optim, name)([weight], lr=0.1)

    def compute_loss():
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(compute_loss)
    torch.save(optimizer.state_dict(), tmp_path / 'state.pth')
    loaded = load_checkpoint_file(str(tmp_path / 'state.pth'))
    assert loaded['param_groups'] == optimizer.state_dict()['param_groups']
    assert loaded['state'].keys() == optimizer.state_dict()['state'].keys()


@pytest.mark.parametrize('is_zip', [True, False])
def test_plain_state_dict_loads(is_zip, tmp_path):
    weights = {
        'a': torch.arange(6.0).view(2, 3).t(),
        'b': torch.nn.Parameter(torch.ones(2)),
    }
    path = tmp_path / 'weights.pth'
    torch.save(weights, path, _use_new_zipfile_serialization=is_zip)
    loaded = load_checkpoint_file(str(path), 'cpu')
    assert all(torch.equal(loaded[key], weights[key]) for key in weights)


def test_shared_and_nested_containers_keep_their_shape(tmp_path):
    array = np.ones(3)
    shared = [array, (array, {'deep': array})]
    path = tmp_path / 'shared.pth'
    torch.save({'first': shared, 'second': shared}, path)
    loaded = load_checkpoint_file(str(path))
    assert loaded['first'] is loaded['second']
    assert loaded['first'][1][1]['deep'] is loaded['first'][0]


def test_checkpoint_of_the_other_numpy_loads(tmp_path):
    """numpy 1 calls its module numpy.core, numpy 2 numpy._core."""
    path = tmp_path / 'array.pth'
    torch.save(
        {'a': np.ones(2), 's': np.float64(3)},
        path,
        _use_new_zipfile_serialization=False,
    )
    content = path.read_bytes()
    here, there = b'numpy.core.', b'numpy._core.'
    if there in content:
        here, there = there, here
    assert here in content
    path.write_bytes(content.replace(here, there))
    loaded = load_checkpoint_file(str(path))
    np.testing.assert_array_equal(loaded['a'], np.ones(2))
    assert loaded['s'] == 3


def test_python_text_of_mmcv_1_is_dropped(tmp_path):
    """Runner.resume executes it."""
    path = tmp_path / 'old.pth'
    torch.save({'meta': {'config': 'import os', 'epoch': 3}, 'state_dict': {}}, path)
    assert load_checkpoint_file(str(path))['meta'] == {'epoch': 3}


def test_paths_that_resuming_would_delete_are_dropped(tmp_path):
    """CheckpointHook removes the former best checkpoint, and rmtree's a folder."""
    info = {
        'best_ckpt': '/home/somebody',
        'best_ckpt_coco/AP': 'work_dirs/best_coco_AP_epoch_3.pth',
        'best_ckpt_coco/AR': '/home/somebody/best_x.pth/..',
        'best_ckpt_PCK': None,
        'best_score': 0.5,
        'keep_ckpt_ids': [1, '/../../thesis'],
    }
    path = tmp_path / 'deletes.pth'
    torch.save({'message_hub': {'runtime_info': info}}, path)
    assert load_checkpoint_file(str(path))['message_hub']['runtime_info'] == {
        'best_ckpt_coco/AP': 'work_dirs/best_coco_AP_epoch_3.pth',
        'best_ckpt_PCK': None,
        'best_score': 0.5,
    }


@pytest.mark.parametrize(
    'content', [[1], {'meta': 3}, {'message_hub': {}}, torch.ones(1)]
)
def test_file_of_another_layout_loads_as_it_is(content, tmp_path):
    torch.save(content, tmp_path / 'other.pth')
    assert load_checkpoint_file(str(tmp_path / 'other.pth')) == content


def test_safe_globals_of_others_are_left_as_they_were(tmp_path):
    path = tmp_path / 'array.pth'
    torch.save({'a': np.ones(2)}, path)
    own = [np.ndarray, (np.dtype, 'numpy.dtype')]
    with torch.serialization.safe_globals(own):
        before = set(torch.serialization.get_safe_globals())
        assert type(load_checkpoint_file(str(path))['a']) is np.ndarray
        assert set(torch.serialization.get_safe_globals()) == before


def test_missing_file_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'nothing\.pth does not exist\. Fix: give'
    ):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'nothing.pth'))
    with pytest.raises(FileNotFoundError, match=r'is a folder\. Fix: give the path of'):
        CheckpointLoader.load_checkpoint(str(tmp_path))


@pytest.mark.parametrize('is_zip', [True, False])
@pytest.mark.parametrize('kept', [0, 2, 0.1, 0.5, 0.9])
def test_truncated_file_is_named(kept, is_zip, tmp_path):
    path = tmp_path / 'half.pth'
    torch.save({'w': torch.zeros(1000)}, path, _use_new_zipfile_serialization=is_zip)
    content = path.read_bytes()
    path.write_bytes(content[: kept if kept >= 2 else int(kept * len(content))])
    with pytest.raises(
        ValueError, match=r'half\.pth is damaged or is no PyTorch'
    ) as info:
        load_checkpoint_file(str(path))
    assert '\n' not in str(info.value)
    assert 'weights_only' not in str(info.value)


@pytest.mark.parametrize(
    'content', [b'<html>404 Not Found</html>', b'\x80\x05}.', b'PK']
)
def test_other_files_are_named(content, tmp_path):
    path = tmp_path / 'page.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'page\.pth is damaged or is no PyTorch'):
        load_checkpoint_file(str(path))


def test_missing_device_is_not_called_damage(trained):
    if torch.cuda.is_available():
        pytest.skip('needs a machine without CUDA')
    with pytest.raises(RuntimeError, match='CUDA'):
        load_checkpoint_file(str(trained[1]), 'cuda')


def test_url_is_read_from_the_cache_and_safely(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    (tmp_path / 'checkpoints').mkdir()
    torch.save({'w': torch.ones(1)}, tmp_path / 'checkpoints' / 'net-12345678.pth')
    loaded = mmengine_checkpoint.load_from_http(
        'https://nowhere.invalid/net-12345678.pth'
    )
    assert loaded['w'] == 1
    torch.save(print, tmp_path / 'checkpoints' / 'bad.pth')
    with pytest.raises(ValueError, match=r'bad\.pth was refused: it carries .*print'):
        mmengine_checkpoint.load_from_http('https://nowhere.invalid/bad.pth')


def test_failed_download_says_where_to_put_the_file(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise urllib.error.URLError('Name or service not known')

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    with pytest.raises(
        OSError, match=r'resnet50-\w+\.pth could not be downl.*init_cfg'
    ) as info:
        CheckpointLoader.load_checkpoint('torchvision://resnet50')
    assert f'put the file at {tmp_path}' in str(info.value)


@pytest.mark.parametrize(
    'failure',
    [
        RuntimeError('invalid hash value (expected "0676ba61", got "deadbeef")'),
        http.client.IncompleteRead(b'', 10),
        http.client.RemoteDisconnected('closed without response'),
        ValueError("unknown url type: 'weights.pth'"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_every_failed_download_is_told(failure, monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        raise failure

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    text = (
        rf'weights\.pth could not be downl.*put the file at {re.escape(str(tmp_path))}'
    )
    with pytest.raises(DownloadError, match=text) as info:
        load_url('https://example.org/weights.pth', model_dir=str(tmp_path))
    assert str(failure) in str(info.value)
    assert info.value.__cause__ is failure


def test_torchscript_program_is_refused(tmp_path):
    path = tmp_path / 'script.pth'
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), path)
    with pytest.raises(
        ValueError, match=r'script\.pth (was refused|is damaged).*TorchScript'
    ):
        load_checkpoint_file(str(path))
