"""What a store of pixels holds, in which file: known before any image is read."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from gm_pose.fast_lane.people.body_sides import read_sides
from gm_pose.fast_lane.people.people_arrays import IMAGE_COLUMNS, PeopleArrays
from gm_pose.ops.augmented_crops import CropFrame
from gm_pose.ops.crop_reach import compute_reach

if TYPE_CHECKING:
    from gm_pose.fast_lane.config.recipe import Recipe

__all__ = ['StorePlan', 'order_people', 'plan_store']

STORE_VERSION = 1
"""Of the files and of the code that makes them."""

SHARD_BYTES = 64_000_000
SOURCE_PX_PER_INPUT_PX = 2.0
"""A crop is stored with at most this many px per px of the network's input, at scale 1, so
one for one at MMPose's smallest scale of 0.5. Crops are compressed: on photographs of COCO
and of a studio JPEG 95 takes 30 to 65 kB a person (warped: 39 and 45 dB from the original)
and gives 530 to 670 people/s a core; raw crops take 410 to 610 kB, as much as whole images,
which are exact, and gain at most a quarter on their 1,100 people/s."""

_UNKNOWN_SIZE = (640, 480)  # COCO's, where annotations do not say
_JPEG_BYTES_PER_PX = 0.5  # only cuts shards; sizes that are told are measured


@dataclass(frozen=True, eq=False)
class StorePlan:
    """E entries in S shards; entries of one image are neighbours.

    Args:
        kind: 'images', an entry for each image, or 'crops', one for each person.
        key: names the content.
        rows: (E,) row of the image or person of an entry.
        image_rows: (E,) row of its image.
        rects_px: (E, 4) float64, the part of the image that is kept; None: all of it.
        factors: (E,) float64, at most 1: the size of what is kept to its size in the image.
        starts: (S + 1,) where the entries of a shard begin, then E.
    """

    kind: str
    key: str
    rows: np.ndarray
    image_rows: np.ndarray
    rects_px: np.ndarray | None
    factors: np.ndarray
    starts: np.ndarray

    @property
    def num_shards(self) -> int:
        return len(self.starts) - 1


def plan_store(people: PeopleArrays, kind: str, recipe: 'Recipe') -> StorePlan:
    """People and what is done with them -> plan.

    Images are named in the key as the annotations name them: a dataset may be moved. Their
    annotated sizes are in it, too: many datasets have a 000001.jpg.

    Args:
        people: of the dataset.
        kind: 'images' or 'crops'.
        recipe: its input size and augmentation decide how much of an image a crop needs.
    """
    described = dict(kind=kind, version=STORE_VERSION, load=recipe.load)
    images = [people.arrays[name] for name in IMAGE_COLUMNS]
    sizes = np.array(people.image_sizes_px, np.float64)
    sizes[(sizes == 0).any(1)] = _UNKNOWN_SIZE
    if kind == 'images':
        count = len(people.image_paths)
        rows = np.arange(count)
        return StorePlan(
            kind,
            _make_key(described, images),
            rows,
            rows,
            None,
            np.ones(count),
            _cut(3 * sizes.prod(1)),
        )
    frame = CropFrame(recipe.input_size, recipe.use_udp, recipe.padding)
    augmentation = recipe.augmentation
    described.update(
        frame=asdict(frame),
        augmentation=augmentation and asdict(augmentation),
        density=SOURCE_PX_PER_INPUT_PX,
    )
    sides = read_sides(people.metainfo)
    content = [*images, people.image_rows, people.bboxes_px]
    if augmentation is not None and augmentation.half_body_prob > 0:
        content += [people.keypoints_px, people.visible]
        content += [sides.upper, sides.lower, sides.flip_indices]
    rows = order_people(people)
    rects = compute_reach(
        people.bboxes_px,
        people.keypoints_px,
        people.visible,
        frame,
        sides,
        augmentation,
    )[rows]
    box = compute_reach(people.bboxes_px, people.keypoints_px, people.visible, frame)
    height = np.maximum(box[:, 3] - box[:, 1], 1)[rows]
    factors = np.minimum(1, SOURCE_PX_PER_INPUT_PX * recipe.input_size[1] / height)
    image_rows = np.array(people.image_rows)[rows]
    inside = np.clip(rects, 0, np.tile(sizes[image_rows], 2))
    area = np.prod(inside[:, 2:] - inside[:, :2], axis=1) * factors**2
    return StorePlan(
        kind,
        _make_key(described, content),
        rows,
        image_rows,
        rects,
        factors,
        _cut(area * _JPEG_BYTES_PER_PX),
    )


def order_people(people: PeopleArrays) -> np.ndarray:
    """Rows of people (N,), ordered by image: that of entries, and of machines' shares."""
    return np.argsort(people.image_rows, kind='stable')


def _cut(num_bytes: np.ndarray) -> np.ndarray:
    """Bytes of each entry (E,) -> where shards of about `SHARD_BYTES` begin (S + 1,)."""
    shards = (np.cumsum(num_bytes) - num_bytes) // SHARD_BYTES
    starts = np.flatnonzero(np.diff(shards, prepend=-1))
    return np.append(starts, len(num_bytes))


def _make_key(described: dict, content: list[np.ndarray]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(described, sort_keys=True, default=repr).encode())
    for array in content:
        digest.update(f'{array.dtype}{array.shape}'.encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
