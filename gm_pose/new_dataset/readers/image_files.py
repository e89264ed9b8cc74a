"""Where an exported annotation's image is: tools write paths of their own machine."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from gm_pose.runs.user_errors import UserError

__all__ = ['ENDINGS', 'ImageFolder', 'read_size']

ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


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
        best = max((_count_common(f, parts) for f in found), default=0)
        fitting = [f for f in found if _count_common(f, parts) == best]
        if len(fitting) > 1:
            raise UserError(
                f'{path} may be {fitting[0]} or {fitting[1]} in {self.folder}. Fix: give '
                'the folder that holds the images of these annotations alone'
            )
        return fitting[0] if fitting else None


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
