"""Runs -> the report's file: reading, measuring, comparing, writing."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable, Sequence
from pathlib import Path

from gm_pose.report.analysis.comparison import (
    Comparison,
    check_same_people,
    compare_settings,
)
from gm_pose.report.analysis.run_analysis import MeasuredRun, analyze_run, measure_run
from gm_pose.report.page.libraries import check_libraries
from gm_pose.report.page.write_page import (
    ReportContent,
    count_cards,
    render_page,
)
from gm_pose.report.reading.run_inputs import RunInputs
from gm_pose.runs.files.atomic_files import explain_write_error, write_atomically

__all__ = ['write_report']


def write_report(
    inputs: Sequence[RunInputs],
    path: str,
    num_people: int = 20,
    tell: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> list[Comparison]:
    """Runs -> one HTML file that needs no network.

    Args:
        inputs: runs, see `gm_pose.report.reading.run_inputs.read_run`. Those of one label
            are seeds of one setting; the first label is the reference of the others.
        path: file to write.
        num_people: worst and typical people that are drawn of each setting.
        tell: called with what is done, how many steps of it are done, and of how many.

    Returns:
        Each further setting against the reference.

    Raises:
        UserError: Jinja2 or Plotly is missing, runs are of different people, or the file
            cannot be written.
    """
    check_libraries()
    settings: dict[str, list[MeasuredRun]] = {}
    for number, run in enumerate(inputs):
        settings.setdefault(run.label, []).append(measure_run(run))
        tell('runs measured', number + 1, len(inputs))
    every = [run for runs in settings.values() for run in runs]
    check_same_people(every)
    reference, *others = settings.values()
    comparisons = [compare_settings(reference, runs) for runs in others]
    analyses = []
    for number, runs in enumerate(settings.values()):
        analyses.append(analyze_run(runs[0]))
        tell('settings analysed', number + 1, len(settings))
    content = ReportContent(
        analyses, [len(runs) for runs in settings.values()], comparisons, num_people
    )
    page = render_page(content, _Counter(tell, count_cards(content)))
    try:
        Path(osp.dirname(osp.abspath(path))).mkdir(parents=True, exist_ok=True)
        write_atomically(path, page.encode())
    except OSError as error:
        raise explain_write_error(error, path, option='--out') from error
    return comparisons


class _Counter:
    """Counts pictures for `tell`."""

    def __init__(self, tell: Callable[[str, int, int], None], total: int) -> None:
        self.tell, self.total, self.done = tell, total, 0

    def __call__(self) -> None:
        self.done += 1
        self.tell('people drawn', self.done, self.total)
