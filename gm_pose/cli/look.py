"""`gm_pose look`: what a config trains on, or what its model predicts, person by person."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gm_pose.looks.index_page import Entry
    from gm_pose.looks.samples import Setup

DESCRIPTION = """Draw one sheet a person and an index of all. Without --checkpoint: the
first people of the training run, cropped and augmented as it has them, each joint's target
and its weight in the loss, the skeleton and its mirror image; and what is wrong: joints
without a target, cut or overlapping targets, sigmas too narrow or too wide for the cells.
With --checkpoint: target beside prediction of validation people, errors in px and OKS."""
EXAMPLE = """example:
  gm_pose look mouse/mouse_res50.py
  gm_pose look mouse/mouse_res50.py --checkpoint work_dirs/mouse_res50/epoch_210.pth"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from gm_pose.cli.run_arguments import add_cfg_options

    parser.add_argument('config', help='config file')
    parser.add_argument('--checkpoint', help='draw what this one predicts')
    parser.add_argument(
        '--out', type=Path, metavar='DIR', help='folder (work_dirs/CONFIG/look)'
    )
    parser.add_argument(
        '--num-people', type=int, default=24, metavar='N', help='sheets (%(default)s)'
    )
    parser.add_argument(
        '--seed', type=int, help="of the run (the config's `randomness`, else 0)"
    )
    parser.add_argument('--device', help='cpu, cuda:0, ... (a GPU where there is one)')
    parser.add_argument(
        '--no-fast',
        action='store_true',
        help="crops of MMPose's own pipeline, whatever the config says",
    )
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> int:
    """Draw; 0."""
    from gm_pose.cli.run_arguments import run_task

    return run_task(look, args)


def look(args: argparse.Namespace) -> Path:
    """Draw the sheets and the index -> path of the index.

    Raises:
        UserError: the config, its data or the checkpoint cannot be used.
    """
    from gm_pose.looks.findings import count_kinds, find_in_setup
    from gm_pose.looks.index_page import format_index
    from gm_pose.runs.files.atomic_files import write_atomically
    from gm_pose.runs.user_errors import UserError
    from gm_pose.visualization.picture_files import make_picture_folder

    if args.num_people < 1:
        raise UserError(f'--num-people is {args.num_people}; expected at least 1')
    name = Path(args.config).stem
    kind = 'predictions' if args.checkpoint else 'look'
    out = args.out or Path('work_dirs') / name / kind
    setup, entries = (_look_after if args.checkpoint else _look_before)(args)
    made: list[Entry] = []
    names: set[str] = set()
    for entry in show_progress(entries, args.num_people):
        if not made:
            make_picture_folder(out)
        made.append(_write_sheet(entry, setup, out, names))
    if not made:
        raise UserError(f'{args.config} has nobody to draw; expected annotated people')
    alerts = find_in_setup(setup)
    page = format_index(made, setup, alerts, name, _repeat_command(args))
    write_atomically(out / 'index.html', page.encode())
    print(f'crops: {setup.source}')
    for kind, count in count_kinds(
        [*alerts, *(f for e in made for f in e.findings)]
    ).items():
        print(f'  {kind}: {count}')
    for alert in alerts:
        print(f'  config: {setup.names[alert.joint]}: {alert.text}')
    if args.checkpoint:
        print(_describe_predictions(made))
    print(f'{len(made)} sheets; open {out / "index.html"}')
    return out / 'index.html'


def _look_before(args: argparse.Namespace) -> tuple[Setup, Iterator[Entry]]:
    """Training's people, without their pictures yet."""
    from itertools import islice

    from mmengine.registry import init_default_scope

    from gm_pose.cli.run_config import merge_options, read_config
    from gm_pose.looks.findings import find_in_person
    from gm_pose.looks.index_page import Entry
    from gm_pose.looks.read_config import check_config
    from gm_pose.looks.training_samples import open_training

    cfg = read_config(args.config)
    merge_options(cfg, args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    check_config(cfg, args.config, 'train')
    if args.no_fast:
        cfg.fast_lane = None
    seed = args.seed
    if seed is None:
        seed = (cfg.get('randomness') or {}).get('seed') or 0
    setup, people = open_training(cfg, seed)
    return setup, (
        Entry(person, '', find_in_person(person, setup))
        for person in islice(people, args.num_people)
    )


def _look_after(args: argparse.Namespace) -> tuple[Setup, Iterator[Entry]]:
    """Validation's people and predictions."""
    from mmengine.registry import init_default_scope

    from gm_pose.cli.picture_run import build_model, read_drawable_config
    from gm_pose.looks.findings import find_in_person
    from gm_pose.looks.index_page import Entry
    from gm_pose.looks.predicted_samples import open_validation

    cfg = read_drawable_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    model = build_model(cfg, args.checkpoint, args.device)
    setup, pairs = open_validation(cfg, model, args.num_people)
    return setup, (
        Entry(person, '', find_in_person(person, setup), prediction)
        for person, prediction in pairs
    )


def _write_sheet(entry: Entry, setup: Setup, out: Path, taken: set[str]) -> Entry:
    """Draw an entry's sheet -> the entry with its file's name, new among the `taken`."""
    from dataclasses import replace

    from gm_pose.looks.sheets import draw_prediction_sheet, draw_training_sheet
    from gm_pose.visualization.picture_files import write_picture

    if entry.prediction is None:
        sheet = draw_training_sheet(entry.person, setup, entry.findings)
    else:
        sheet = draw_prediction_sheet(entry.person, setup, entry.prediction)
    stem = Path(entry.person.image_path).stem
    number = '' if entry.person.id is None else f'_{entry.person.id}'
    # 60 letters: a file system takes 255 bytes, and a letter has up to 4
    stem = re.sub(r'[^\w.-]+', '_', stem[:60]) + number
    name = f'{stem}.png' if f'{stem}.png' not in taken else f'{stem}_{len(taken)}.png'
    taken.add(name)
    write_picture(out / name, sheet)
    return replace(entry, sheet=name)


def show_progress(entries: Iterable[Any], total: int) -> Iterator[Any]:
    """Pass entries on; a line on a terminal says how far it is and how long it takes."""
    began = time.monotonic()
    for done, entry in enumerate(entries, 1):
        yield entry
        if sys.stderr.isatty():
            left = (time.monotonic() - began) / done * (total - done)
            text = f'\r{done}/{total} sheets, {left:.0f} s left '
            print(text, end='', file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _describe_predictions(entries: list[Entry]) -> str:
    import numpy as np

    oks = np.array([e.prediction.oks for e in entries if e.prediction is not None])
    errors = np.array(
        [e.prediction.error_px for e in entries if e.prediction is not None]
    )
    if not np.isfinite(oks).any():
        return f'median error {np.nanmedian(errors):.1f} px'
    return f'mean OKS {np.nanmean(oks):.3f}, median error {np.nanmedian(errors):.1f} px'


def _repeat_command(args: argparse.Namespace) -> str:
    words = ['gm_pose', 'look', args.config, '--num-people', str(args.num_people)]
    for option in ('checkpoint', 'out', 'seed'):
        value = getattr(args, option)
        if value is not None:
            words += [f'--{option}', str(value)]
    if args.cfg_options:
        words += ['--cfg-options', *(f'{k}={v}' for k, v in args.cfg_options.items())]
    return shlex.join(words + (['--no-fast'] if args.no_fast else []))
