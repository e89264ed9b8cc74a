"""Where the fast lane takes pixels from: the images themselves, or a store of them."""

import contextlib
import os
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gm_pose.fast_lane.config.image_kinds import IMAGE_KINDS, STREAM, is_image_kind
from gm_pose.fast_lane.images.original_images import OriginalImages
from gm_pose.fast_lane.people.people_arrays import PeopleArrays
from gm_pose.runs.data_checks.unreadable_image import MAX_PIXELS
from gm_pose.runs.files.cache_folder import find_cache_folder
from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    from gm_pose.fast_lane.config.recipe import Recipe

__all__ = ['IMAGE_KINDS', 'ImageSource', 'open_images']


class ImageSource(Protocol):
    """Pixels by image and person; one source a process, used by one thread."""

    def read(
        self, image_row: int, person_row: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Pixels that hold a person's crop, and where they lie in the image.

        Args:
            image_row: row of `PeopleArrays.image_paths`.
            person_row: row of the person, whom a crop belongs to.

        Returns:
            (pixels, stored_from_image): (h, w, 3) uint8 BGR, valid until the next call
            and not to be written to; the affine map (2, 3) float64 from px of the image
            to px of `pixels`, None for the identity.

        Raises:
            UnreadableImage: 'path: reason'.
        """
        ...


def open_images(
    people: PeopleArrays,
    kind: str,
    recipe: 'Recipe',
    cache_dir: str | os.PathLike | None = None,
    is_partial: bool = False,
    stream_cache_gb: float = 50.0,
) -> ImageSource:
    """Open a source of pixels.

    Args:
        people: of the dataset.
        kind: 'original' decodes the files. 'images' is a store of whole images, decoded;
            'crops' one of each person, as far as the augmentation reaches. A store is
            built by `gm_pose build-store`; 'auto' takes one that is there. 'stream:URL'
            fetches shards from a folder or a bucket, see `StreamedImages`.
        recipe: what is done to the pixels.
        cache_dir: see `find_cache_folder`.
        is_partial: the store has a machine's share, see `open_store`.
        stream_cache_gb: most that is kept of a stream on this machine.

    Raises:
        ValueError: an unknown kind, or images that are not on a local path.
        UserError: the store that is named is not there.
    """
    if not is_image_kind(kind):
        raise ValueError(
            f'images is {kind!r}; expected one of {", ".join(IMAGE_KINDS)}'
        )
    load: dict[str, Any] = recipe.load
    max_pixels = load.get('max_pixels') or MAX_PIXELS
    if kind.startswith(STREAM):
        from gm_pose.fast_lane.images.streamed_images import StreamedImages

        url, max_bytes = kind.removeprefix(STREAM), stream_cache_gb * 1e9
        return StreamedImages(people, url, cache_dir, max_bytes, max_pixels)
    if '://' in people.image_paths.prefix:
        raise ValueError(
            f'images are at {people.image_paths.prefix}; expected a local folder'
        )
    originals = OriginalImages(people, max_pixels)
    if kind == 'original':
        return originals
    from gm_pose.fast_lane.images.image_store import open_store

    if kind != 'auto':
        return open_store(
            people, kind, recipe, cache_dir, originals, is_partial=is_partial
        )
    for found in ('images', 'crops'):
        if not (find_cache_folder(cache_dir) / found).is_dir():
            continue  # the name of a store of crops takes seconds at COCO's size
        with contextlib.suppress(UserError):
            return open_store(
                people, found, recipe, cache_dir, originals, is_partial=is_partial
            )
    return originals
