"""Which checkpoint `--resume` goes on from."""

import os
import os.path as osp
import re
import zipfile
from typing import Any

from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file
from gm_pose.runs.user_errors import UserError

__all__ = ['find_resumable_checkpoint', 'read_checkpoint']

_NAME = re.compile(r'(epoch|iter)_(\d+)\.pth$')


def read_checkpoint(path: str) -> dict[str, Any]:
    """Checkpoint of a training run -> its content.

    Raises:
        UserError: the file is missing, damaged, malicious, or holds no weights.
    """
    try:
        checkpoint = load_checkpoint_file(path, map_location='cpu')
    except (FileNotFoundError, ValueError) as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f'checkpoint {path} cannot be read: {error}') from error
    if not isinstance(checkpoint, dict):
        raise UserError(
            f'checkpoint {path} holds a {type(checkpoint).__name__} and no weights. Fix: '
            'give a .pth file that training wrote'
        )
    weights = checkpoint.get('state_dict', checkpoint)
    if not isinstance(weights, dict) or not all(isinstance(k, str) for k in weights):
        raise UserError(
            f'the state_dict of checkpoint {path} is no dict of weights by name. Fix: '
            'give a .pth file that training wrote'
        )
    return checkpoint


def is_whole(path: str) -> bool:
    """Whether a checkpoint file was written to its end.

    PyTorch writes a zip archive, whose directory stands at the end: half a file has none.
    """
    return osp.isfile(path) and zipfile.is_zipfile(path)


def find_resumable_checkpoint(work_dir: str) -> tuple[str | None, str | None]:
    """Newest whole checkpoint of a run -> (path or None, what was wrong or None).

    `last_checkpoint` names it; the file of that name beside it comes first, since the
    record is an absolute path and the folder may be a copy. Where that is empty, or
    names a file that is gone or broken (written by another tool; this one never leaves
    such), the newest whole ``epoch_N.pth`` or ``iter_N.pth`` beside it is taken.
    """
    record = osp.join(work_dir, 'last_checkpoint')
    named = ''
    if osp.isfile(record):
        with open(record, encoding='utf-8', errors='replace') as file:
            named = file.read().strip()
    if named:
        beside = osp.join(work_dir, osp.basename(named))
        for path in (beside, named):  # `named` is another run's in a copied folder
            if is_whole(path):
                return path, None
    candidates = []
    for name in os.listdir(work_dir) if osp.isdir(work_dir) else []:
        path, match = osp.join(work_dir, name), _NAME.match(name)
        if match and is_whole(path):
            candidates.append((osp.getmtime(path), int(match[2]), path))
    newest = max(candidates)[2] if candidates else None
    if not osp.isfile(record) and newest is None:
        return None, None
    what = (
        f'names {named}, which is missing or broken' if named else 'is missing or empty'
    )
    return newest, f'{record} {what}'
