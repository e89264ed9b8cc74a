"""The answer of a sweep: what is chosen, and how it does on the part for reporting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gm_pose.sweep.differences import Difference, compare_candidates

if TYPE_CHECKING:
    from gm_pose.report.analysis.run_analysis import MeasuredRun
    from gm_pose.sweep.measured_runs import MeasuredRuns

__all__ = ['CandidateScores', 'Outcome', 'conclude', 'describe_answer']


@dataclass(frozen=True)
class CandidateScores:
    """AP of a candidate, means over its finished seeds, in percent.

    Attributes:
        name: of the candidate.
        is_uniform: one sigma for all joints.
        seeds: finished.
        choose, report: on each part.
        difference: on the part for reporting, minus the reference; None for the reference
            itself and without a common seed.
    """

    name: str
    is_uniform: bool
    seeds: tuple[int, ...]
    choose: float
    report: float
    difference: Difference | None


@dataclass(frozen=True)
class Outcome:
    """What a sweep found.

    Attributes:
        scores: of the candidates with finished runs, in their order.
        reference: what the others are compared with: the uniform sigma that the part for
            choosing prefers; without one, the first finished candidate.
        chosen: the candidate that the answer is about: the table that the part for choosing
            prefers; without tables, the second best uniform sigma there.
        answer: one or two sentences.
    """

    scores: list[CandidateScores]
    reference: str
    chosen: str | None
    answer: str


def conclude(runs: MeasuredRuns) -> Outcome | None:
    """Finished runs of a sweep -> its outcome; None where nothing has finished.

    Choosing looks at the part for choosing only. Candidates with fewer seeds than the best
    of their kind were stopped, or failed, and are not chosen.
    """
    names = [c.name for c in runs.plan.candidates if runs.get(c.name, 'choose')]
    if not names:
        return None
    uniform = _rank(runs, [n for n in names if n in runs.uniform])
    tables = _rank(runs, [n for n in names if n in runs.per_joint])
    reference = uniform[0] if uniform else tables[0]
    rest = tables if uniform and tables else [*uniform, *tables][1:]
    chosen = rest[0] if rest else None
    reported = {name: runs.get(name, 'report') for name in names}
    scores = [
        CandidateScores(
            name,
            name in runs.uniform,
            tuple(sorted(reported[name])),
            _mean_ap(runs.get(name, 'choose')),
            _mean_ap(reported[name]),
            None
            if name == reference
            else compare_candidates(reported[name], reported[reference]),
        )
        for name in names
    ]
    found = next((s for s in scores if s.name == chosen), None)
    answer = describe_answer(
        found, next(s for s in scores if s.name == reference), bool(tables)
    )
    return Outcome(scores, reference, chosen, answer)


def _rank(runs: MeasuredRuns, names: list[str]) -> list[str]:
    """Best on the part for choosing first; fewer seeds after more."""
    measured = {name: runs.get(name, 'choose') for name in names}
    return sorted(
        names, key=lambda n: (-len(measured[n]), -_mean_ap(measured[n]), names.index(n))
    )


def _mean_ap(runs: dict[int, MeasuredRun]) -> float:
    return 100 * float(np.mean([run.ap.value for run in runs.values()]))


def describe_answer(
    found: CandidateScores | None, reference: CandidateScores, has_tables: bool
) -> str:
    """Scores of the chosen candidate and of the reference -> the answer in words."""
    if found is None:
        return f'Only {reference.name} has finished: there is nothing to compare.'
    difference = found.difference
    start = f'On the part for reporting {found.name} has {found.report:.1f} AP'
    if difference is None:
        return (
            f'{start}, {reference.name} {reference.report:.1f}; they have no seed in '
            'common, so their difference has no interval.'
        )
    start += (
        f', {reference.name} {reference.report:.1f}: {difference.mean:+.1f} points '
        f'(95 % interval over people {difference.people}'
    )
    if difference.trainings is None or difference.both is None:
        verdict = (
            'Whether training again would show it is not known: that takes at least 2 '
            'seeds.'
        )
        return f'{start}, one seed). {verdict}'
    start += (
        f', over {len(difference.seeds)} seeds {difference.trainings}, over both '
        f'{difference.both}).'
    )
    if not difference.is_real:
        verdict = 'The difference is not significant'
        if has_tables:
            verdict += ': this sweep does not show that sigmas per joint help or harm'
        return f'{start} {verdict}.'
    helped = difference.mean > 0
    if has_tables:
        return (
            f'{start} The difference is real: sigmas per joint '
            f'{"help" if helped else "harm"} here.'
        )
    better = found.name if helped else reference.name
    return f'{start} The difference is real: {better} is better.'
