"""Annotated people of one file, whatever its format was, in COCO's fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gm_pose.ops.annotated_people import AREA_PER_BOX, read_area, read_joints

__all__ = ['MARGIN', 'KeypointData', 'add_boxes']

MARGIN = 0.1
"""Of a box around joints, as a part of its longer side, on each of its sides: joints are
inside of the body that a box is to show."""


@dataclass
class KeypointData:
    """Images and annotations in COCO's fields, and the joints they speak of.

    Attributes:
        source: name of the format that was read.
        images: dicts with id, file_name, width, height.
        annotations: dicts with id, image_id, keypoints (3 K numbers) and what the file
            has beside them.
        joint_names: K names.
        links: pairs of joint indices, none where the file has none.
        category: id and name of the one category.
        notes: what reading changed or left out; something was changed if there is any.
        is_own_format: the file itself can be trained on, if nothing was changed.
        frames: file name -> function that reads the pixels, BGR, of images that are no
            files yet: frames of a video. All images are such, or none.
        path: the file that was read.
    """

    source: str
    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    joint_names: list[str]
    links: list[tuple[int, int]] = field(default_factory=list)
    category: dict[str, Any] = field(default_factory=lambda: dict(id=1, name='object'))
    notes: list[str] = field(default_factory=list)
    is_own_format: bool = False
    frames: dict[str, Callable[[], Any]] = field(default_factory=dict)
    path: str = ''

    @property
    def must_be_written(self) -> bool:
        """Whether a run cannot read the file that this was read from."""
        return bool(self.notes) or not self.is_own_format

    def add_person(self, image_id: int, keypoints: list[Any]) -> None:
        """Append the annotation of a person, keypoints 3 K numbers."""
        self.annotations.append(
            dict(
                id=len(self.annotations) + 1,
                image_id=image_id,
                category_id=1,
                iscrowd=0,
                keypoints=keypoints,
                num_keypoints=sum(v > 0 for v in keypoints[2::3]),
            )
        )

    def note_missing(self, missing: Sequence[str], folder: Path) -> None:
        """Note the annotated images, by their paths in the file, that nobody finds."""
        if missing:
            self.notes.append(
                f'{len(missing)} annotated images are not in {folder}, such as '
                f'{missing[0]}: left out'
            )

    def to_coco(self, images: Sequence[dict[str, Any]] | None = None) -> dict[str, Any]:
        """Content of a COCO keypoint file, of all images or of these."""
        chosen = self.images if images is None else images
        ids = {image['id'] for image in chosen}
        return dict(
            info=dict(description=f'written by gm_pose new-dataset from {self.source}'),
            images=[*chosen],
            annotations=[a for a in self.annotations if a['image_id'] in ids],
            categories=[
                dict(
                    self.category,
                    keypoints=self.joint_names,
                    skeleton=[[a + 1, b + 1] for a, b in self.links],
                )
            ],
        )


def add_boxes(data: KeypointData) -> None:
    """Give people without a box one around their joints, and an area, in place.

    An area is 0.53 times the box, MMPose's own ratio where a file has none: AP needs it.
    """
    sizes = {i['id']: (i.get('width'), i.get('height')) for i in data.images}
    boxes = areas = 0
    for annotation in data.annotations:
        if annotation.get('bbox') is None and _has_joints(annotation):
            size = sizes.get(annotation.get('image_id'), (None, None))
            annotation['bbox'] = _surround_joints(annotation, size)
            boxes += 1
        if annotation.get('area') is None and annotation.get('bbox') is not None:
            annotation['area'] = round(read_area(annotation), 2)
            areas += 1
    if boxes:
        data.notes.append(
            f'{boxes} people had no box: theirs is drawn around their joints, with '
            f'{MARGIN:.0%} of its longer side as a margin'
        )
    if areas:
        data.notes.append(
            f'{areas} people had no area, which OKS needs: {AREA_PER_BOX} of their box, '
            "MMPose's ratio"
        )


def _has_joints(annotation: dict[str, Any]) -> bool:
    return any(annotation.get('keypoints', ())[2::3])


def _surround_joints(
    annotation: dict[str, Any], size: tuple[int | None, int | None]
) -> list[float]:
    """Labelled joints -> [x, y, w, h] around them, inside an image of a known size."""
    points, visible = read_joints(annotation)
    points = points[visible > 0]
    low, high = points.min(0), points.max(0)
    margin = max(MARGIN * float((high - low).max()), 1.0)
    low, high = low - margin, high + margin
    low = low.clip(0)
    if size[0] and size[1]:
        high = high.clip(None, size)
    return [round(float(v), 2) for v in (*low, *(high - low))]
