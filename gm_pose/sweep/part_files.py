"""Where the people of a sweep are: an annotation file and an image folder for each part."""

from __future__ import annotations

import hashlib
import json
import os.path as osp
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.data_parts import count_people, split_annotations

if TYPE_CHECKING:
    from mmengine.config import Config

__all__ = ['PARTS', 'Part', 'PartRequest', 'find_parts', 'find_training_data']

PARTS = ('train', 'choose', 'report')
SHARES = dict(train=0.7, choose=0.15, report=0.15)


@dataclass(frozen=True)
class Part:
    """A part of the data.

    Attributes:
        annotations: absolute path of a COCO file.
        images: absolute path of the folder of its images.
        people: to be found in it.
        sha256: of the file.
    """

    annotations: str
    images: str
    people: int
    sha256: str


@dataclass(frozen=True)
class PartRequest:
    """What a user says about the parts.

    Attributes:
        choose, report: annotation files; None: a part of the training annotations.
        choose_images, report_images: their image folders; None: one that the config names.
        split_seed: of the split of the training annotations.
    """

    choose: str | None = None
    report: str | None = None
    choose_images: str | None = None
    report_images: str | None = None
    split_seed: int = 0


def find_training_data(cfg: Config) -> tuple[str, str]:
    """Config -> annotation file and image folder of its training.

    Raises:
        UserError: a dataset of several, or one without a COCO file.
    """
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    if 'ann_file' not in dataset:
        raise UserError(
            f'train_dataloader.dataset is {dataset.get("type")}, which has no ann_file; a '
            'sweep splits the annotations of one COCO-style dataset. Fix: put all people '
            'into one file'
        )
    return _locate(dataset)


def _locate(dataset: Any) -> tuple[str, str]:
    root = dataset.get('data_root') or ''
    prefix = (dataset.get('data_prefix') or {}).get('img') or ''
    return (
        osp.abspath(osp.join(root, dataset['ann_file'])),
        osp.abspath(osp.join(root, prefix)),
    )


def find_parts(
    cfg: Config, request: PartRequest, folder: Path
) -> tuple[dict[str, Part], tuple[str, ...]]:
    """Config -> its three parts, and the fields that kept images together.

    Annotation files of parts that are split off are written into `folder`, whole or not at
    all.

    Raises:
        UserError: a file or its images are not there, or a part would be empty.
    """
    source, images = find_training_data(cfg)
    given = dict(choose=request.choose, report=request.report)
    own_folders = dict(choose=request.choose_images, report=request.report_images)
    wanted = {name: SHARES[name] for name in PARTS if not given.get(name)}
    parts, keys = {}, ()
    if len(wanted) == 1:
        parts['train'] = _describe(source, images)
    else:
        shares = {name: share / sum(wanted.values()) for name, share in wanted.items()}
        split = split_annotations(read_json(source), shares, request.split_seed, source)
        keys = split.kept_together
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in split.parts.items():
            path = folder / f'{name}.json'
            data = json.dumps(content).encode()
            if not path.is_file() or path.read_bytes() != data:
                write_atomically(path, data)
            parts[name] = _describe(str(path), images)
    for name, path in given.items():
        if path:
            place = own_folders[name] or _find_images(cfg, path, name)
            parts[name] = _describe(osp.abspath(path), osp.abspath(place))
    _check_overlap(parts)
    return {name: parts[name] for name in PARTS}, keys


def _describe(annotations: str, images: str) -> Part:
    content = read_json(annotations)
    if not isinstance(content, dict) or not content.get('annotations'):
        raise UserError(
            f'{annotations} has no annotations; expected a COCO keypoint file'
        )
    people = count_people(content)
    if not people:
        raise UserError(f'{annotations} has nobody with a labelled joint')
    digest = hashlib.sha256(Path(annotations).read_bytes()).hexdigest()
    return Part(annotations, images, people, digest)


def _find_images(cfg: Config, path: str, name: str) -> str:
    """The folder, of those that the config names, that holds the images of a file."""
    content = read_json(path)
    files = [i.get('file_name', '') for i in (content.get('images') or [])[:3]]
    folders = []
    for split in ('val', 'test', 'train'):
        dataset = (cfg.get(f'{split}_dataloader') or {}).get('dataset') or {}
        if 'ann_file' in dataset:
            folders.append(_locate(dataset)[1])
    for folder in folders:
        if files and all(osp.isfile(osp.join(folder, file)) for file in files):
            return folder
    raise UserError(
        f'--{name} {path}: its images are not in {", ".join(dict.fromkeys(folders))}. Fix: '
        f'--{name}-images DIR'
    )


def _check_overlap(parts: dict[str, Part]) -> None:
    """Raise UserError if two parts hold the same image file."""
    files = {
        name: {
            osp.join(part.images, str(image.get('file_name')))
            for image in read_json(part.annotations).get('images') or []
        }
        for name, part in parts.items()
    }
    for first, second in (
        ('train', 'choose'),
        ('train', 'report'),
        ('choose', 'report'),
    ):
        both = sorted(files[first] & files[second])
        if both:
            raise UserError(
                f'{len(both)} images are in the parts to {first} and to {second}, such as '
                f'{both[0]}; expected none. Fix: give files without common images'
            )
