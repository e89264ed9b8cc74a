"""What a user calls SOURCE -> frames."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gm_pose.inference.sources.frame import FrameSource
from gm_pose.inference.sources.images import Arrays, ImageFiles
from gm_pose.inference.sources.video import Video
from gm_pose.runs.user_errors import UserError

__all__ = ['IMAGE_SUFFIXES', 'VIDEO_SUFFIXES', 'open_source']

# as words: the formatter would give each a line
_IMAGES = '.bmp .jp2 .jpeg .jpg .pbm .pgm .png .ppm .tif .tiff .webp'
_VIDEOS = '.avi .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ts .webm .wmv'
IMAGE_SUFFIXES = frozenset(_IMAGES.split(' '))
VIDEO_SUFFIXES = frozenset(_VIDEOS.split(' '))
_KINDS = (
    'an image, a folder, a pattern such as "photos/*.jpg", a list file (.txt), a video, '
    'or the number of a camera'
)


def open_source(source: Any) -> FrameSource:
    """Open a source.

    Args:
        source: path of an image, folder (images in it and below), glob pattern, list file
            (.txt: a path in each line, relative to the file), path or URL of a video,
            number of a camera, array, PIL image, or a sequence of paths and arrays.

    Raises:
        UserError: there is nothing of that name, or no image in it.
        ValueError: an array of another kind.
    """
    if isinstance(source, bool) or source is None:
        raise UserError(f'source is {source}; expected {_KINDS}, or arrays')
    if isinstance(source, int):
        return Video(source)
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    if isinstance(source, str):
        return _open_text(source)
    if isinstance(source, Sequence):
        items = [os.fspath(s) if isinstance(s, os.PathLike) else s for s in source]
        if items and all(isinstance(item, str) for item in items):
            return ImageFiles(items)
        return Arrays(items)
    return Arrays([source])


def _open_text(source: str) -> FrameSource:
    if source.isdecimal() and not os.path.exists(source):
        return Video(int(source))
    if '://' in source:
        return Video(source)
    if os.path.isdir(source):
        return ImageFiles(_list_folder(source))
    if not os.path.isfile(source):
        if glob.has_magic(source):
            return ImageFiles(_list_matches(source))
        raise UserError(f'source {source} does not exist. Fix: give {_KINDS}')
    suffix = Path(source).suffix.lower()
    if suffix == '.txt':
        return ImageFiles(_read_list(source))
    if suffix in VIDEO_SUFFIXES:
        return Video(source)
    return ImageFiles([source])


def _list_folder(folder: str) -> list[str]:
    """Images in a folder and below, sorted."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith('.'))
        found += [
            os.path.join(parent, name)
            for name in sorted(names)
            if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith('.')
        ]
    if not found:
        raise UserError(
            f'folder {folder} has no image ({", ".join(sorted(IMAGE_SUFFIXES))}). Fix: '
            'give another folder, or a pattern for files of other names'
        )
    return found


def _list_matches(pattern: str) -> list[str]:
    found = sorted(p for p in glob.glob(pattern, recursive=True) if os.path.isfile(p))
    if not found:
        raise UserError(f'no file matches {pattern}. Fix: quote the pattern, check it')
    return found


def _read_list(path: str) -> list[str]:
    """Paths in a list file; lines that are empty or begin with # do not count."""
    try:
        # -sig: what editors of Windows write first is no part of a name
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except OSError as error:
        raise UserError(f'list file {path} cannot be read: {error.strerror}') from error
    except UnicodeDecodeError as error:
        raise UserError(
            f'list file {path} is not UTF-8 ({error}). Fix: save it as UTF-8'
        ) from error
    folder = os.path.dirname(path)
    names = [line.strip() for line in lines]
    names = [name for name in names if name and not name.startswith('#')]
    if not names:
        raise UserError(f'list file {path} names no file; expected a path in each line')
    return [
        name if os.path.isabs(name) else os.path.join(folder, name) for name in names
    ]
