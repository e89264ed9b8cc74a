"""`--sigmas` -> candidates.

Words, separated by spaces:

uniform:1.5,2            one sigma for all joints, a candidate for each number
oks:2,2.5                proportional to the OKS sigmas, of these means
oks^0.5:2                to a power of them
set1, set2               the paper's tables
set1:2, set2^0.5:2       in proportion to them, of this mean
NAME=nose:1,default:2    sigmas by joint
FILE.json, FILE.py       a mapping, see `read_file`

All in heatmap cells. Behind any word, ``@plain`` leaves the loss unbalanced.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gm_pose.ops.paper_sigmas import SIGMA_TABLES
from gm_pose.ops.sigma_bounds import require_sigmas_fit
from gm_pose.ops.sigma_tables import resolve_sigmas
from gm_pose.ops.skeleton import Skeleton
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.candidate import Candidate

__all__ = ['read_candidates']

LEAST_CELLS = 0.1
"""A joint 0.5 cells from the next cell has a target of exp(-0.5^2 / 2 s^2) = 4e-6 there."""
_PLAIN = '@plain'
_DERIVED = re.compile(
    r'(?P<table>[a-z][a-z0-9]*)(\^(?P<power>[^:]*))?(:(?P<numbers>.*))?'
)
_FORMS = (
    "'uniform:1.5,2', 'oks:2', 'oks^0.5:2', 'set2', 'set2:2', "
    "'NAME=nose:1,default:2', a .json or .py file"
)


@dataclass(frozen=True)
class _Reader:
    """Joints and heatmap for which tables are read.

    Attributes:
        skeleton: K joints.
        heatmap_size: [W, H] in cells.
    """

    skeleton: Skeleton
    heatmap_size: tuple[int, int]

    def make(self, name: str, sigmas: Any, word: str, is_plain: bool) -> Candidate:
        """What the codec takes as `sigmas` -> candidate; errors name the word."""
        try:
            found = resolve_sigmas(
                sigmas, self.heatmap_size, self.skeleton.name, lambda _: self.skeleton
            )
            cells = tuple(round(float(s), 4) for s in found.cells)
            require_sigmas_fit(found.cells, None, self.heatmap_size)
            if min(cells) < LEAST_CELLS:
                raise ValueError(
                    f'sigma is {min(cells):g} cells; expected at least {LEAST_CELLS}'
                )
            if len(set(cells)) == 1:
                return Candidate(name, cells[:1])
            return Candidate(name, cells, balance=not is_plain)
        except ValueError as error:
            raise UserError(f'--sigmas {word}: {error}') from error

    def read_word(self, word: str) -> Iterable[Candidate]:
        """A word of `--sigmas` -> candidates."""
        body, is_plain = word.removesuffix(_PLAIN), word.endswith(_PLAIN)
        if body.endswith(('.json', '.py')):
            for name, sigmas in read_file(body, self.skeleton).items():
                yield self.make(name, sigmas, word, is_plain)
        elif '=' in body:
            name, _, text = body.partition('=')
            yield self.make(name, _read_pairs(text, word), word, is_plain)
        else:
            for name, sigmas in _read_derived(body, word, self.skeleton.name):
                yield self.make(name + is_plain * '-plain', sigmas, word, is_plain)


def read_candidates(
    texts: Iterable[str], skeleton: Skeleton, heatmap_size: tuple[int, int]
) -> list[Candidate]:
    """Arguments of `--sigmas` -> candidates in their order.

    Args:
        texts: see the head of this file.
        skeleton: the joints; its OKS sigmas are those of `oks`.
        heatmap_size: [W, H] in cells, what the paper's tables are scaled to.

    Raises:
        UserError: a word that is none of these, a table that does not fit the joints, the
            same name or the same sigmas twice, or fewer than two candidates.
    """
    reader = _Reader(skeleton, heatmap_size)
    words = [word for text in texts for word in text.split()]
    found = [candidate for word in words for candidate in reader.read_word(word)]
    names = [candidate.name for candidate in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f'--sigmas names {", ".join(twice)} twice; expected once')
    for number, candidate in enumerate(found):
        for other in found[:number]:
            if replace(candidate, name=other.name) == other:
                raise UserError(
                    f'--sigmas: {other.name} and {candidate.name} have the same sigmas; '
                    'expected candidates that differ. Fix: leave one out'
                )
    if len(found) < 2:
        raise UserError(
            f'--sigmas has {len(found)} candidate{"s" * (not found)}; expected at least 2 '
            "to compare. Fix: for example --sigmas 'uniform:1.5,2,2.5 oks:2'"
        )
    return found


def _read_derived(body: str, word: str, dataset: str) -> Iterable[tuple[str, Any]]:
    """'oks^0.5:2,3' -> names and the codec's `sigmas`."""
    match = _DERIVED.fullmatch(body)
    table = match['table'] if match else None
    if match is None or table not in ('uniform', 'oks', *SIGMA_TABLES):
        raise UserError(f'--sigmas {word} is no table of sigmas; expected {_FORMS}')
    power = None if match['power'] is None else _read_number(match['power'], word)
    if table == 'uniform' and power is not None:
        raise UserError(
            f'--sigmas {word}: a uniform sigma has no power. Fix: leave ^ out'
        )
    if match['numbers'] is None:
        if table not in SIGMA_TABLES or power is not None:
            raise UserError(
                f'--sigmas {word} has no number; expected {body}:2, in cells'
            )
        yield table, table
        return
    start = table if power is None else f'{table}^{power:g}'
    for text in match['numbers'].split(','):
        number = _read_number(text, word)
        if number <= 0:
            raise UserError(f'--sigmas {word}: {text} is not above 0; expected cells')
        derived = dict(mean=number, power=1.0 if power is None else power)
        if table == 'uniform':
            yield f'uniform{number:g}', number
        elif table == 'oks':
            yield f'{start}-{number:g}', dict(oks=dataset, **derived)
        else:
            yield f'{start}-{number:g}', dict(table=table, **derived)


