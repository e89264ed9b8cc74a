"""The network alone: a training step and an inference in each precision."""

import contextlib
import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.gpu.configs import CONFIGS, narrow_network
from benchmarks.gpu.rows import Bench

try:
    from mmengine.config import Config
    from mmengine.registry import init_default_scope
    from mmpose.models.losses import KeypointMSELoss
    from mmpose.registry import MODELS

    BUILDER = 'MMPose'
except ImportError as error:  # these rows do not need MMPose
    MODELS, BUILDER = None, f'torchvision, since {error}'

CONFIG = CONFIGS / 'set2_res50_coco.py'


@dataclass(frozen=True)
class Setting:
    """How a training step runs.

    Args:
        dtype: of autocast, or None.
        tf32: whether float32 products may round to TF32; None: PyTorch's default, in
            convolutions alone.
        channels_last: memory layout.
        fused: Adam in one kernel.
        compile: mode of `torch.compile`, or None.
        graph: replay the whole step, optimizer included, as one CUDA graph.
    """

    dtype: torch.dtype | None = None
    tf32: bool | None = None
    channels_last: bool = False
    fused: bool = False
    compile: str | None = None
    graph: bool = False


_FASTEST = dict(dtype=torch.bfloat16, channels_last=True, fused=True)
SETTINGS = {
    'eager': {
        "fp32, PyTorch's default": Setting(),
        'fp32, TF32 off': Setting(tf32=False),
    },
    'half': {
        'fp16, loss scaler': Setting(torch.float16),
        'bf16': Setting(torch.bfloat16),
        'bf16, channels-last': Setting(torch.bfloat16, channels_last=True),
        'tf32 in all products': Setting(tf32=True),
    },
    'fastest': {'bf16, channels-last, fused Adam': Setting(**_FASTEST)},
    'graph': {
        'bf16, channels-last, fused Adam, CUDA graph': Setting(**_FASTEST, graph=True)
    },
    'compiled': {
        'bf16, channels-last, fused Adam, compiled': Setting(
            **_FASTEST, compile='default'
        ),
        'bf16, channels-last, fused Adam, compiled, CUDA graph': Setting(
            **_FASTEST, compile='default', graph=True
        ),
    },
}


def run(job: str, bench: Bench) -> None:
    for name, setting in SETTINGS[job].items():
        if setting.graph and bench.device == 'cpu':
            continue
        for batch in (2,) if bench.rehearse else (64, 256):
            # a setting that does not run costs its own row alone
            if bench.seconds_left < (45 if setting.compile else 8):
                bench.write(name, batch=batch, failed='no time left')
                continue
            try:
                _measure_setting(bench, name, setting, batch)
            except Exception as error:
                bench.write(
                    name, batch=batch, failed=f'{type(error).__name__}: {error}'
                )
            gc.collect()
            if bench.device == 'cuda':
                torch.cuda.empty_cache()


def _measure_setting(bench: Bench, name: str, setting: Setting, batch: int) -> None:
    step, model, images = make_step(bench, setting, batch)
    if setting.graph:
        step = capture(step)
    bench.measure(name, step, batch, work='training', built_by=BUILDER)
    if setting.graph or setting.dtype is torch.float16:
        return
    model.eval()
    cast = make_autocast(bench.device, setting)

    @torch.no_grad()
    def infer() -> None:
        with cast():
            model(images)

    bench.measure(name, infer, batch, work='inference', built_by=BUILDER)


class Network(nn.Module):
    """Images (B, 3, h, w) -> heatmaps (B, K, h/4, w/4), without pre- and postprocessing."""

    def __init__(self, estimator: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = estimator.backbone, estimator.head
        self.neck = estimator.neck if estimator.with_neck else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.neck(self.backbone(images)))


def build_network(config: Path = CONFIG, rehearse: bool = False) -> nn.Module:
    """Simple Baseline as a shipped config builds it, without pretrained weights."""
    if MODELS is None:
        return _build_plain_network()
    init_default_scope('mmpose')
    cfg = Config.fromfile(config).model
    cfg.backbone.init_cfg = None
    if rehearse:
        narrow_network(cfg)
    return Network(MODELS.build(cfg))


def _build_plain_network() -> nn.Module:
    """The same layers from torchvision, where MMPose cannot be imported."""
    from torchvision.models import resnet50

    layers, channels = list(resnet50().children())[:-2], 2048
    for _ in range(3):
        layers += [
            nn.ConvTranspose2d(channels, 256, 4, 2, 1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
        ]
        channels = 256
    return nn.Sequential(*layers, nn.Conv2d(channels, 17, 1))


def compute_loss(heatmaps: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """`KeypointMSELoss(use_target_weight=True)`, by MMPose where it can be imported."""
    if MODELS is not None:
        return KeypointMSELoss(use_target_weight=True)(heatmaps, targets, weights)
    weights = weights[..., None, None]
    return nn.functional.mse_loss(heatmaps * weights, targets * weights)


def make_step(
    bench: Bench, setting: Setting, batch: int, wrap: Any = None
) -> tuple[Callable[[], None], nn.Module, Tensor]:
    """A training step on fixed random data -> (step, network, images)."""
    device = bench.device
    tf32 = setting.tf32
    torch.backends.cudnn.allow_tf32 = tf32 is not False
    torch.backends.cuda.matmul.allow_tf32 = bool(tf32)
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(0)
    height, width = (64, 64) if bench.rehearse else (256, 192)
    images = torch.randn(batch, 3, height, width, device=device)
    targets = torch.rand(batch, 17, height // 4, width // 4, device=device)
    weights = torch.ones(batch, 17, device=device)
    model = build_network(rehearse=bench.rehearse).to(device).train()
    if setting.channels_last:
        model = model.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    fused = setting.fused and device == 'cuda'
    optimizer = torch.optim.Adam(
        model.parameters(), 5e-4, fused=fused or None, capturable=setting.graph
    )
    called = model if wrap is None else wrap(model)
    if setting.compile is not None:
        called = torch.compile(called, mode=setting.compile)
    scaler = torch.amp.GradScaler(device, enabled=setting.dtype is torch.float16)
    cast = make_autocast(device, setting)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with cast():
            value = compute_loss(called(images), targets, weights)
        scaler.scale(value).backward()
        scaler.step(optimizer)
        scaler.update()

    return step, called, images


def make_autocast(device: str, setting: Setting) -> Callable[[], Any]:
    """Context of the forward pass; a graph must not keep casts of an earlier step."""
    if setting.dtype is None:
        return contextlib.nullcontext
    return lambda: torch.autocast(
        device, setting.dtype, cache_enabled=not setting.graph
    )


def capture(step: Callable[[], None]) -> Callable[[], None]:
    """A step -> its replay as a CUDA graph; warmed up on a side stream, as capture asks."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(4):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
