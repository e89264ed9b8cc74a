"""How a run was made: environment, config, command, as tables of the page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from gm_pose.report.analysis.run_analysis import RunAnalysis
from gm_pose.report.reading.run_config import (
    ConfigDifference,
    compare_configs,
    find_base,
    find_config,
)
from gm_pose.version import __version__

if TYPE_CHECKING:
    from mmengine.config import Config

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
    """The first run's config against its base; further runs against the first."""
    tables = []
    first = runs[0].inputs
    if first.config is not None and first.folder is not None:
        tables = _compare_with_base(first.config, first.folder.config_name)
    for run in runs[1:]:
        if run.inputs.config is None or first.config is None:
            continue
        rows = compare_configs(first.config, run.inputs.config)
        note = f'{run.inputs.label} against {first.label}'
        tables.append(ConfigTable(note, rows[:MAX_ROWS]))
    return tables


def _compare_with_base(config: Config, name: str) -> list[ConfigTable]:
    """What a config changes in its base, and what options and defaults changed in it."""
    from mmengine.config import Config

    file = find_config(name) if name else None
    if file is None:
        note = f'{name or "its file"} was not found: run the report where configs/ is'
        return [ConfigTable(note, [])]
    try:
        written, base = Config.fromfile(str(file)), find_base(file)
        tables = [
            ConfigTable(
                f'options and defaults of the run against {name}',
                compare_configs(written, config)[:MAX_ROWS],
            )
        ]
        if base is not None:
            rows = compare_configs(Config.fromfile(str(base)), written)
            note = f'{name} against its base {base.name}'
            tables.insert(0, ConfigTable(note, rows[:MAX_ROWS]))
    except Exception as error:  # whatever a config's Python may raise
        return [ConfigTable(f'{file} cannot be read: {error}', [])]
    return tables
