"""The config of a new dataset, as text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from gm_pose.new_dataset.bases import BASES, HEADS, Shape
from gm_pose.new_dataset.joints import Joint
from gm_pose.new_dataset.schedule import Schedule

__all__ = ['DataPaths', 'format_config', 'suggest_sigmas']

# filled in by MMEngine, as it is: the config's own folder, which may have a quote in it
HERE = 'r"""{{ fileDirname }}/"""'
NARROW = ('nose', 'left_eye', 'right_eye')


@dataclass(frozen=True)
class DataPaths:
    """Python expressions of the paths of a split; `here` is the config's folder."""

    ann_file: str
    images: str
    num_people: int
    num_images: int


def suggest_sigmas(joints: Sequence[Joint], base: str) -> tuple[str, str]:
    """Joints -> a table of sigmas in cells, as Python, and why it is so.

    Noses and eyes are narrow, all others have one sigma: what the study found for COCO's
    joints. Nothing else is known to be better for other joints.
    """
    common, narrow_cells = BASES[base].sigma, BASES[base].narrow_sigma
    narrow = [
        j.name
        for j in joints
        if j.known
        and (j.known.dataset, j.known.name) in {('coco', n) for n in NARROW}
        and j.known.likeness == 1
    ]
    if not narrow or len(narrow) == len(joints):
        return f'{common}', 'one for all joints, as best in the study of uniform sigmas'
    items = ''.join(f', {name!r}: {narrow_cells}' for name in narrow)
    return (
        f"{{'default': {common}{items}}}",
        'noses and eyes are found easily and judged strictly: narrow, as in the study',
    )


def format_config(
    name: str,
    base_name: str,
    joints: Sequence[Joint],
    shape: Shape,
    train: DataPaths,
    val: DataPaths,
    schedule: Schedule,
    made_by: str,
) -> str:
    """Everything decided -> content of a config file (Python)."""
    base = BASES[base_name]
    sigmas, reason = suggest_sigmas(joints, base_name)
    sized: tuple[str, ...] = ()
    if shape != BASES['res50'].shape:
        sized = (
            f'    # boxes are {shape.boxes}',
            f'    input_size={shape.input_size},',
            f'    heatmap_size={shape.heatmap_size},',
        )
    flip = ('    aligned_flip=True,',) if base.aligned_flip else ()
    head = (f'out_channels={len(joints)},', *HEADS.get(base_name, ()))
    lines = [
        f'# {name}: {len(joints)} joints, {base.what}.',
        f'# Training on {train.num_people} people in {train.num_images} images, validation '
        f'on {val.num_people} in {val.num_images}.',
        f'# Written by: {made_by}',
        f'# Command: gm_pose train {shlex.quote(f"{name}_{base_name}.py")}',
        '# Expected: open',
        '# Status: not run',
        f'_base_ = [{base.config!r}]'
        if len(base.config) < 70
        else _split_path(base.config),
        'from gm_pose import with_codec, with_fast_lane',
        '',
        f"here = {HERE}  # this file's folder",
        f'metainfo = here + {f"{name}_metainfo.py"!r}',
        'codec = with_codec(',
        '    _base_,',
        f'    # in cells; {reason}',
        f'    sigmas={sigmas},',
        '    dataset=metainfo,',
        *sized,
        '    unbiased=True,',
        '    balance_weights=True,',
        *flip,
        ')',
        'with_fast_lane(_base_)  # `--no-fast` leaves it',
        '',
        'model = dict(',
        *(f'    {line}' for line in base.model),
        '    head=dict(',
        *(f'        {line}' for line in head),
        '    ),',
        ')',
        "data = dict(data_root='', metainfo=dict(from_file=metainfo))",
        'train_dataloader = dict(',
        f'    batch_size={schedule.batch_size},',
        '    dataset=dict(',
        f'        ann_file={train.ann_file},',
        f'        data_prefix=dict(img={train.images}),',
        '        **data,',
        '    ),',
        ')',
        'val_dataloader = dict(',
        '    dataset=dict(',
        f'        ann_file={val.ann_file},',
        f'        data_prefix=dict(img={val.images}),',
        '        bbox_file=None,  # annotated boxes',
        '        **data,',
        '    ),',
        ')',
        'test_dataloader = val_dataloader',
        f'val_evaluator = dict(ann_file={val.ann_file})',
        'test_evaluator = val_evaluator',
        '',
        *schedule.format(),
        *base.lines,
        '',
    ]
    return '\n'.join(lines)


def _split_path(config: str) -> str:
    folder, _, name = config.rpartition('/')
    return f"_base_ = [\n    '{folder}/'\n    '{name}'\n]"
