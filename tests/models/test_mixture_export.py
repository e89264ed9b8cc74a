"""Block and head under torch.compile, torch.export and ONNX, in one model.

`torch.compile` mostly runs with the `aot_eager` backend: it traces forward and backward
as `inductor` does, but needs no C++ compiler at run time. `fullgraph=True` forbids breaks.
"""

import os
import shutil
import sysconfig
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from torch import nn

import gm_pose  # noqa: F401  registers block and head

CONFIGS = Path(__file__).parents[2] / 'configs'


class NeckAndHead(nn.Module):
    """Feature map (B, 24, H, W) -> heatmaps (B, 5, 2 H, 2 W)."""

    def __init__(self, **kwargs):
        super().__init__()
        torch.manual_seed(0)
        self.neck = MODELS.build(
            dict(type='GaussianMixtureBlock', in_channels=24, mid_channels=8, **kwargs)
        )
        self.head = MODELS.build(
            dict(
                type='GaussianMixtureHead',
                in_channels=24,
                out_channels=5,
                deconv_out_channels=(8,),
                deconv_kernel_sizes=(4,),
                **kwargs,
            )
        )
        for parameter in self.parameters():  # away from the identity start
            parameter.data.add_(torch.randn_like(parameter), alpha=0.3)

    def forward(self, x):
        return self.head(self.neck((x,)))


IS_OLDEST = torch.__version__.startswith('2.6.')
OLD_EXPORTER = 'the exporter of PyTorch 2.6 fails with the onnxscript of today'
VARIANTS = [dict(), dict(num_components=1), dict(mixing='uniform')]


def make_feature(batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, 24, 8, 6, generator=generator)


@pytest.mark.parametrize('kwargs', [*VARIANTS, dict(with_cp=True)])
def test_compiled_training_equals_eager(kwargs):
    model = NeckAndHead(**kwargs)
    x = make_feature()
    wanted = model(x)
    wanted.square().mean().backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    torch._dynamo.reset()
    out = torch.compile(model, backend='aot_eager', fullgraph=True)(x)
    out.square().mean().backward()
    # The same kernels in another order of fused sums: float32 roundings only.
    torch.testing.assert_close(out, wanted, rtol=1e-5, atol=1e-5)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        scale = gradient.abs().max().item() + 1e-3
        torch.testing.assert_close(parameter.grad, gradient, rtol=0, atol=1e-4 * scale)


def test_one_compilation_serves_any_batch_and_another_map_follows():
    model = NeckAndHead().eval()
    torch._dynamo.reset()
    graphs = []

    def count_graphs(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(model, backend=count_graphs, fullgraph=True, dynamic=True)
    for batch in (2, 5):
        assert torch.equal(compiled(make_feature(batch)), model(make_feature(batch)))
    assert len(graphs) == 1
    # The smoothing matrices are as large as the map, so another map is another graph.
    x = torch.randn(3, 24, 16, 12)
    assert torch.equal(compiled(x), model(x))


def find_what_inductor_lacks() -> str | None:
    """Why inductor cannot build C++ kernels here, or None."""
    compiler = os.environ.get('CXX', 'g++')
    if shutil.which(compiler) is None:
        return f'inductor needs a C++ compiler, {compiler} was not found'
    header = Path(sysconfig.get_paths()['include'], 'Python.h')
    return None if header.exists() else f'inductor needs {header}'


@pytest.mark.slow
def test_inductors_kernels_agree_with_eager():
    reason = find_what_inductor_lacks()
    if reason is not None:
        pytest.skip(reason)
    model = NeckAndHead().eval()
    torch._dynamo.reset()
    compiled = torch.compile(model, backend='inductor', fullgraph=True, dynamic=True)
    with torch.no_grad():
        for batch in (2, 5):
            x = make_feature(batch)
            # Fused kernels add up in another order: float32 roundings only.
            torch.testing.assert_close(compiled(x), model(x), rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(IS_OLDEST, reason='its export bounds the largest batch')
@pytest.mark.parametrize('kwargs', [dict(), dict(with_cp=True)])
def test_exported_program_takes_any_batch(kwargs):
    model = NeckAndHead(**kwargs).eval()
    batch = torch.export.Dim('batch', min=2)
    program = torch.export.export(
        model, (make_feature(),), dynamic_shapes=({0: batch},)
    )
    x = make_feature(batch=5)
    torch.testing.assert_close(program.module()(x), model(x), rtol=1e-5, atol=1e-5)


def run_onnx(path, x: torch.Tensor) -> np.ndarray:
    runtime = pytest.importorskip('onnxruntime')
    session = runtime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]


@pytest.mark.parametrize(
    ('kwargs', 'dynamo'),
    [
        *[(kwargs, False) for kwargs in VARIANTS],
        (dict(), True),
        (dict(with_cp=True), True),
    ],
)
def test_onnx_agrees_within_1e_4(tmp_path, kwargs, dynamo):
    """Both of PyTorch's exporters: deployment tools still use the older one."""
    pytest.importorskip('onnxscript' if dynamo else 'onnx')
    if dynamo and IS_OLDEST:
        pytest.skip(OLD_EXPORTER)
    model = NeckAndHead(**kwargs).eval()
    x = make_feature()
    path = str(tmp_path / 'model.onnx')
    torch.onnx.export(model, (x,), path, dynamo=dynamo)
    wanted = model(x).detach().numpy()
    assert np.abs(run_onnx(path, x) - wanted).max() <= 1e-4 * np.abs(wanted).max()


class Network(nn.Module):
    """An MMPose estimator as a function of the images alone."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model(images, None)


@pytest.mark.slow
def test_whole_model_agrees_in_onnx_within_1e_4(tmp_path):
    """The shipped model with ResNet-18: the same operations, a third of the nodes."""
    pytest.importorskip('onnxscript')
    if IS_OLDEST:
        pytest.skip(OLD_EXPORTER)
    cfg = Config.fromfile(CONFIGS / 'gm_set2_res50_coco.py').model
    cfg.backbone.update(depth=18, init_cfg=None)
    cfg.neck.in_channels = cfg.head.in_channels = 512
    cfg.head.type = 'GaussianMixtureHead'
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    for parameter in (
        model.neck.expand_norm.weight,
        model.head.mixture_scale,
        model.head.final_layer.weight,
    ):
        nn.init.normal_(parameter)
    nn.init.zeros_(model.head.final_layer.bias)  # what is compared came all the way
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, 128, 96, generator=generator)
    network = Network(model.eval()).eval()
    path = str(tmp_path / 'model.onnx')
    torch.onnx.export(network, (images,), path, dynamo=True)
    wanted = network(images).detach().numpy()
    scale = np.abs(wanted).max()
    assert wanted.std() > 0.1 * scale
    error = np.abs(run_onnx(path, images) - wanted).max() / scale
    print(f'largest difference {error:.1e} of the largest value, {scale:.2f}')
    assert error <= 1e-4
