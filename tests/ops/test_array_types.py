"""Which library an array belongs to."""

import numpy as np
import torch

from gm_pose.ops.array_types import get_namespace, is_tensor


def test_each_array_has_its_namespace():
    assert is_tensor(torch.zeros(2))
    assert not is_tensor(np.zeros(2))
    assert not is_tensor([1.0])
    assert get_namespace(torch.zeros(2)) is torch
    assert get_namespace(np.zeros(2)) is np
