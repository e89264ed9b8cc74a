"""Where an exported annotation's image is: tools write paths of their own machine."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path, PurePosixPath

from gm_pose.runs.user_errors import UserError

__all__ = ['ENDINGS', 'ImageFolder', 'read_size']

ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


_UPLOAD = re.compile('[0-9a-f]{8}-(.+)')
_UNSAFE = re.compile(r'[^-\w.]')  # what Django's get_valid_filename leaves out


class ImageFolder:
    """The image files below a folder, found by as much of a path as fits.

    Args:
        folder: walked once.

    Raises:
        UserError: it has no image.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._by_name: dict[str, list[str]] = {}
        for root, _, files in os.walk(folder):
            for name in files:
                if name.lower().endswith(ENDINGS):
                    path = (Path(root) / name).relative_to(folder).as_posix()
                    self._by_name.setdefault(name, []).append(path)
        if not self._by_name:
            raise UserError(f'--images {folder} holds no image ({", ".join(ENDINGS)})')

    def find(self, path: str) -> str | None:
        """A path, as a tool wrote it -> that of the file in the folder; None if not there.

        Several files of one name are told apart by their folders' names.

        Raises:
            UserError: they cannot be told apart.
        """
        parts = PurePosixPath(path.replace('\\', '/')).parts
        found = self._by_name.get(parts[-1], []) if parts else []
        return self._choose(found, path, parts)

    def find_upload(self, path: str) -> str | None:
        """The same of a file that was uploaded to Label Studio, which renames it.

        It puts eight hexadecimal digits before the name, writes _ for blanks and leaves
        out all but letters, digits, `_`, `-` and `.`: '3e1b1c2d-a_1.jpg' was 'a 1.jpg'.
        """
        upload = _UPLOAD.fullmatch(PurePosixPath(path).name)
        if upload is None:
            return None
        return self._choose(self._by_clean_name.get(_clean(upload[1]), []), path, ())

    @cached_property
    def _by_clean_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, files in self._by_name.items():
            found.setdefault(_clean(name), []).extend(files)
        return found

    def _choose(
        self, found: list[str], path: str, parts: tuple[str, ...]
    ) -> str | None:
        best = max((_count_common(f, parts) for f in found), default=0)
        fitting = [f for f in found if _count_common(f, parts) == best]
        if len(fitting) > 1:
            raise UserError(
                f'{path} may be {fitting[0]} or {fitting[1]} in {self.folder}. Fix: give '
                'the folder that holds the images of these annotations alone'
            )
        return fitting[0] if fitting else None


def _clean(name: str) -> str:
    return _UNSAFE.sub('', name.strip().replace(' ', '_'))


def _count_common(file: str, parts: tuple[str, ...]) -> int:
    """Number of parts at the end of both paths that agree."""
    count = 0
    for ours, theirs in zip(reversed(PurePosixPath(file).parts), parts[::-1]):  # noqa: B905
        if ours != theirs:
            break
        count += 1
    return count


def read_size(path: Path) -> tuple[int, int]:
    """Image file -> height and width in px.

    Raises:
        UserError: it cannot be read.
    """
    import cv2

    image = cv2.imread(str(path))
    if image is None:
        raise UserError(f'{path} cannot be read as an image')
    return image.shape[0], image.shape[1]
