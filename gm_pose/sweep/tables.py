"""The tables of a sweep, in Markdown and CSV."""

import csv
import io
from collections.abc import Mapping, Sequence

from gm_pose.report.analysis.comparison import Comparison
from gm_pose.runs.queue.job import Job
from gm_pose.sweep.candidate import Candidate
from gm_pose.sweep.measured_runs import MeasuredRuns
from gm_pose.sweep.outcome import CandidateScores, Outcome
from gm_pose.sweep.plan import Plan

__all__ = ['format_candidates', 'format_joints', 'format_problems', 'write_runs_csv']


def format_candidates(outcome: Outcome, plan: Plan) -> str:
    """Outcome -> Markdown table, a row for each candidate with finished runs."""
    rows = [
        (
            'candidate',
            'sigmas in cells',
            'seeds',
            f'AP, choosing ({plan.parts["choose"].people} people)',
            f'AP, reporting ({plan.parts["report"].people} people)',
            f'minus {outcome.reference}',
            'over people',
            'over seeds',
            'over both',
        )
    ]
    for scores in outcome.scores:
        name = scores.name
        if name in (outcome.chosen, outcome.reference):
            name = f'**{name}**'
        rows.append(
            (
                name,
                describe_sigmas(plan.find_candidate(scores.name)),
                str(len(scores.seeds)),
                f'{scores.choose:.1f}',
                f'{scores.report:.1f}',
                *_describe_difference(scores),
            )
        )
    return format_table(rows)


def _describe_difference(scores: CandidateScores) -> tuple[str, str, str, str]:
    found = scores.difference
    if found is None:
        return '', '', '', ''
    return (
        f'{found.mean:+.1f}',
        str(found.people),
        str(found.trainings or ''),
        str(found.both or ''),
    )


def describe_sigmas(candidate: Candidate) -> str:
    """'2', or '0.8 to 3.1, mean 2'."""
    cells = candidate.sigmas_cells
    if candidate.is_uniform:
        return f'{cells[0]:g}'
    mean = sum(cells) / len(cells)
    return f'{min(cells):.3g} to {max(cells):.3g}, mean {mean:.3g}'


def format_joints(
    comparison: Comparison, reference: Candidate, chosen: Candidate
) -> str:
    """Difference of two candidates by joint -> Markdown table, in points of OKS."""
    rows: list[tuple[str, ...]] = [
        (
            'joint',
            f'sigma, {reference.name}',
            f'sigma, {chosen.name}',
            'OKS difference',
            'interval',
        )
    ]
    for k, joint in enumerate(comparison.joints):
        change = joint.change
        sigmas = [c.sigmas_cells[k % len(c.sigmas_cells)] for c in (reference, chosen)]
        rows.append(
            (
                joint.name,
                *(f'{s:.3g}' for s in sigmas),
                f'{100 * change.value:+.1f}',
                f'{100 * change.low:+.1f} to {100 * change.high:+.1f}',
            )
        )
    return format_table(rows)


def format_problems(jobs: Mapping[str, Job]) -> str:
    """Runs that failed or were stopped -> a line each; '' without any."""
    lines = [
        f'- {name}: {"failed" if job.state == "failed" else "stopped early"}, {job.note}'
        for name, job in jobs.items()
        if job.state in ('failed', 'stopped')
    ]
    return '\n'.join(lines)


def write_runs_csv(runs: MeasuredRuns) -> str:
    """Finished runs -> CSV, a row for each candidate, seed and part."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(
        [
            'candidate',
            'seed',
            'part',
            'people',
            'AP',
            'AP_low',
            'AP_high',
            'AP50',
            'AP75',
        ]
    )
    for candidate in runs.plan.candidates:
        for part in ('choose', 'report'):
            for seed, run in runs.get(candidate.name, part).items():
                numbers = (*run.ap, run.numbers[1], run.numbers[2])
                writer.writerow(
                    [
                        candidate.name,
                        seed,
                        part,
                        runs.plan.parts[part].people,
                        *(f'{100 * float(n):.2f}' for n in numbers),
                    ]
                )
    return file.getvalue()


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the first of them the head -> Markdown."""
    lines = ['| ' + ' | '.join(row) + ' |' for row in rows]
    return '\n'.join([lines[0], '|' + ':---|' * len(rows[0]), *lines[1:]])
