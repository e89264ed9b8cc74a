"""Annotated people of a COCO file, and the files of their images."""

import os.path as osp
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.runs.evaluation.coco_people import read_true_people
from gm_pose.runs.evaluation.people import TruePeople
from gm_pose.runs.user_errors import UserError

__all__ = ['AnnotatedData', 'build_annotated_data', 'collect_annotations']


@dataclass(frozen=True)
class AnnotatedData:
    """The people that runs are measured on.

    Attributes:
        truth: G annotated people, in the order of their file.
        annotation_ids: (G,) int64.
        image_ids: (I,) int64, sorted: all images, those without people too.
        category_ids: (C,) int64.
        image_files: id of an image to its file, where it is known.
        source: annotation file, or what else it was taken from.
    """

    truth: TruePeople
    annotation_ids: NDArray[np.int64]
    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    image_files: dict[int, str]
    source: str

    @property
    def is_counted(self) -> NDArray[np.bool_]:
        """(G,), who is to be found: no crowd, and with a labelled joint."""
        return ~self.truth.is_crowd & (self.truth.keypoints[..., 2] > 0).any(1)

    @property
    def counted_images(self) -> NDArray[np.int64]:
        """Sorted ids of the images with people to be found."""
        return np.unique(self.truth.image_ids[self.is_counted])


def build_annotated_data(
    content: dict[str, Any],
    num_keypoints: int,
    source: str,
    image_folder: str | None = None,
    use_area: bool = True,
) -> AnnotatedData:
    """Content of a COCO file -> people.

    Args:
        content: `images`, `annotations`, `categories`.
        num_keypoints: K.
        source: for messages and the report.
        image_folder: where `file_name`s are looked for.
        use_area: False takes areas from the boxes, as `CocoMetric(use_area=False)`.

    Raises:
        UserError: a list is missing, K differs, an id is no integer, a person's image is
            not there, or nobody has a labelled joint.
    """
    images, annotations = content.get('images'), content.get('annotations')
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise UserError(
            f'{source} has no `images` and `annotations`. Fix: give a COCO keypoint file'
        )
    posed = [a for a in annotations if isinstance(a, dict) and a.get('keypoints')]
    if not posed:
        raise UserError(f'{source} has no annotated person with keypoints')
    use_area = use_area and all('area' in person for person in posed)
    try:
        truth = read_true_people(posed, num_keypoints, use_area)
        ids = np.array([person['id'] for person in posed])
        image_ids = np.array([image['id'] for image in images])
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f'{source}: {error}. Fix: see `gm_pose check-data {source}`'
        ) from error
    if ids.dtype.kind not in 'iu' or image_ids.dtype.kind not in 'iu':
        raise UserError(f'{source} has ids that are no integers; expected integers')
    categories = content.get('categories') or []
    category_ids = [c['id'] for c in categories if isinstance(c, dict) and 'id' in c]
    files = {
        int(image['id']): osp.join(image_folder or '', str(image['file_name']))
        for image in images
        if image_folder is not None and image.get('file_name')
    }
    without = sorted({*truth.image_ids.tolist()} - {*image_ids.tolist()})
    if without:
        raise UserError(
            f'{source} has people of image {without[0]}, which is not in `images`. Fix: '
            f'see `gm_pose check-data {source}`'
        )
    truth.keypoints[truth.keypoints[..., 2] == 0] = 0  # some tools write NaN there
    if not np.isfinite(truth.keypoints).all():
        raise UserError(
            f'{source} has keypoints that are not finite. Fix: see `gm_pose check-data '
            f'{source}`'
        )
    data = AnnotatedData(
        truth,
        ids.astype(np.int64),
        np.unique(image_ids).astype(np.int64),
        np.unique([*category_ids, *truth.category_ids]).astype(np.int64),
        files,
        source,
    )
    if not data.is_counted.any():
        raise UserError(
            f'{source} has no person to be found: all {len(posed)} are crowds or have no '
            'labelled joint. Fix: give another file with --ann'
        )
    return data


def collect_annotations(samples: list[dict[str, Any]], path: str) -> dict[str, Any]:
    """Samples of a dump that carry their annotations -> the content of a COCO file.

    Raises:
        UserError: they carry none: people came from a file of detected boxes.
    """
    people: dict[Any, dict[str, Any]] = {}
    images: dict[Any, dict[str, Any]] = {}
    for sample in samples:
        own = sample.get('raw_ann_info')
        own = own if isinstance(own, list) else [own]
        for person in own:
            if not isinstance(person, dict) or 'id' not in person:
                raise UserError(
                    f'{path} does not hold the annotations of its people. Fix: --ann with '
                    'the annotation file'
                )
            people[person['id']] = person
        images[sample.get('img_id')] = dict(id=sample.get('img_id'))
    return dict(
        images=list(images.values()), annotations=list(people.values()), categories=[]
    )
