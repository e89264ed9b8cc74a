"""Writing pictures, and their folder, to the disk."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.user_errors import UserError


def make_picture_folder(out: Path) -> None:
    """Make the folder and its parents where they are missing.

    Raises:
        UserError: it cannot be made; the text names it and says why.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f'--out {out} cannot be made ({error.strerror}): give a folder'
        ) from error


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """BGR picture (H, W, 3) -> PNG file.

    Not `cv2.imwrite`, which answers False, or nothing at all, where a disk is full.

    Raises:
        UserError: the file cannot be written; the text names it and says why.
    """
    _, content = cv2.imencode('.png', picture)
    try:
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise UserError(
            f'picture {path} cannot be written ({error.strerror}): free space there or '
            'give another folder as --out'
        ) from error