def _read_pairs(text: str, word: str) -> dict[str, float]:
    """'nose:1,default:2' -> sigmas by joint."""
    pairs = {}
    for pair in text.split(','):
        joint, colon, number = pair.rpartition(':')
        if not colon or not joint:
            raise UserError(
                f'--sigmas {word}: {pair!r} is no joint and number; expected '
                'NAME=nose:1,left_eye:1,default:2'
            )
        if joint in pairs:
            raise UserError(f'--sigmas {word}: {joint} has two sigmas; expected one')
        pairs[joint] = _read_number(number, word)
    return pairs


def _read_number(text: str, word: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f'--sigmas {word}: {text!r} is no number') from None


def read_file(path: str, skeleton: Skeleton) -> dict[str, Any]:
    """File -> name of each candidate and what the codec takes as `sigmas`.

    A .json file holds a mapping, a .py file has one called ``sigmas``, and is executed as
    MMEngine does with a config. Keys that are joints make one candidate with the file's
    name; others are the names of candidates, each with a number, a list, a mapping by
    joint, ``dict(oks=DATASET, mean=2)`` or the name of a table.

    Raises:
        UserError: the file cannot be read, or holds no mapping.
    """
    from gm_pose.runs.data_checks.json_file import read_json

    if path.endswith('.json'):
        content = read_json(path)
    else:
        content = _read_python(path)
    if not isinstance(content, Mapping) or not content:
        raise UserError(
            f'--sigmas {path} holds {type(content).__name__}; expected a mapping of joints '
            'to sigmas, or of names to tables'
        )
    if {'default', *skeleton.joint_names} & set(content):
        return {Path(path).stem: dict(content)}
    return {str(name): sigmas for name, sigmas in content.items()}


def _read_python(path: str) -> Any:
    from mmengine.config import Config

    if not Path(path).is_file():
        raise UserError(f'--sigmas {path} does not exist')
    try:
        content = Config.fromfile(path).to_dict().get('sigmas')
    except Exception as error:  # whatever the file's Python may raise
        raise UserError(f'--sigmas {path} cannot be read: {error}') from error
    if content is None:
        raise UserError(
            f'--sigmas {path} has no variable `sigmas`; expected sigmas = dict(...)'
        )
    return content
