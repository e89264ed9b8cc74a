from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmpose.datasets.transforms import GenerateTarget
from mmpose.registry import HOOKS

from studies.variants.sigma_annealing_hook import compute_factor


def make_runner(encoder, num_workers=0, epoch=0):
    dataset = SimpleNamespace(
        pipeline=SimpleNamespace(transforms=[GenerateTarget(encoder=encoder)])
    )
    return SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset, num_workers=num_workers),
        epoch=epoch,
        max_epochs=9,
        logger=MMLogger.get_instance('annealing'),
    )


def make_encoder(sigmas, **options):
    return dict(
        type='JointAdaptiveMSRAHeatmap',
        input_size=(96, 128),
        heatmap_size=(48, 64),
        sigmas=sigmas,
        unbiased=True,
        **options,
    )


def test_factor_by_hand():
    # 9 epochs, two thirds: 6 steps from 2 to 1
    factors = [compute_factor(epoch, 9, 2.0, 2 / 3) for epoch in range(9)]
    expected = [2, 11 / 6, 10 / 6, 9 / 6, 8 / 6, 7 / 6, 1, 1, 1]
    np.testing.assert_allclose(factors, expected, rtol=1e-12)


@pytest.mark.parametrize('sigmas', [2.0, 'set1'])
def test_targets_are_wide_first_and_the_tables_own_last(sigmas):
    hook = HOOKS.build(dict(type='SigmaAnnealingHook', start=2.0, fraction=2 / 3))
    runner = make_runner(make_encoder(sigmas, balance_weights=True))
    target = runner.train_dataloader.dataset.pipeline.transforms[0]
    final = target.encoder
    joints = np.full((1, 17, 2), 40.3, dtype=np.float32)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    np.testing.assert_allclose(target.encoder.sigmas_cells, 2 * final.sigmas_cells)
    np.testing.assert_allclose(
        target.encoder.encode(joints)['keypoint_weights'],
        final.encode(joints)['keypoint_weights'],
        rtol=1e-6,
    )
    runner.epoch = 6
    hook.before_train_epoch(runner)
    np.testing.assert_array_equal(
        target.encoder.encode(joints)['heatmaps'], final.encode(joints)['heatmaps']
    )


def test_error_texts():
    with pytest.raises(ValueError, match='start must be above 0, got 0'):
        HOOKS.build(dict(type='SigmaAnnealingHook', start=0))
    with pytest.raises(ValueError, match=r'fraction must be in \(0, 1\], got 2'):
        HOOKS.build(dict(type='SigmaAnnealingHook', fraction=2))
    hook = HOOKS.build(dict(type='SigmaAnnealingHook'))
    with pytest.raises(ValueError, match='num_workers=0, got 2'):
        hook.before_train(make_runner(make_encoder(2.0), num_workers=2))
    stock = dict(
        type='MSRAHeatmap', input_size=(96, 128), heatmap_size=(48, 64), sigma=2
    )
    with pytest.raises(ValueError, match='needs one GenerateTarget with per-joint'):
        hook.before_train(make_runner(stock))
