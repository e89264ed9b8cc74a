"""people.jsonl: what is done, a line for each frame, to go on from and to make files of."""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gm_pose.inference.backends.pose_backend import ModelDescription
from gm_pose.inference.people import People
from gm_pose.inference.people_formats import ARRAYS
from gm_pose.runs.files.atomic_files import explain_write_error
from gm_pose.runs.user_errors import UserError

__all__ = ['Journal']

FORMAT = 1


class Journal:
    """Appends people to a file, reads them again, one frame at a time.

    A line that a killed run left half-written is removed. The file is locked until it is
    closed: two runs would write the same frames.

    Args:
        path: of the file.
        settings: what results depend on; a file with others is refused.
        restart: begin anew whatever is there.

    Raises:
        UserError: the file holds results of other settings, is written by another run, or
            cannot be written.
    """

    def __init__(self, path: Path, settings: dict[str, Any], restart: bool) -> None:
        self._path = path
        self.done: set[tuple[str, int | None]] = set()
        self._header = dict(format=FORMAT, settings=settings)
        try:
            # unbuffered: bytes that did not fit would be written again by `close`
            self._file = open(path, 'ab', buffering=0)  # noqa: SIM115  `close` does it
            try:
                self._lock()
                if restart or not path.stat().st_size:
                    path.write_bytes(_encode(self._header))
                else:
                    self._resume()
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise explain_write_error(error, str(path), option='--out') from error

    def _lock(self) -> None:
        try:  # of this descriptor: `lockf` would end where `read` closes the file
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f'another run writes to {self._path.parent}. Fix: wait until it has ended, '
                'or name another --out'
            ) from None
        except OSError:  # a file system without locks
            pass

    def append(self, people: People) -> None:
        """Write a frame's people; they reach the file system at once."""
        line: dict[str, Any] = dict(
            source=people.source,
            frame=people.frame,
            image_id=people.image_id,
            image_size=people.image_size,
        )
        for name in (*ARRAYS, 'track_ids'):
            values = getattr(people, name)
            line[name] = None if values is None else values.tolist()
        try:
            content = memoryview(_encode(line))
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise explain_write_error(error, str(self._path), option='--out') from error

    def read(self, description: ModelDescription) -> Iterator[People]:
        """All frames that are done, in the order of the file."""
        with open(self._path, 'rb') as file:
            next(file)
            for number, line in enumerate(file, 2):
                try:
                    people = _decode(line, description)
                except (ValueError, LookupError, TypeError) as error:
                    raise UserError(
                        f'line {number} of {self._path} is not of gm_pose predict '
                        f'({error!r}). Fix: name another --out, or add --overwrite'
                    ) from error
                yield people

    def close(self) -> None:
        """No more is written."""
        self._file.close()

    def _resume(self) -> None:
        """Check the header, note what is done, drop half a line at the end."""
        end = 0
        with open(self._path, 'rb') as file:
            self._check_header(file.readline())
            end = file.tell()
            for line in file:
                try:
                    frame = json.loads(line) if line.endswith(b'\n') else None
                    if frame is None:
                        break
                    self.done.add((frame['source'], frame['frame']))
                except (ValueError, LookupError, TypeError):
                    break
                end += len(line)
        os.truncate(self._path, end)

    def _check_header(self, line: bytes) -> None:
        remedy = 'Fix: name another --out, or add --overwrite'
        try:
            found = json.loads(line)
            settings = dict(found['settings'])
        except (ValueError, LookupError, TypeError):
            raise UserError(
                f'{self._path} is not of gm_pose predict. {remedy}'
            ) from None
        mine = json.loads(_encode(self._header))
        for name, value in {**mine['settings'], **mine}.items():
            other = {**settings, **found}.get(name)
            if name != 'settings' and other != value:
                raise UserError(
                    f'{self._path.parent} holds results with {name}={other!r}, and this '
                    f'run has {value!r}. {remedy}'
                )


def _encode(line: dict[str, Any]) -> bytes:
    return json.dumps(line, separators=(',', ':')).encode() + b'\n'


def _decode(line: bytes, description: ModelDescription) -> People:
    frame = json.loads(line)
    joints = description.joint_count
    shapes = ((joints, 2), (joints,), (joints, 2, 2), (joints,), (), (4,), ())
    arrays: dict[str, Any] = {
        name: np.array(frame[name], np.float32).reshape(-1, *shape)
        for name, shape in zip(ARRAYS, shapes, strict=True)
    }
    tracks = frame['track_ids']
    return People(
        **arrays,
        description=description,
        image_size=tuple(frame['image_size']),
        source=frame['source'],
        frame=frame['frame'],
        track_ids=None if tracks is None else np.array(tracks, np.int64),
        image_id=frame['image_id'],
    )
