"""What a training does, in small: models, checkpoints, processes, mim's look-up."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import metadata, util
from pathlib import Path

from gm_pose.runs.doctor.diagnosis import FAULT, OK, WARNING, Diagnosis
from gm_pose.runs.doctor.packages import STACK


def check_models() -> Diagnosis:
    """``mmpose.models`` can be imported, and gm_pose's components are registered."""
    try:
        from mmpose.registry import KEYPOINT_CODECS, MODELS

        found = {
            name: registry.get(name)
            for registry, name in (
                (KEYPOINT_CODECS, 'JointAdaptiveMSRAHeatmap'),
                (MODELS, 'GaussianMixtureBlock'),
                (MODELS, 'HeatmapHead'),
            )
        }
    except Exception as error:  # any package below may be the broken one
        text = f'{type(error).__name__}: {str(error).splitlines()[0][:200]}'
        return Diagnosis(FAULT, f'cannot be imported ({text})', STACK)
    for name, kind in found.items():
        if kind is None:
            return Diagnosis(FAULT, f'{name} is not registered', 'pip install .')
    return Diagnosis(OK, 'imported, with the codec and the block registered')


def check_mim(name: str = 'gm_pose') -> Diagnosis:
    """mim looks for tools and configs in `.mim` at the distribution's own location."""
    if util.find_spec('mim') is None:
        return Diagnosis(
            WARNING, 'openmim is missing (python tools/train.py works)', STACK
        )
    # mim is a console script: it does not see the folder that one happens to be in.
    here = ('', os.getcwd())
    path = [entry for entry in sys.path if entry not in here]
    found = next(iter(metadata.distributions(name=name, path=path)), None)
    if found is None:
        return Diagnosis(
            WARNING,
            f'{name} is not installed, so `mim train {name}` does not find it (python '
            'tools/train.py works)',
            'pip install .',
        )
    location = Path(str(found.locate_file(name)))
    script = location / '.mim' / 'tools' / 'train.py'
    if not script.is_file():
        return Diagnosis(
            WARNING,
            f'{script} does not exist, as after `pip install -e .`, so `mim train {name}` '
            'fails (python tools/train.py works)',
            'pip install .',
        )
    return Diagnosis(OK, f'`mim train {name}` finds {location / ".mim"}')


def check_checkpoints() -> Diagnosis:
    """What training writes can be read again; a pickle with anything else cannot."""
    import numpy as np
    import torch
    from mmengine.logging import HistoryBuffer
    from mmengine.runner import checkpoint as files

    class Exploit:
        def __reduce__(self) -> tuple:
            return os.getenv, ('HOME',)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'epoch_1.pth')
        content = {
            'meta': {'epoch': 1},
            'state_dict': {'weight': torch.ones(2)},
            'message_hub': {
                'log_scalars': {'loss': HistoryBuffer([1.0], [1])},
                'runtime_info': {'ids': np.arange(3), 'score': np.float64(0.5)},
            },
        }
        torch.save(content, path)
        try:
            back = files._load_checkpoint(path, 'cpu', logger='silent')
            same = torch.equal(back['state_dict']['weight'], torch.ones(2))
        except Exception as error:  # torch's refusal, or a broken loader
            text = str(error).splitlines()[0][:150]
            return Diagnosis(
                FAULT, f'what training writes cannot be read ({text})', STACK
            )
        if not same:
            return Diagnosis(FAULT, 'weights change by saving and loading', STACK)
        torch.save({'state_dict': {}, 'meta': Exploit()}, path)
        try:
            files._load_checkpoint(path, 'cpu', logger='silent')
        except Exception:  # refused: as it should be
            return Diagnosis(
                OK, 'written and read again; one that carries code is refused'
            )
    return Diagnosis(
        WARNING,
        'a checkpoint that carries code would be run',
        'pip install "torch>=2.6"',
    )


def check_processes() -> Diagnosis:
    """A backend for several processes: NCCL with GPUs, else gloo."""
    import torch

    if not torch.distributed.is_available():
        return Diagnosis(
            WARNING, 'this torch has no torch.distributed: one process only', STACK
        )
    if torch.cuda.is_available() and torch.distributed.is_nccl_available():
        return Diagnosis(OK, 'NCCL for --launcher pytorch')
    if torch.distributed.is_gloo_available():
        return Diagnosis(OK, 'gloo for --launcher pytorch, on CPUs')
    return Diagnosis(WARNING, 'neither NCCL nor gloo: one process only', STACK)
