"""A plan -> the folder with metainfo, config and annotations."""

from __future__ import annotations

import json
from pathlib import Path

from mmengine.config import Config

from gm_pose.new_dataset.config_text import DataPaths, format_config
from gm_pose.new_dataset.metainfo_text import format_metainfo
from gm_pose.new_dataset.new_folder import make_new_folder
from gm_pose.new_dataset.plan import Part, Plan
from gm_pose.new_dataset.schedule import plan_schedule
from gm_pose.runs.user_errors import UserError

__all__ = ['write_dataset']


def write_dataset(plan: Plan, out: Path, name: str, made_by: str) -> Path:
    """Write all files of a dataset, or none -> path of its config.

    The config is loaded before the folder gets its name, so that one that cannot be is
    never seen.

    Args:
        plan: what was decided.
        out: new folder.
        name: of the dataset and its files.
        made_by: the command, for the files' headers.

    Raises:
        UserError: the folder exists or cannot be written, or a frame cannot be read.
    """
    config_name = f'{name}_{plan.base}.py'
    with make_new_folder(out) as folder:
        (folder / f'{name}_metainfo.py').write_text(
            format_metainfo(
                name,
                plan.joints,
                plan.links,
                'links: ' + plan.links_from,
                plan.pairs_from,
                made_by,
            )
        )
        text = format_config(
            name,
            plan.base,
            plan.joints,
            plan.shape,
            _write_part(plan.train, folder, 'train'),
            _write_part(plan.val, folder, 'val'),
            plan_schedule(plan.train.count_people()),
            made_by,
        )
        (folder / config_name).write_text(text)
        try:
            Config.fromfile(str(folder / config_name))
        except Exception as error:
            raise UserError(
                f'the config for --base {plan.base} cannot be loaded: {error}'
            ) from error
    for path in sorted(out.iterdir()):
        print(f'wrote {path}')
    return out / config_name


def _write_part(part: Part, folder: Path, split: str) -> DataPaths:
    """A part's annotations, if the file given cannot be read as it is, and its frames."""
    images = f'{str(part.folder.resolve()) + "/"!r}'
    if part.images is None:
        ann_file = repr(str(Path(part.data.path).resolve()))
    else:
        ann_file = f"here + '{split}.json'"
        content = json.dumps(part.data.to_coco(part.images))
        (folder / f'{split}.json').write_text(content)
    if part.data.frames:
        images = "here + 'images/'"
        _write_frames(part, folder / 'images')
    return DataPaths(ann_file, images, part.count_people(), part.count_images())


def _write_frames(part: Part, folder: Path) -> None:
    import cv2

    folder.mkdir(exist_ok=True)
    for image in part.images or ():
        name = image['file_name']
        _, content = cv2.imencode('.png', part.data.frames[name]())
        (folder / name).write_bytes(content.tobytes())
