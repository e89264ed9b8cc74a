"""Checkpoints with a calibration in their `meta`."""

import io
from pathlib import Path
from typing import Any

import torch

from gm_pose.ops.uncertainty import META_KEY, Calibration
from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file


def name_calibrated(checkpoint: Path) -> Path:
    """epoch_210.pth -> epoch_210_calibrated.pth.

    Example:
        >>> name_calibrated(Path('runs/epoch_210.pth')).name
        'epoch_210_calibrated.pth'
    """
    return checkpoint.with_name(f'{checkpoint.stem}_calibrated{checkpoint.suffix}')


def write_calibrated(
    checkpoint: Path, calibration: Calibration, out: Path, config_text: str
) -> None:
    """Write `checkpoint` with the calibration, whole or not at all.

    Weights alone (a state dict) become a checkpoint with `meta`. All else stays, so that
    training can go on from it.

    Args:
        checkpoint: of MMEngine, or a state dict.
        calibration: what was fitted.
        out: may be `checkpoint` itself.
        config_text: of the run; kept where the checkpoint has no config of its own.

    Raises:
        OSError: `out` cannot be written; it is as it was.
    """
    content: Any = load_checkpoint_file(str(checkpoint), map_location='cpu')
    if 'state_dict' not in content:
        content = dict(meta={}, state_dict=content)
    meta = dict(content.get('meta') or {})
    meta.setdefault('cfg', config_text)
    meta[META_KEY] = calibration.to_dict()
    buffer = io.BytesIO()
    torch.save({**content, 'meta': meta}, buffer)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, buffer.getvalue())
