"""Scenes -> a folder in COCO 2017's layout, written so that a broken run is noticed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gm_pose.datasets.synthetic_people.coco_records import (
    detect_person,
    make_empty_coco,
)
from gm_pose.datasets.synthetic_people.scene import make_scene

FORMAT = 2
"""Raised whenever the same seed would give other pictures or labels."""

MANIFEST = 'synthetic_coco.json'
SPLITS = ('train', 'val')
PEOPLE_PER_IMAGE = (0.34, 0.34, 0.2, 0.12)
"""Probabilities of 1, 2, 3 and 4 people in a picture."""

DETECTIONS = 'person_detection_results/COCO_val2017_detections_AP_H_56_person.json'
"""Where COCO configs look for detected boxes; ours are jittered ground truth."""


def make_coco_folder(
    out: str | Path,
    train_people: int = 640,
    val_people: int = 160,
    seed: int = 0,
    overwrite: bool = False,
    report: Callable[[int, int], None] | None = None,
) -> bool:
    """Write the dataset into `out` unless it is already there, whole.

    A manifest marked incomplete is written first and replaced, atomically, by the
    complete one at the very end; a folder that a killed run left is thus recognised as
    ours and as broken, and built again.

    Args:
        out: folder to write.
        train_people, val_people: annotated people in each split.
        seed: the same seed gives the same bytes (with the same library versions).
        overwrite: build again over a dataset of ours with other settings.
        report: called with (people done, people in all) after every picture.

    Returns:
        True if the dataset was written, False if it was there already.

    Raises:
        ValueError: for counts below 1, a seed below 0, or an `out` that holds something
            else: another folder's files, or our dataset with other settings.
    """
    counts = {'train': train_people, 'val': val_people}
    for split, count in counts.items():
        if count < 1:
            raise ValueError(f'{split} people is {count}; ask for at least 1')
    if seed < 0:
        raise ValueError(f'seed is {seed}; use 0 or a positive integer')
    out = Path(out)
    settings = {
        'format': FORMAT,
        'seed': seed,
        'train_people': train_people,
        'val_people': val_people,
    }
    if _is_done(out, settings, overwrite):
        return False
    _write_json(out / MANIFEST, {'complete': False, **settings})
    _remove_pictures(out)
    done, files = 0, []
    for index, split in enumerate(SPLITS):
        data, detections = make_empty_coco(split, FORMAT), []
        (out / f'{split}2017').mkdir(exist_ok=True)
        left = counts[split]
        while left:
            number = len(data['images'])
            rng = np.random.default_rng([seed, index, number])
            people = min(left, int(rng.choice(4, p=PEOPLE_PER_IMAGE)) + 1)
            scene = make_scene(rng, people)
            # COCO's ids are unique over both splits; ours are too.
            image_id = number * 2 + index + 1
            name = f'{image_id:012d}.jpg'
            height, width = scene.image.shape[:2]
            _write_image(out / f'{split}2017' / name, scene.image)
            files.append(f'{split}2017/{name}')
            data['images'].append(
                {
                    'license': 1,
                    'file_name': name,
                    'coco_url': '',
                    'height': height,
                    'width': width,
                    'date_captured': '2017-01-01 00:00:00',
                    'flickr_url': '',
                    'id': image_id,
                }
            )
            for annotation in scene.annotations:
                annotation.update(
                    image_id=image_id,
                    category_id=1,
                    id=len(data['annotations']) * 2 + index + 1,
                )
                data['annotations'].append(annotation)
                detections.append(detect_person(rng, annotation, width, height))
            left -= people
            done += people
            if report:
                report(done, train_people + val_people)
        files.append(f'annotations/person_keypoints_{split}2017.json')
        _write_json(out / files[-1], data)
    files.append(DETECTIONS)
    _write_json(out / DETECTIONS, detections)
    digests = {name: _digest(out / name) for name in files}
    _write_json(out / MANIFEST, {'complete': True, **settings, 'files': digests})
    return True


def _is_done(out: Path, settings: dict[str, int], overwrite: bool) -> bool:
    """Whether `out` holds this dataset whole; ValueError if it holds something else."""
    if out.exists() and not out.is_dir():
        raise ValueError(f'{out} is a file; give a folder')
    # A run killed at its very start leaves nothing but half a manifest.
    half = f'{MANIFEST}.part'
    if not out.is_dir() or all(path.name == half for path in out.iterdir()):
        return False
    try:
        manifest = json.loads((out / MANIFEST).read_text())
        found = {key: manifest[key] for key in settings}
        complete = manifest['complete']
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(
            f'{out} is not empty and was not written by this tool (no readable '
            f'{MANIFEST}); give an empty or new folder'
        ) from None
    if not complete:
        return False
    if found == settings:
        return all(
            (out / name).is_file() and _digest(out / name) == digest
            for name, digest in manifest['files'].items()
        )
    if overwrite:
        return False
    differences = ', '.join(
        f'{key} is {found[key]}, asked for {settings[key]}'
        for key in settings
        if found[key] != settings[key]
    )
    raise ValueError(
        f'{out} holds this dataset with other settings ({differences}); give another '
        'folder or ask to overwrite'
    )


def _remove_pictures(out: Path) -> None:
    """Remove pictures with COCO's names that an earlier run may have left."""
    for split in SPLITS:
        for path in (out / f'{split}2017').glob('*.jpg'):
            if re.fullmatch(r'\d{12}\.jpg', path.name):
                path.unlink()


def _write_json(path: Path, data: Any) -> None:
    """Write JSON so that `path` is either the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + '.part')
    with part.open('w', encoding='utf-8') as stream:
        json.dump(data, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)


def _write_image(path: Path, image: np.ndarray) -> None:
    """Write a JPEG; OSError if the disk does not take it (OpenCV only says False)."""
    ok, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not ok:
        raise OSError(f'{path}: the image of shape {image.shape} cannot be encoded')
    path.write_bytes(data.tobytes())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
