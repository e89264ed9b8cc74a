"""What a sweep consists of, kept in its folder: candidates, seeds, parts of the data."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.candidate import Candidate
from gm_pose.sweep.part_files import PARTS, Part

__all__ = ['Plan', 'SweepRun', 'join_plan', 'read_plan']

FORMAT = 1
NAME = 'sweep.json'


@dataclass(frozen=True)
class SweepRun:
    """One training: a candidate with a seed."""

    candidate: str
    seed: int

    def __str__(self) -> str:
        return f'{self.candidate} seed {self.seed}'

    def find_folder(self, folder: Path) -> Path:
        return folder / 'runs' / self.candidate / f'seed{self.seed}'

    def find_config(self, folder: Path) -> Path:
        """Outside the run's folder, where MMEngine writes what the run makes of it."""
        return folder / 'configs' / f'{self.candidate}_seed{self.seed}.py'

    def find_predictions(self, folder: Path, part: str) -> Path:
        return self.find_folder(folder) / f'{part}.keypoints.json'


@dataclass(frozen=True)
class Plan:
    """A sweep.

    Attributes:
        config: file name of the config.
        config_hash: of the merged config.
        candidates: in their order.
        seeds: 0, 1, ...
        parts: 'train', 'choose' and 'report'.
        kept_together: fields by whose values images stay in one part.
        split_seed: of the split; None where all parts were given.
        joint_names: K names.
    """

    config: str
    config_hash: str
    candidates: tuple[Candidate, ...]
    seeds: tuple[int, ...]
    parts: dict[str, Part]
    kept_together: tuple[str, ...]
    split_seed: int | None
    joint_names: tuple[str, ...]

    def list_runs(self) -> list[SweepRun]:
        """All candidates with the first seed, then all with the second, ..."""
        return [
            SweepRun(candidate.name, seed)
            for seed in self.seeds
            for candidate in self.candidates
        ]

    def find_candidate(self, name: str) -> Candidate:
        return next(c for c in self.candidates if c.name == name)


def join_plan(folder: Path, plan: Plan) -> Plan:
    """Plan of this start -> the plan of the folder, with what is new added, and written.

    Call it inside `JobTable.exclusive`.

    Raises:
        UserError: the folder holds another sweep: other config, data or joints, or other
            sigmas under the same name.
    """
    path = folder / NAME
    if path.exists():
        plan = _merge(read_plan(folder), plan, folder)
    content = dict(format=FORMAT, **asdict(plan))
    write_atomically(path, json.dumps(content, indent=1).encode())
    return plan


def _merge(old: Plan, new: Plan, folder: Path) -> Plan:
    remedy = 'Fix: the same arguments as then, or another folder with --work-dir'
    for what, name in (
        ('config_hash', f'merged config than {old.config} was'),
        ('joint_names', 'list of joints'),
        ('split_seed', '--split-seed'),
    ):
        before, now = getattr(old, what), getattr(new, what)
        if before != now:
            raise UserError(
                f'{folder} holds a sweep with another {name} ({before}, now {now}). '
                f'{remedy}'
            )
    for name in PARTS:
        if old.parts[name].sha256 != new.parts[name].sha256:
            raise UserError(
                f'{folder} holds a sweep whose part to {name} was '
                f'{old.parts[name].annotations} with other content. {remedy}'
            )
    known = {candidate.name: candidate for candidate in old.candidates}
    for candidate in new.candidates:
        if known.setdefault(candidate.name, candidate) != candidate:
            raise UserError(
                f'{folder} has tried {candidate.name} with sigmas '
                f'{list(known[candidate.name].sigmas_cells)}, now '
                f'{list(candidate.sigmas_cells)}. Fix: another name, or another folder: '
                '--work-dir'
            )
    return replace(
        old,
        candidates=tuple(known.values()),
        seeds=tuple(sorted({*old.seeds, *new.seeds})),
    )


def read_plan(folder: Path) -> Plan:
    """Folder of a sweep -> its plan.

    Raises:
        UserError: none is there, or it is of another format.
    """
    path = folder / NAME
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        if content.pop('format') != FORMAT:
            raise ValueError('another format')
        content['candidates'] = tuple(
            Candidate(**{**c, 'sigmas_cells': tuple(c['sigmas_cells'])})
            for c in content['candidates']
        )
        content['parts'] = {n: Part(**part) for n, part in content['parts'].items()}
        for name in ('seeds', 'kept_together', 'joint_names'):
            content[name] = tuple(content[name])
        return Plan(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f'{path} is no plan of a sweep: {error}. Fix: another folder with --work-dir'
        ) from error
