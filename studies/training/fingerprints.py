"""What a run's numbers depend on besides its config: the codec's behaviour, versions.

The codec's source may be rewritten without changing a number. A fingerprint is a few
projections of what it computes for fixed inputs, compared with a tolerance: it
separates a changed target from a faster one. Encoding and decoding have one each, because
a change of the second needs a new evaluation, not a new training.
"""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmpose.registry import KEYPOINT_CODECS

from studies.variants.variant import PLACEMENTS

# Far above float32 rounding of sums of this size (1e-5), far below a changed setting: a
# sigma 1 % wider moves a projection by 0.05, an offset of 0.01 cells by as much.
TOLERANCE = 2e-3
_ENCODINGS = (
    dict(PLACEMENTS['published'], sigmas='set1'),
    dict(sigmas='set2'),
    dict(sigmas='set1', unbiased=True),
    dict(
        sigmas=dict(oks='coco', mean=2.0, power=0.5),
        unbiased=True,
        balance_weights=True,
    ),
)
_DECODINGS = (dict(sigmas='set1'), dict(sigmas='set1', unbiased=True))
_NUM_PROJECTIONS = 3


def _build_codec(settings: Mapping) -> object:
    return KEYPOINT_CODECS.build(
        dict(
            settings,
            type='JointAdaptiveMSRAHeatmap',
            input_size=(96, 128),
            heatmap_size=(48, 64),
        )
    )


def fingerprint_encoding() -> list[float]:
    """Projections of the targets of 17 fixed joints under several settings."""
    rng = np.random.default_rng(0)
    joints = rng.uniform((2, 2), (94, 126), (1, 17, 2)).astype(np.float32)
    visible = np.ones((1, 17), dtype=np.float32)
    values = []
    for settings in _ENCODINGS:
        encoded = _build_codec(settings).encode(joints, visible)
        weighted = encoded['heatmaps'] * encoded['keypoint_weights'][0][:, None, None]
        basis = rng.standard_normal((_NUM_PROJECTIONS, *weighted.shape))
        values += np.tensordot(basis, weighted, 3).tolist()
    return [round(value, 4) for value in values]


def fingerprint_decoding() -> list[float]:
    """Projections of the joints read from 17 fixed, noisy maps, quarter and matched."""
    rng = np.random.default_rng(1)
    joints = rng.uniform((2, 2), (94, 126), (1, 17, 2)).astype(np.float32)
    maps = _build_codec(_ENCODINGS[2]).encode(joints)['heatmaps']
    # noise that changes slowly, so that the peak cell stays and the refinement has work
    waves = np.sin(
        np.arange(64)[:, None] / 5
        + np.arange(48) / 7
        + rng.uniform(0, 6, 17)[:, None, None]
    )
    maps = (maps + 0.05 * waves).astype(np.float32)
    values = []
    for settings in _DECODINGS:
        positions, scores = _build_codec(settings).decode(maps)
        basis = rng.standard_normal((_NUM_PROJECTIONS, 17, 2))
        values += np.tensordot(basis, positions[0], 2).tolist()
        values.append(float(scores.sum()))
    return [round(value, 4) for value in values]


def take_fingerprints() -> dict[str, list[float]]:
    """Fingerprints of the installed codec: 'encoding' and 'decoding'."""
    return dict(encoding=fingerprint_encoding(), decoding=fingerprint_decoding())


def equals_fingerprint(first: Sequence[float], second: Sequence[float]) -> bool:
    """Whether two fingerprints are of one behaviour."""
    return len(first) == len(second) and bool(
        np.allclose(first, second, rtol=0, atol=TOLERANCE)
    )


def collect_versions() -> dict[str, str]:
    """Versions of the installed stack, and the processor, on which roundings depend."""
    import mmcv
    import mmengine
    import mmpose
    import torch

    import gm_pose

    modules = (torch, np, mmcv, mmengine, mmpose, gm_pose)
    versions = {module.__name__: str(module.__version__) for module in modules}
    return dict(
        versions,
        python=platform.python_version(),
        machine=platform.machine(),
        processor=describe_processor(torch.backends.cpu.get_cpu_capability()),
    )


def describe_processor(capability: str, cpuinfo: Path = Path('/proc/cpuinfo')) -> str:
    """'AVX512, Intel(R) ... @ 2.80GHz, cpu family 6, model 106', as far as it is known.

    Kernels of other vector widths sum in another order, so that a training ends with
    other weights.
    """
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    pairs = dict(map(str.strip, line.split(':', 1)) for line in lines if ':' in line)
    known = [f'{key} {pairs[key]}' for key in ('cpu family', 'model') if key in pairs]
    return ', '.join([capability, pairs.get('model name', 'unknown'), *known])
