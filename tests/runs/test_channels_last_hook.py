"""The layout changes, the results do not."""

from types import SimpleNamespace

import torch
from mmpose.registry import HOOKS
from torch import nn

import gm_pose  # noqa: F401


def make_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3))


def test_layout_changes_in_place_and_outputs_agree():
    model, plain = make_model(), make_model()
    weight = model[2].weight
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    hook = HOOKS.build(dict(type='ChannelsLastHook'))
    wrapper = SimpleNamespace(optimizer=optimizer)
    hook.before_train(SimpleNamespace(model=model, optim_wrapper=wrapper))

    assert model[2].weight is weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not plain[2].weight.is_contiguous(memory_format=torch.channels_last)
    inputs = torch.randn(2, 3, 9, 7)
    outputs = model(inputs)
    assert outputs.shape == plain(inputs).shape
    # float32 sums of 72 products of order 0.1 in another order: 72 * 6e-8 * 0.1 < 1e-6,
    # with room for the normalisation in between, which divides by about 0.5.
    torch.testing.assert_close(outputs, plain(inputs), rtol=0, atol=1e-5)
    before = weight.detach().clone()
    outputs.sum().backward()
    optimizer.step()
    assert not torch.equal(weight, before)
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_moments_of_a_resumed_run_get_the_layout_of_their_weights():
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, fused=True)
    model(torch.randn(2, 3, 9, 7)).sum().backward()
    optimizer.step()
    weight = model[2].weight
    before = optimizer.state[weight]['exp_avg'].clone()
    wrapper = SimpleNamespace(optimizer=optimizer)
    hook = HOOKS.build(dict(type='ChannelsLastHook'))
    hook.before_train(SimpleNamespace(model=model, optim_wrapper=wrapper))

    moment = optimizer.state[weight]['exp_avg']
    assert torch.equal(moment, before)
    assert moment.stride() == weight.stride() != before.stride()
    model(torch.randn(2, 3, 9, 7)).sum().backward()
    optimizer.step()
