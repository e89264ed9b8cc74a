"""SLEAP's projects, read by sleap-io (BSD-3).

It is kept by SLEAP's authors and brings about 20 packages, so that it is an extra.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.new_dataset.readers.image_files import ImageFolder, read_size
from gm_pose.runs.user_errors import UserError

__all__ = ['read_sleap']

INSTALL = "pip install 'gm_pose[labels]'"


def read_sleap(path: Path, images: Path) -> KeypointData:
    """`.slp` or `.pkg.slp` -> animals labelled by a person.

    Predictions are left out. Frames of a video become images of the new folder.

    Raises:
        UserError: sleap-io is missing or cannot read the file.
    """
    try:
        import sleap_io
    except ImportError as error:
        raise UserError(
            f'{path} needs sleap-io to be read, which is not installed. Fix: {INSTALL}'
        ) from error
    try:
        labels = sleap_io.load_slp(str(path))
    except Exception as error:  # whatever HDF5 or sleap-io raise for a bad file
        text = ' '.join(str(error).split())[:200]
        raise UserError(f'{path} cannot be read as SLEAP project: {text}') from error
    if len(labels.skeletons) != 1:
        raise UserError(
            f'{path} has {len(labels.skeletons)} skeletons; expected one. Fix: export the '
            'frames of one skeleton'
        )
    skeleton = labels.skeletons[0]
    data = KeypointData(
        source='SLEAP',
        images=[],
        annotations=[],
        joint_names=[str(name) for name in skeleton.node_names],
        links=[(int(a), int(b)) for a, b in skeleton.edge_inds],
        category=dict(id=1, name=skeleton.name or 'animal'),
    )
    _add_frames(data, labels, images)
    return data


def _add_frames(data: KeypointData, labels: Any, images: Path) -> None:
    frames = [f for f in labels.labeled_frames if len(f.user_instances)]
    if not frames:
        raise UserError('no frame has labels of a person; predictions do not count')
    are_files = [isinstance(f.video.filename, list) for f in frames]
    if any(are_files) and not all(are_files):
        raise UserError(
            'some frames are image files and others of videos; expected one kind. Fix: '
            'export a package (.pkg.slp) with all of them'
        )
    folder = ImageFolder(images) if all(are_files) else None
    missing: list[str] = []
    for number, frame in enumerate(frames, 1):
        if folder is not None:
            written = str(frame.video.filename[frame.frame_idx])
            name = folder.find(written)
            if name is None:
                missing.append(written)
                continue
            height, width = read_size(images / name)
        else:
            name = f'frame_{number:06d}.png'
            data.frames[name] = _make_reader(frame)
            height, width = data.frames[name]().shape[:2]
        data.images.append(dict(id=number, file_name=name, width=width, height=height))
        for instance in frame.user_instances:
            data.annotations.append(_make_person(data, number, instance))
    data.note_missing(missing, images)
    if data.frames:
        data.notes.append(f'{len(data.frames)} frames of videos are written as images')


def _make_person(data: KeypointData, image_id: int, instance: Any) -> dict[str, Any]:
    """Points (K, 2), NaN where unlabelled -> annotation."""
    points = np.asarray(instance.numpy(), dtype=float)[:, :2]
    known = np.isfinite(points).all(1)
    triples = np.column_stack([np.where(known[:, None], points, 0), 2 * known])
    return dict(
        id=len(data.annotations) + 1,
        image_id=image_id,
        category_id=1,
        iscrowd=0,
        keypoints=[round(float(v), 2) for v in triples.ravel()],
        num_keypoints=int(known.sum()),
    )


def _make_reader(frame: Any) -> Callable[[], Any]:
    def read() -> Any:
        try:
            pixels = frame.image
        except Exception as error:
            raise UserError(
                f'frame {frame.frame_idx} of {frame.video.filename} cannot be read: '
                f'{error}. Fix: export a package (.pkg.slp), which holds its frames'
            ) from error
        if pixels.shape[2] == 1:
            pixels = np.repeat(pixels, 3, axis=2)
        return np.ascontiguousarray(pixels[..., ::-1])

    return read
