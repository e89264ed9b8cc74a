"""Make small copies of the study's datasets, to travel to a machine with a GPU.

    python studies/pack_photographs.py --data DIR --out OUT

studio17's files are copied as they are. coco-union's pictures are halved, and of lspet-4k
the first people in pictures of at most 128 px a side become lspet-1k. The annotations stay
as they are: `studies.device` compares a picture's size with them. coco-and-studio is an
annotation file of the training people of both.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2


class Part(NamedTuple):
    """What is packed of an annotation file.

    Attributes:
        source, target: folders of the dataset.
        annotations: the file.
        images: its folder of images.
        people: at most, in the file's order.
        scale: of the pictures.
        side: most px of their longer side.
        quality: of the JPEGs.
    """

    source: str
    target: str
    annotations: str
    images: str
    people: int | None = None
    scale: float = 1.0
    side: int | None = None
    quality: int = 95


PARTS = (
    *(
        Part(
            name, name, f'person_keypoints_{part}2017.json', f'{part}2017', scale=scale
        )
        for name, scale in (('studio17', 1.0), ('coco-union', 0.5))
        for part in ('train', 'val')
    ),
    *(
        Part(
            'lspet-4k',
            'lspet-1k',
            f'person_keypoints_{part}.json',
            part,
            people=people,
            side=128,
            quality=90,
        )
        for part, people in (('train', 480), ('val', 320))
    ),
)


def pack_part(part: Part, data: Path, out: Path) -> None:
    """Copy one annotation file and its pictures."""
    content = json.loads(
        (data / part.source / 'annotations' / part.annotations).read_text()
    )
    content['annotations'] = content['annotations'][: part.people]
    ids = {annotation['image_id'] for annotation in content['annotations']}
    content['images'] = [image for image in content['images'] if image['id'] in ids]
    target = out / part.target
    (target / 'annotations').mkdir(parents=True, exist_ok=True)
    (target / part.images).mkdir(parents=True, exist_ok=True)
    (target / 'annotations' / part.annotations).write_text(json.dumps(content))
    for image in content['images']:
        source = data / part.source / part.images / image['file_name']
        copy = target / part.images / image['file_name']
        if part.scale == 1 and part.side is None:
            shutil.copyfile(source, copy)
            continue
        pixels = cv2.imread(str(source))
        scale = part.scale
        if part.side is not None:
            scale = min(scale, part.side / max(pixels.shape[:2]))
        if scale < 1:
            pixels = cv2.resize(
                pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
            )
        options = [cv2.IMWRITE_JPEG_QUALITY, part.quality]
        if not cv2.imwrite(str(copy), pixels, options):
            raise OSError(f'{copy} could not be written')


def merge_training_people(names: Sequence[str], out: Path, target: str) -> None:
    """One annotation file for the training people of several packed datasets.

    File names begin with the folder of their dataset, so no picture is copied.
    """
    merged: dict[str, list] = dict(images=[], annotations=[])
    for name in names:
        path = out / name / 'annotations/person_keypoints_train2017.json'
        content = json.loads(path.read_text())
        merged['categories'] = content['categories']
        first = len(merged['images'])
        ids = {image['id']: first + i for i, image in enumerate(content['images'], 1)}
        merged['images'] += [
            dict(
                image,
                id=ids[image['id']],
                file_name=f'{name}/train2017/{image["file_name"]}',
            )
            for image in content['images']
        ]
        merged['annotations'] += [
            dict(
                annotation,
                id=len(merged['annotations']) + i,
                image_id=ids[annotation['image_id']],
            )
            for i, annotation in enumerate(content['annotations'], 1)
        ]
    path = out / target / 'annotations/person_keypoints_train2017.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(merged))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, required=True, help='holds the datasets')
    parser.add_argument('--out', type=Path, required=True)
    args = parser.parse_args()
    for part in PARTS:
        pack_part(part, args.data, args.out)
        print(f'{part.target} {part.images}', flush=True)
    merge_training_people(('studio17', 'coco-union'), args.out, 'coco-and-studio')


if __name__ == '__main__':
    main()
