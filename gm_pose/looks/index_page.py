"""The HTML page that lists all sheets: filter, sort, and what was found joint by joint."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from gm_pose.looks.findings import KINDS, Finding, count_kinds
from gm_pose.looks.predicted_samples import Prediction
from gm_pose.looks.samples import Person, Setup

__all__ = ['Entry', 'JointRow', 'format_index', 'summarize_joints']


@dataclass(frozen=True)
class Entry:
    """A person of the index.

    Attributes:
        person: of the sheet.
        sheet: file name of the picture, beside the page.
        findings: about this person's targets.
        prediction: a model's, None before training.
    """

    person: Person
    sheet: str
    findings: Sequence[Finding]
    prediction: Prediction | None = None

    def list_rows(self, names: Sequence[str]) -> list[tuple[str, str, str]]:
        """Findings -> (kind, joint, text): no unlabelled joints, two that overlap once."""
        overlaps = {(f.joint, f.other) for f in self.findings if f.kind == 'overlap'}
        return [
            (f.kind, names[f.joint], f.text)
            for f in self.findings
            if f.kind != 'unlabelled'
            and not (
                f.other is not None
                and f.other < f.joint
                and (f.other, f.joint) in overlaps
            )
        ]


@dataclass
class JointRow:
    """A joint of the page's table; `shares` by kind of finding, of all people."""

    name: str
    swap: str
    sigma_cells: float | None
    sigma_px: float | None
    weight: float
    shares: dict[str, float] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    error_px: float = math.nan
    oks: float = math.nan


def summarize_joints(
    entries: Sequence[Entry], setup: Setup, alerts: Sequence[Finding]
) -> list[JointRow]:
    """All people -> a row for each of K joints."""
    rows = []
    weights = np.stack([e.person.weights for e in entries])
    labelled = np.stack([e.person.labelled for e in entries])
    for k, name in enumerate(setup.names):
        sigma = None if setup.sigmas_cells is None else float(setup.sigmas_cells[k])
        kinds = [{f.kind for f in e.findings if f.joint == k} for e in entries]
        own = weights[labelled[:, k], k]
        row = JointRow(
            name=name,
            swap=setup.names[setup.flip_indices[k]]
            if setup.flip_indices[k] != k
            else '',
            sigma_cells=sigma,
            sigma_px=None if sigma is None else sigma * setup.cell_px[0],
            weight=float(own.mean()) if len(own) else 0.0,
            shares={
                kind: sum(kind in found for found in kinds) / len(entries)
                for kind in KINDS
            },
            alerts=[f.text for f in alerts if f.joint == k],
        )
        errors = [
            e.prediction.errors_px[k] for e in entries if e.prediction is not None
        ]
        similar = [
            e.prediction.joint_oks[k] for e in entries if e.prediction is not None
        ]
        if np.isfinite(errors).any():
            row.error_px = float(np.nanmedian(errors))
        if np.isfinite(similar).any():
            row.oks = float(np.nanmean(similar))
        rows.append(row)
    return rows


def format_index(
    entries: Sequence[Entry],
    setup: Setup,
    alerts: Sequence[Finding],
    title: str,
    command: str,
) -> str:
    """People and joints -> the page, which loads nothing but the sheets beside it.

    Args:
        entries: one or more people.
        setup: what they share.
        alerts: findings about the config.
        title: the config's name.
        command: that wrote it.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / 'templates'),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    everything = [f for e in entries for f in e.findings]
    people = [_describe_entry(e, setup) for e in entries]
    return environment.get_template('index.html').render(
        title=title,
        command=command,
        setup=setup,
        people=people,
        kinds=KINDS,
        counts=count_kinds([*everything, *alerts]),
        joints=summarize_joints(entries, setup, alerts),
        alerts=[(setup.names[f.joint], f.kind, f.text) for f in alerts],
        has_predictions=any(e.prediction is not None for e in entries),
        shown_kinds=[k for k in ('unlabelled', 'outside', 'cut', 'overlap')],
        is_number=lambda value: value is not None and math.isfinite(value),
    )


def _describe_entry(entry: Entry, setup: Setup) -> dict[str, Any]:
    prediction = entry.prediction
    missing = [setup.names[f.joint] for f in entry.findings if f.kind == 'unlabelled']
    return dict(
        name=entry.person.name,
        sheet=entry.sheet,
        labelled=int(entry.person.labelled.sum()),
        rows=entry.list_rows(setup.names),
        missing=missing,
        kinds=json.dumps(sorted({f.kind for f in entry.findings})),
        count=len(entry.list_rows(setup.names)),
        oks=None if prediction is None else prediction.oks,
        error=None if prediction is None else prediction.error_px,
    )
