"""What a run's numbers depend on besides its config: source hashes and versions."""

import hashlib
import platform
from pathlib import Path

CODECS = Path(__file__).resolve().parent.parent / 'gm_pose' / 'codecs'
# What decides the targets and what decides the reading of heatmaps are kept apart: a
# change of the second needs a new evaluation, not a new training.
SOURCES = {
    'encoding': ('gaussian_encoding.py', 'sigma_tables.py'),
    'decoding': ('heatmap_decoding.py',),
}


def hash_sources(folder: Path = CODECS) -> dict[str, str]:
    """Hashes (16 hex digits) of the codec's source files, by what they decide."""
    hashes = {}
    for role, names in SOURCES.items():
        digest = hashlib.sha256()
        for name in names:
            digest.update((folder / name).read_bytes())
        hashes[role] = digest.hexdigest()[:16]
    return hashes


def collect_versions() -> dict[str, str]:
    """Versions of the installed stack, and the machine's architecture."""
    import mmcv
    import mmengine
    import mmpose
    import numpy
    import torch

    import gm_pose

    modules = (torch, numpy, mmcv, mmengine, mmpose, gm_pose)
    versions = {module.__name__: str(module.__version__) for module in modules}
    return dict(versions, python=platform.python_version(), machine=platform.machine())
