"""Why samples stop a run, in the words of both lanes; imports no mm* package."""

import contextlib
from collections.abc import Iterator, Sequence

from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.user_errors import UserError

__all__ = [
    'MAX_TRIES',
    'explain_unreadable',
    'explain_wrong_sample',
    'name_unreadable_image',
]

MAX_TRIES = 20
"""Unreadable images in a row after which a run stops."""


def explain_unreadable(skipped: Sequence[str]) -> UserError:
    """'path: reason' of unreadable images in a row -> the error that ends the run."""
    return UserError(
        f'{len(skipped)} training images in a row cannot be read, the last one '
        f'{skipped[-1]}. Fix: check data_root and data_prefix, and run `python -m '
        'gm_pose check-data ANN.json --images DIR`'
    )


def explain_wrong_sample(name: str, error: ValueError) -> UserError:
    """A sample that no target can be made of -> the error that names it."""
    return UserError(
        f'training sample {name} is wrong: {error}. Fix: `python -m gm_pose check-data` '
        'lists all such samples'
    )


@contextlib.contextmanager
def name_unreadable_image() -> Iterator[None]:
    """Of an evaluation, which leaves no image out: the one that ends it, as `UserError`.

    From a data loader's worker it comes with the worker's traceback before its text.
    """
    try:
        yield
    except UnreadableImage as error:
        text = str(error).rpartition(f'{UnreadableImage.__name__}: ')[2].strip()
        raise UserError(
            f'an image of the evaluation cannot be read, {text}. Fix: repair it, or leave '
            'it out of the annotations; `python -m gm_pose check-data ANN.json --images '
            'DIR` lists all such images'
        ) from error
