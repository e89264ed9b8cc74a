"""Compiled parts: same weights, same names, same results; or none, with a warning."""

import copy
import logging

import pytest
import torch
from fast_runs import copy_weights, make_runner
from torch import nn

from gm_pose.fast_lane.hooks import compile_hook
from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file


class Doubler(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.full((), 2.0))

    def forward(self, x):
        return x * self.scale


@pytest.fixture
def traced(monkeypatch):
    """`torch.compile` with a backend that counts graphs and runs them as they are."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    own = torch.compile
    monkeypatch.setattr(
        torch, 'compile', lambda function, mode: own(function, backend=backend)
    )
    torch._dynamo.reset()
    return graphs


def test_module_keeps_its_state_and_copies_use_their_own(traced):
    module = Doubler()
    compile_hook.compile_forward(module, 'default', logging.getLogger())
    assert list(module.state_dict()) == ['scale']
    assert module(torch.ones(2)).tolist() == [2, 2]
    assert len(traced) == 1
    twin = copy.deepcopy(module)
    with torch.no_grad():
        twin.scale.fill_(3)
    assert twin(torch.ones(2)).tolist() == [3, 3]
    assert module(torch.ones(2)).tolist() == [2, 2]


def test_modes_with_cuda_graphs_compile_training_alone(traced):
    for mode, expected in (('reduce-overhead', 0), ('default', 1)):
        traced.clear()
        torch._dynamo.reset()
        module = Doubler().eval()
        compile_hook.compile_forward(module, mode, logging.getLogger())
        module(torch.ones(2))
        assert len(traced) == expected
    module.train()(torch.ones(2))


def test_compiler_that_fails_is_reported_once_and_not_used(monkeypatch, caplog):
    def backend(graph, inputs):
        raise RuntimeError('no such kernel')

    own = torch.compile
    monkeypatch.setattr(
        torch, 'compile', lambda function, mode: own(function, backend=backend)
    )
    torch._dynamo.reset()
    module = Doubler()
    compile_hook.compile_forward(module, 'default', logging.getLogger('a run'))
    for _ in range(3):
        assert module(torch.ones(2)).tolist() == [2, 2]
    texts = [record.getMessage() for record in caplog.records if record.name == 'a run']
    assert len(texts) == 1
    assert texts[0].startswith('Doubler is not compiled: ')
    assert 'no such kernel' in texts[0]


def test_run_without_a_compiler_goes_on_with_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(compile_hook.shutil, 'which', lambda name: None)
    runner = make_runner(tmp_path, dict(type='CompileHook'), dataset=dict(iterations=1))
    runner.train()
    text = next(tmp_path.glob('*/*.log')).read_text()
    assert 'CompileHook compiles nothing: a C++ compiler is missing' in text


def test_backbone_and_head_are_compiled_and_checkpoints_are_the_same(tmp_path, traced):
    weights, names = [], []
    for hooks in ((), (dict(type='CompileHook'),)):
        work_dir = tmp_path / str(len(hooks))
        runner = make_runner(work_dir, *hooks, dataset=dict(iterations=2))
        runner.train()
        weights.append(copy_weights(runner))
        checkpoint = load_checkpoint_file(str(work_dir / 'epoch_1.pth'))
        names.append(list(checkpoint['state_dict']))
        assert (len(traced) > 0) == bool(hooks)
    assert names[0] == names[1]
    for one, other in zip(*weights, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.slow
def test_inductors_own_code_gives_the_same_training(tmp_path):
    weights = []
    for hooks in ((), (dict(type='CompileHook'),)):
        torch._dynamo.reset()
        runner = make_runner(
            tmp_path / str(len(hooks)), *hooks, dataset=dict(iterations=2)
        )
        runner.train()
        weights.append(copy_weights(runner))
    for one, other in zip(*weights, strict=True):
        # Adam's first steps are +-lr whatever the gradient: 0.01 each; rounding shows
        # where a gradient is all but zero, and nowhere here
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode is 'fast'; expected one of default, "):
        compile_hook.CompileHook('fast')
