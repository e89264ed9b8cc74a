"""Checkpoints of earlier versions load, and mean what they meant."""

import pytest
import torch
from mmpose.registry import MODELS

import gm_pose  # noqa: F401  registers block and head

NORM = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
MIXTURE = ('raw_sigmas', 'weights.logits.weight', 'weights.logits.bias')
BLOCK_KEYS = [
    'reduce_conv.weight',
    *(f'reduce_norm.{key}' for key in NORM),
    *(f'mixture.{key}' for key in MIXTURE),
    'expand_conv.weight',
    *(f'expand_norm.{key}' for key in NORM),
]
HEAD_KEYS = [
    'mixture_scale',
    'deconv_layers.0.weight',
    *(f'deconv_layers.1.{key}' for key in NORM),
    'final_layer.weight',
    'final_layer.bias',
    *(f'mixture.{key}' for key in MIXTURE),
    'mixture.weights.image_logits.weight',
]
BLOCK = dict(type='GaussianMixtureBlock', in_channels=24, mid_channels=8)
HEAD = dict(
    type='GaussianMixtureHead',
    in_channels=24,
    out_channels=5,
    deconv_out_channels=(8,),
    deconv_kernel_sizes=(4,),
)


def make_values(shape: torch.Size, phase: float) -> torch.Tensor:
    """Numbers within 0 and 1 that are the same on every machine, up to their last bits."""
    count = torch.arange(shape.numel(), dtype=torch.float64)
    return (0.5 + 0.5 * torch.sin(count + phase)).reshape(shape).float()


@pytest.mark.parametrize(
    ('config', 'keys', 'recorded'),
    [
        (BLOCK, BLOCK_KEYS, [155.185577, 711.579956, 72.0143967, 1128.26001]),
        (HEAD, HEAD_KEYS, [1947.46582, 4294.22021, 740.529846, 745.947571]),
    ],
)
def test_an_earlier_checkpoint_gives_the_same_output(config, keys, recorded):
    """`recorded` are outputs of version 0.1.0 with these weights and this input."""
    model = MODELS.build(config).eval()
    state = model.state_dict()
    assert list(state) == keys
    for phase, (key, value) in enumerate(state.items()):
        if value.is_floating_point():
            state[key] = make_values(value.shape, phase)
    model.load_state_dict(state)
    with torch.no_grad():
        out = model((make_values(torch.Size([1, 24, 8, 6]), 0.5),))
    out = out[-1] if isinstance(out, tuple) else out
    found = out.flatten()[:: out.numel() // 4][:4]
    # Float32 sums of up to 24 x 16 positive products, one after the other through six
    # layers: each within 24 x 16 roundings of 6e-8.
    torch.testing.assert_close(found, torch.tensor(recorded), rtol=2e-4, atol=0)
