"""Runs that are killed with SIGKILL and resumed end with the uninterrupted weights."""

import signal

import pytest
import torch
from mmengine.config import Config
from tiny_runs import NO_VALIDATION, hash_weights

pytestmark = pytest.mark.slow

NO_WORKERS = 'train_dataloader.update(num_workers=0, persistent_workers=False)\n'
EMA = """
custom_hooks.append(dict(type='EMAHook', momentum=0.1))
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=1e-3),
                     accumulative_counts=4)
"""
AMP = """
optim_wrapper = dict(type='CpuAmpOptimWrapper', accumulative_counts=2)
"""
ONE_CYCLE = """
param_scheduler = [
    dict(type='OneCycleLR', eta_max=1e-3, total_steps=18, by_epoch=False,
         anneal_strategy='linear'),
    dict(type='CosineAnnealingMomentum', T_max=18, by_epoch=False),
]
"""
BY_ITERATION = """
default_hooks['checkpoint'].update(by_epoch=False, interval=4)
"""
FAST = 'fast_lane = dict(images="original")\n'
ENDLESS = (
    BY_ITERATION
    + """
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=12)
train_dataloader['sampler'] = dict(type='InfiniteSampler', shuffle=True)
param_scheduler = [dict(type='LinearLR', end=9, by_epoch=False)]
"""
)


def make_configs(write_config, extra: str, where: str, **when):
    """The same run twice: as it is, and killed at a chosen point."""
    hook = dict(type='KillHook', where=where, **when)
    plain = write_config(extra, 'plain.py')
    dying = write_config(f'{extra}\ncustom_hooks.append({hook!r})\n', 'dying.py')
    return plain, dying


def run_both(train_child, tmp_path, plain, dying, final='epoch_3.pth'):
    """Uninterrupted against killed and resumed -> (hash, hash, log of the resumed)."""
    whole = train_child(plain, '--work-dir', tmp_path / 'whole')
    assert whole.code == 0, whole.tail
    killed = train_child(dying, '--work-dir', tmp_path / 'cut')
    assert killed.code == -signal.SIGKILL, killed.tail
    assert not (tmp_path / 'cut' / final).exists()
    resumed = train_child(plain, '--work-dir', tmp_path / 'cut', '--resume')
    assert resumed.code == 0, resumed.tail
    return (
        hash_weights(tmp_path / 'whole' / final),
        hash_weights(tmp_path / 'cut' / final),
        resumed.output,
    )


@pytest.mark.parametrize(
    ('extra', 'where', 'when', 'final'),
    [
        pytest.param(
            'train_cfg.update(val_interval=2)\n',
            'before_val_epoch',
            dict(epoch=2),
            'epoch_3.pth',
            id='before-validation',
        ),
        pytest.param(
            NO_VALIDATION + EMA,
            'after_train_iter',
            dict(iteration=14),
            'epoch_3.pth',
            id='within-an-epoch-ema-adamw-accumulated-gradients',
        ),
        pytest.param(
            NO_VALIDATION + AMP + ONE_CYCLE + BY_ITERATION,
            'after_train_iter',
            dict(iteration=9),
            'iter_18.pth',
            id='loss-scaler-one-cycle-momentum',
        ),
        pytest.param(
            NO_VALIDATION + NO_WORKERS,
            'before_train_epoch',
            dict(epoch=2),
            'epoch_3.pth',
            id='at-an-epochs-end-without-workers',
        ),
        pytest.param(
            NO_VALIDATION + BY_ITERATION,
            'after_train_iter',
            dict(iteration=9),
            'iter_18.pth',
            id='checkpoint-within-an-epoch',
        ),
        pytest.param(
            NO_VALIDATION + ENDLESS,
            'after_train_iter',
            dict(iteration=9),
            'iter_12.pth',
            id='iteration-based',
        ),
        pytest.param(
            FAST,
            'before_val_epoch',
            dict(epoch=2),
            'epoch_3.pth',
            id='fast-lane-before-validation',
        ),
        pytest.param(
            NO_VALIDATION + FAST + BY_ITERATION,
            'after_train_iter',
            dict(iteration=9),
            'iter_18.pth',
            id='fast-lane-within-an-epoch',
        ),
    ],
)
def test_killed_and_resumed_run_ends_with_the_same_weights(
    extra, where, when, final, write_config, train_child, tmp_path
):
    configs = make_configs(write_config, extra, where, **when)
    whole, resumed, log = run_both(train_child, tmp_path, *configs, final)
    assert whole == resumed
    assert 'an exact continuation' in log
    assert ('not validated yet' in log) == (where == 'before_val_epoch')
    assert ('going on after batch 2 of epoch 2' in log) == (final == 'iter_18.pth')


