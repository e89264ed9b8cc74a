from types import SimpleNamespace

import numpy as np
import torch
from mmengine.registry import HOOKS


def draw(seed, epoch):
    hook = HOOKS.build(dict(type='EpochSeedHook'))
    hook.before_train_epoch(SimpleNamespace(seed=seed, epoch=epoch))
    # MMPose's transforms draw from numpy's global generator
    return np.random.rand(), torch.rand(1).item()  # noqa: NPY002


def test_random_numbers_depend_on_seed_and_epoch_alone():
    first = draw(0, 3)
    torch.rand(100)  # what a variant's own parts may draw
    assert draw(0, 3) == first
    assert len({first, draw(0, 4), draw(1, 3), draw(1, 4)}) == 4
