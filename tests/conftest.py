"""Imports gm_pose before any test imports mmpose: it puts the stand-ins in."""

import pytest
import torch
from mmengine.registry import init_default_scope

import gm_pose  # noqa: F401

# The tests' maps are small: threads would only fight over the cores with the data
# loaders and child processes that some of them start.
torch.set_num_threads(1)

# PyTorch decides at the first backward pass of a process whether its forked children may
# have one. Here nothing can have registered a device yet; later a test may have, and tests
# that fork a training would fail, depending on their order.
torch.zeros(1, requires_grad=True).sum().backward()


@pytest.fixture(autouse=True)
def _default_scope():
    """Where configs look for their parts: a test may have left MMDetection's scope."""
    init_default_scope('mmpose')