def test_run_killed_in_its_last_validation_makes_up_for_it(
    write_config, train_child, tmp_path
):
    plain, dying = make_configs(
        write_config, "train_cfg['max_epochs'] = 1\n", 'after_val_iter', epoch=1
    )
    killed = train_child(dying, '--work-dir', tmp_path / 'run')
    assert killed.code == -signal.SIGKILL
    assert (tmp_path / 'run' / 'epoch_1.pth').exists()
    assert not list((tmp_path / 'run').glob('best_*.pth'))
    resumed = train_child(plain, '--work-dir', tmp_path / 'run', '--resume')
    assert resumed.code == 0, resumed.tail
    assert list((tmp_path / 'run').glob('best_*_epoch_1.pth'))
    again = train_child(plain, '--work-dir', tmp_path / 'run', '--resume')
    assert again.code == 0, again.tail
    assert 'not validated yet' not in again.output


def test_weights_do_not_depend_on_the_number_of_workers(
    write_config, train_child, tmp_path
):
    hashes = set()
    for workers in (1, 2):
        config = write_config(
            f"{NO_VALIDATION}train_dataloader['num_workers'] = {workers}\n"
            "train_cfg['max_epochs'] = 2\n"
        )
        folder = tmp_path / str(workers)
        assert train_child(config, '--work-dir', folder).code == 0
        hashes.add(hash_weights(folder / 'epoch_2.pth'))
    assert len(hashes) == 1


def test_resume_without_run_defaults_is_not_exact(write_config, train_child, tmp_path):
    """What the run defaults are for: the oracle that the tests above can fail."""
    from gm_pose.runs.launch import run_defaults

    plain, dying = make_configs(
        write_config, NO_VALIDATION, 'before_train_epoch', epoch=2
    )

    def drop_defaults():
        run_defaults.add_run_defaults.__code__ = (lambda cfg: None).__code__

    arguments = ('--work-dir', tmp_path / 'cut')
    whole = train_child(plain, '--work-dir', tmp_path / 'whole', setup=drop_defaults)
    assert whole.code == 0, whole.tail
    assert train_child(dying, *arguments, setup=drop_defaults).code == -signal.SIGKILL
    assert train_child(plain, *arguments, '--resume', setup=drop_defaults).code == 0
    assert hash_weights(tmp_path / 'whole' / 'epoch_3.pth') != hash_weights(
        tmp_path / 'cut' / 'epoch_3.pth'
    )


def test_seed_drawn_by_the_first_run_is_kept(write_config, train_child, tmp_path):
    plain, dying = make_configs(
        write_config,
        NO_VALIDATION + "randomness['seed'] = None\ntrain_cfg['max_epochs'] = 2\n",
        'before_train_epoch',
        epoch=1,
    )
    killed = train_child(dying, '--work-dir', tmp_path / 'run')
    assert killed.code == -signal.SIGKILL
    seed = torch.load(tmp_path / 'run' / 'epoch_1.pth', weights_only=False)['meta'][
        'seed'
    ]
    resumed = train_child(plain, '--work-dir', tmp_path / 'run', '--resume')
    assert resumed.code == 0, resumed.tail
    dumped = Config.fromfile(tmp_path / 'run' / 'plain.py')
    assert dumped.randomness.seed == seed
    assert 'an exact continuation' in resumed.output


def test_changed_conditions_are_named(write_config, train_child, tmp_path):
    plain, dying = make_configs(
        write_config, NO_VALIDATION, 'before_train_epoch', epoch=1
    )
    train_child(dying, '--work-dir', tmp_path / 'run')
    ended = train_child(
        plain,
        '--work-dir',
        tmp_path / 'run',
        '--resume',
        '--cfg-options',
        'train_dataloader.batch_size=3',
        'train_cfg.max_epochs=2',
    )
    assert ended.code == 0, ended.tail
    assert 'not exactly the one it continues: batch size is 3 and was 4' in ended.output


@pytest.mark.parametrize(
    ('first', 'then', 'said'),
    [
        ('--fast', '--no-fast', "is MMPose's pipeline and was the fast lane"),
        ('--no-fast', '--fast', "is the fast lane and was MMPose's pipeline"),
    ],
)
def test_another_lane_is_named(write_config, train_child, tmp_path, first, then, said):
    plain, dying = make_configs(
        write_config, NO_VALIDATION, 'before_train_epoch', epoch=1
    )
    train_child(dying, first, '--work-dir', tmp_path / 'run')
    words = ('--resume', '--cfg-options', 'train_cfg.max_epochs=2')
    ended = train_child(plain, then, '--work-dir', tmp_path / 'run', *words)
    assert ended.code == 0, ended.tail
    assert f'not exactly the one it continues: loading {said}' in ended.output
