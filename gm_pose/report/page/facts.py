"""How a run was made: environment, config, command, as tables of the page."""

from __future__ import annotations

import sys
from typing import NamedTuple

from gm_pose.report.analysis.run_analysis import RunAnalysis
from gm_pose.report.reading.run_config import (
    ConfigDifference,
    compare_configs,
    find_base,
)
from gm_pose.version import __version__

__all__ = ['ConfigTable', 'compare_run_configs', 'list_facts']

MAX_ROWS = 300


class ConfigTable(NamedTuple):
    """Differences of two configs; `note` says what is compared, or why nothing is."""

    note: str
    rows: list[ConfigDifference]


def list_facts(run: RunAnalysis) -> list[tuple[str, str]]:
    """Name and value of what is known of a run."""
    inputs = run.inputs
    facts = [
        ('Predictions', inputs.source),
        ('Annotations', inputs.data.source),
        ('OKS sigmas', f'of {inputs.joints.source}'),
    ]
    if inputs.folder is not None:
        checkpoint = inputs.folder.checkpoint
        facts += [('Work directory', str(inputs.folder.path))]
        facts += [('Checkpoint', checkpoint.name)] if checkpoint is not None else []
        facts += list(inputs.folder.facts.items())
    facts.append(('Report', f'gm_pose {__version__}, Python {sys.version.split()[0]}'))
    return facts


def compare_run_configs(runs: list[RunAnalysis]) -> list[ConfigTable]:
    """Each config against its base; of several runs, against the first run's config."""
    tables = []
    first = runs[0].inputs
    if first.config is not None and first.folder is not None:
        tables.append(_compare_with_base(runs[0]))
    for run in runs[1:]:
        if run.inputs.config is None or first.config is None:
            continue
        rows = compare_configs(first.config, run.inputs.config)
        tables.append(
            ConfigTable(f'{run.inputs.label} against {first.label}', rows[:MAX_ROWS])
        )
    return tables


def _compare_with_base(run: RunAnalysis) -> ConfigTable:
    from mmengine.config import Config

    config, folder = run.inputs.config, run.inputs.folder
    if config is None or folder is None:
        return ConfigTable('', [])
    base = find_base(folder.config_name) if folder.config_name else None
    if base is None:
        return ConfigTable(
            f'the base of {folder.config_name or "its config"} was not found: run the '
            'report in the folder that holds configs/',
            [],
        )
    try:
        rows = compare_configs(Config.fromfile(str(base)), config)
    except Exception as error:  # whatever a config's Python may raise
        return ConfigTable(f'the base {base} cannot be read: {error}', [])
    return ConfigTable(
        f'{run.inputs.label} ({folder.config_name}) against its base {base.name}',
        rows[:MAX_ROWS],
    )
