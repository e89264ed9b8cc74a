"""Why images are missing: names of another system, or below the wrong folder."""

import os.path as osp
from collections.abc import Sequence

__all__ = ['explain_missing_image', 'explain_missing_images']


def explain_missing_image(name: str, folder: str) -> tuple[str, str] | None:
    """A `file_name` that is not in `folder` -> (what is wrong with it, fix), or None.

    Args:
        name: of an image that does not exist as ``folder/name``.
        folder: ``data_prefix.img`` below ``data_root``.
    """
    plain = name.replace('\\', '/')
    parts = [part for part in plain.split('/') if part not in ('', '.')]
    if '\\' in name:
        fault = 'has backslashes, which separate folders on Windows alone'
    elif osp.isabs(name):
        fault = 'is a full path of another machine'
    elif len(parts) > 1 and parts[0] in osp.normpath(folder).split(osp.sep):
        fault = f'repeats the folder {parts[0]}, which data_prefix names already'
    elif len(parts) > 1:
        fault = 'names a folder that is not below data_prefix'
    else:
        return None
    for start in range(len(parts)):
        rest = '/'.join(parts[start:])
        if osp.isfile(osp.join(folder, rest)):
            return fault, f'write {rest}'
    if len(parts) > 1:
        return fault, 'write the path below data_prefix.img, with /'
    return fault, 'write / for each'


def explain_missing_images(names: Sequence[str], folder: str) -> tuple[str, str] | None:
    """The first explanation among `names` -> 'file_name is X, which ...' and its fix."""
    for name in names:
        found = explain_missing_image(name, folder)
        if found is not None:
            return f'`file_name` is {name[-60:]} and {found[0]}', found[1]
    return None
