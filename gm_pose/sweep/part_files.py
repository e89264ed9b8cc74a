"""Where the people of a sweep are: an annotation file and an image folder for each part."""

from __future__ import annotations

import hashlib
import itertools
import os.path as osp
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.files.atomic_files import write_atomically
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.data_parts import count_people, split_annotations

if TYPE_CHECKING:
    from mmengine.config import Config

__all__ = ['PARTS', 'Part', 'PartRequest', 'Parts', 'find_parts', 'find_training_data']

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


@dataclass(frozen=True)
class Parts:
    """The three parts of a sweep's data.

    Attributes:
        parts: by name.
        kept_together: fields by whose values images stay in one part.
        new_files: content of the annotation files that the split makes.
    """

    parts: dict[str, Part]
    kept_together: tuple[str, ...]
    new_files: dict[str, bytes]

    def write(self) -> None:
        """Write the files that are not there yet: another process may be reading them."""
        for path, data in self.new_files.items():
            file = Path(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.is_file() or file.read_bytes() != data:
                write_atomically(file, data)


def find_parts(cfg: Config, request: PartRequest, folder: Path) -> Parts:
    """Config -> its three parts; writes nothing.

    Args:
        cfg: merged config.
        request: the user's word.
        folder: where files of the split will be.

    Raises:
        UserError: a file or its images are not there, or a part would be empty.
    """
    source, images = find_training_data(cfg)
    own = {'choose': request.choose, 'report': request.report}
    own_folders = {'choose': request.choose_images, 'report': request.report_images}
    contents = {'train': _read(source)}
    places = {'train': (source, images)}
    keys: tuple[str, ...] = ()
    wanted = {name: SHARES[name] for name in PARTS if not own.get(name)}
    if len(wanted) > 1:
        shares = {name: share / sum(wanted.values()) for name, share in wanted.items()}
        split = split_annotations(contents['train'], shares, request.split_seed, source)
        keys = split.kept_together
        contents.update(split.parts)
        places.update({n: (str(folder / f'{n}.json'), images) for n in split.parts})
    for name, file in own.items():
        if file:
            contents[name] = _read(file)
            place = own_folders[name] or _find_images(cfg, contents[name], name, file)
            places[name] = osp.abspath(file), osp.abspath(place)
    _check_overlap(contents, places)
    new_files = {}
    if len(wanted) > 1:
        new_files = {places[n][0]: orjson.dumps(contents[n]) for n in wanted}
    parts = {}
    for name in PARTS:
        path = places[name][0]
        data = new_files[path] if path in new_files else Path(path).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        parts[name] = Part(*places[name], count_people(contents[name]), digest)
    return Parts(parts, keys, new_files)


def _read(path: str) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or not content.get('annotations'):
        raise UserError(f'{path} has no annotations; expected a COCO keypoint file')
    if not count_people(content):
        raise UserError(f'{path} has nobody with a labelled joint')
    return content


def _find_images(cfg: Config, content: dict[str, Any], name: str, path: str) -> str:
    """The folder, of those that the config names, that holds the images of a file."""
    files = [str(i.get('file_name', '')) for i in (content.get('images') or [])[:3]]
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


def _check_overlap(
    contents: dict[str, dict[str, Any]], places: dict[str, tuple[str, str]]
) -> None:
    """Raise UserError if two parts hold the same image file."""
    files = {
        name: {
            osp.join(places[name][1], str(image.get('file_name')))
            for image in content.get('images') or []
        }
        for name, content in contents.items()
    }
    for first, second in itertools.combinations(files, 2):
        both = sorted(files[first] & files[second])
        if both:
            raise UserError(
                f'{len(both)} images are in the parts to {first} and to {second}, such as '
                f'{both[0]}; expected none. Fix: give files without common images'
            )
