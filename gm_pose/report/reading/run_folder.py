"""What the work directory of a run tells: config, checkpoint, curves, environment."""

from __future__ import annotations

import json
import os.path as osp
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config

__all__ = ['RunFolder', 'find_run_folder', 'open_run_folder']

# Lines of MMEngine's log that say where a run was made, and the two that gm_pose adds.
_FACTS = {
    'Command': re.compile(r'- INFO - Command: (.+)$', re.MULTILINE),
    'Code': re.compile(r'- INFO - Code: (.+)$', re.MULTILINE),
    'Seed': re.compile(r'^ {4}seed: (\S+)$', re.MULTILINE),
    'Python': re.compile(r'^ {4}Python: ([\d.]+)', re.MULTILINE),
    'PyTorch': re.compile(r'^ {4}PyTorch: (\S+)$', re.MULTILINE),
    'CUDA': re.compile(r'^ {4}CUDA available: (\w+)$', re.MULTILINE),
    'GPU': re.compile(r'^ {4}GPU [\d,]+: (.+)$', re.MULTILINE),
    'MMEngine': re.compile(r'^ {4}MMEngine: (\S+)$', re.MULTILINE),
    'Number of processes': re.compile(r'^ {4}GPU number: (\d+)$', re.MULTILINE),
}
_START = re.compile(r'\d{8}_\d{6}')
_LOG_BYTES = 200_000  # the facts stand at the beginning


@dataclass(frozen=True)
class RunFolder:
    """A work directory.

    Attributes:
        path: the folder.
        config_name: file name of its config, '' where it is not known.
        config_path: the merged config that MMEngine wrote at the last training.
        checkpoint: the best checkpoint, else the last one; None where there is none.
        facts: name and value of what the log says about how the run was made.
        scalars: entries of MMEngine's scalars.json, of all starts of the run.
    """

    path: Path
    config_name: str
    config_path: Path
    checkpoint: Path | None
    facts: dict[str, str]
    scalars: list[dict[str, float]]

    def load_config(self) -> Config:
        """The merged config.

        Raises:
            UserError: it cannot be read.
        """
        from mmengine.config import Config

        try:
            return Config.fromfile(str(self.config_path))
        except Exception as error:  # whatever a config's Python may raise
            raise UserError(f'{self.config_path} cannot be read: {error}') from error


def find_run_folder(path: str) -> RunFolder | None:
    """The run that a file of predictions belongs to: a work directory around it."""
    for folder in Path(osp.abspath(path)).parents[:3]:
        if _list_starts(folder):
            return open_run_folder(str(folder))
    return None


def open_run_folder(path: str) -> RunFolder:
    """Work directory of a run -> what it tells.

    Raises:
        UserError: no such folder, or one that MMEngine did not write.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f'{path} does not exist. Fix: give the work directory of a run')
    starts = _list_starts(folder)
    if not starts:
        raise UserError(
            f'{path} is no work directory of a run: it has no TIME/vis_data/config.py. '
            'Fix: give the folder into which training wrote its checkpoints'
        )
    trainings = [
        start for start in starts if (start / 'vis_data/scalars.json').exists()
    ]
    last = (trainings or starts)[-1]
    return RunFolder(
        folder,
        _read_name(folder),
        last / 'vis_data/config.py',
        _find_checkpoint(folder),
        _read_facts(last),
        [row for start in trainings for row in _read_scalars(start)],
    )


def _list_starts(folder: Path) -> list[Path]:
    """Folders of each start of a run, oldest first.

    Only a config that MMEngine put there is ever executed, not any Python file around.
    """
    configs = folder.glob('*/vis_data/config.py')
    starts = [config.parents[1] for config in configs]
    return sorted(start for start in starts if _START.fullmatch(start.name))


def _read_name(folder: Path) -> str:
    """Name of the config, of which MMEngine writes a copy into the folder."""
    files = sorted(folder.glob('*.py'), key=lambda file: file.stat().st_mtime)
    return files[-1].name if files else ''


def _find_checkpoint(folder: Path) -> Path | None:
    best = sorted(folder.glob('best_*.pth'), key=lambda file: file.stat().st_mtime)
    if best:
        return best[-1]
    record = folder / 'last_checkpoint'
    if record.is_file():
        # a folder that was moved still names its old place
        last = folder / osp.basename(record.read_text().strip())
        if last.is_file():
            return last
    rest = sorted(folder.glob('*.pth'), key=lambda file: file.stat().st_mtime)
    return rest[-1] if rest else None


def _read_facts(start: Path) -> dict[str, str]:
    logs = sorted(start.glob('*.log'))
    if not logs:
        return {}
    with open(logs[0], errors='replace') as file:
        text = file.read(_LOG_BYTES)
    found = {name: pattern.search(text) for name, pattern in _FACTS.items()}
    facts = {name: match[1] for name, match in found.items() if match is not None}
    return {'Started': logs[0].stem, **facts}


def _read_scalars(start: Path) -> list[dict[str, float]]:
    """Lines of scalars.json; one that a killed run left unfinished is skipped."""
    rows = []
    for line in (
        (start / 'vis_data/scalars.json').read_text(errors='replace').splitlines()
    ):
        try:
            row: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append({k: v for k, v in row.items() if isinstance(v, (int, float))})
    return rows
