"""What needs no GPU of the hook that records CUDA graphs; the rest: test_on_device.py."""

import torch
from fast_runs import copy_weights, make_runner
from torch import nn

from gm_pose.fast_lane.hooks.cuda_graph_hook import _choose_by_shape


def test_without_a_gpu_the_run_goes_on_with_a_warning(tmp_path, caplog):
    runner = make_runner(tmp_path / 'graphs', dict(type='CudaGraphHook'))
    runner.logger.addHandler(caplog.handler)
    runner.train()
    if not torch.cuda.is_available():
        assert caplog.text.count('CudaGraphHook records nothing: no CUDA device') == 1
    plain = make_runner(tmp_path / 'plain')
    plain.train()
    for found, expected in zip(copy_weights(runner), copy_weights(plain), strict=True):
        assert torch.equal(found, expected)


def test_other_shapes_and_evaluation_are_not_replayed():
    part = nn.Identity()
    calls = []
    forward = _choose_by_shape(
        lambda *args: calls.append('replay'),
        lambda feats: calls.append('eager'),
        ((torch.zeros(4, 3),),),
    )
    forward((torch.ones(4, 3),))
    forward(feats=(torch.ones(4, 3),))
    forward((torch.ones(2, 3),))
    forward(part)
    with torch.no_grad():
        forward((torch.ones(4, 3),))
    assert calls == ['replay', 'replay', 'eager', 'eager', 'eager']
