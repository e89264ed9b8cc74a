"""What a sweep leaves: result.md, runs.csv, and a page of the two candidates compared."""

from __future__ import annotations

from collections.abc import Mapping

from gm_pose.report.analysis.comparison import compare_settings
from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.queue.job import Job
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.measured_runs import MeasuredRuns
from gm_pose.sweep.outcome import Outcome, conclude
from gm_pose.sweep.plan import Plan
from gm_pose.sweep.tables import (
    format_candidates,
    format_joints,
    format_problems,
    write_runs_csv,
)

__all__ = ['format_result', 'write_result']


def write_result(runs: MeasuredRuns, jobs: Mapping[str, Job]) -> str:
    """Finished runs -> text of the result, also written as result.md, beside runs.csv."""
    outcome = conclude(runs)
    text = format_result(runs, outcome, jobs)
    write_atomically(runs.folder / 'result.md', text.encode())
    write_atomically(runs.folder / 'runs.csv', write_runs_csv(runs).encode())
    return text


def format_result(
    runs: MeasuredRuns, outcome: Outcome | None, jobs: Mapping[str, Job]
) -> str:
    """Outcome of a sweep -> Markdown."""
    plan = runs.plan
    blocks = [f'# Sigmas for {plan.config}', describe_data(plan)]
    if outcome is None:
        blocks.insert(1, 'No run has finished.')
    else:
        blocks.insert(1, outcome.answer)
        blocks.append(format_candidates(outcome, plan))
        if outcome.chosen is not None:
            blocks += _compare_joints(runs, outcome.reference, outcome.chosen)
    problems = format_problems(jobs)
    if problems:
        blocks += ['Runs without a result:', problems]
    return '\n\n'.join(blocks) + '\n'


def _compare_joints(runs: MeasuredRuns, reference: str, chosen: str) -> list[str]:
    sides = [runs.get(name, 'report') for name in (reference, chosen)]
    common = sorted(set(sides[0]) & set(sides[1]))
    if not common:
        return []
    comparison = compare_settings(*([side[s] for s in common] for side in sides))
    table = format_joints(
        comparison, *(runs.plan.find_candidate(n) for n in (reference, chosen))
    )
    return [
        f'Joint by joint, {chosen} minus {reference} on the part for reporting; the '
        'intervals over people hold for all joints together:',
        table,
    ]


def describe_data(plan: Plan) -> str:
    """Where the people of the three parts come from."""
    people = {name: part.people for name, part in plan.parts.items()}
    text = (
        f'{people["train"]} people to train, {people["choose"]} to choose, '
        f'{people["report"]} to report.'
    )
    if plan.split_seed is not None:
        together = ' and '.join(plan.kept_together)
        text += (
            f' Split by image{f" and {together}" if together else ""}, seed '
            f'{plan.split_seed}.'
        )
    return (
        f'{text} Boxes are the annotated ones. Weights are those at the end of training. '
        'Choosing looks at the part for choosing only.'
    )


def write_page(runs: MeasuredRuns) -> str:
    """The chosen candidate beside the reference as report.html -> a line that says so."""
    from gm_pose.report.write_report import write_report
    from gm_pose.sweep.plan import SweepRun

    outcome = conclude(runs)
    if outcome is None or outcome.chosen is None:
        return 'no page: fewer than two candidates have finished'
    path = runs.folder / 'report.html'
    inputs = [
        runs.read(SweepRun(name, seed), 'report')
        for name in (outcome.reference, outcome.chosen)
        for seed in runs.get(name, 'report')
    ]
    try:
        write_report(inputs, str(path))
    except UserError as error:
        return f'no page: {error}'
    return f'page: {path}'
