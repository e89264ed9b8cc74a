"""Photographs that no camera took: JPEGs of the size of COCO's, in COCO's layout."""

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

SIZE = (640, 480)  # [W, H] px
# Contrast of noise whose grain is 64, 16, 4 and 2 px, and JPEG quality: together files
# of 183 kB on average, as COCO's are (the reading of a file grows with its bytes).
_GRAINS = {64: 60.0, 16: 30.0, 4: 16.0, 2: 28.0}
_QUALITY = 93


def make_photographs(
    folder: Path, files: int, people: int, processes: int
) -> tuple[Path, float]:
    """Write `files` JPEGs and annotations of `people` -> (annotation file, mean kB).

    Many people share a file, so that an epoch is long and the files fit into memory; they
    come in random order, so that a person's image is hardly ever the one before.
    """
    images = folder / 'train2017'
    images.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes) as pool:
        sizes = list(pool.map(partial(_write_photograph, images), range(files)))
    path = folder / 'people.json'
    path.write_text(json.dumps(_make_annotations(files, people)))
    return path, sum(sizes) / len(sizes) / 1000


def _write_photograph(folder: Path, index: int) -> int:
    rng = np.random.default_rng(index)
    width, height = SIZE
    image = np.full((height, width, 3), 128, np.float32)
    for grain, contrast in _GRAINS.items():
        noise = rng.normal(0, contrast, (height // grain + 2, width // grain + 2, 3))
        image += cv2.resize(
            noise.astype(np.float32), SIZE, interpolation=cv2.INTER_CUBIC
        )
    path = folder / f'{index:012d}.jpg'
    pixels = image.clip(0, 255).astype(np.uint8)
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return path.stat().st_size


def _make_annotations(files: int, people: int) -> dict:
    """Boxes and keypoints drawn at random; two thirds of the keypoints are labelled."""
    rng = np.random.default_rng(0)
    width, height = SIZE
    images = [
        dict(id=i, file_name=f'{i:012d}.jpg', width=width, height=height)
        for i in range(files)
    ]
    annotations = []
    for index in range(people):
        h = float(rng.uniform(60, 460))
        w = float(min(h * rng.uniform(0.3, 0.8), 0.9 * width))
        x, y = float(rng.uniform(0, width - w)), float(rng.uniform(0, height - h))
        visible = rng.choice([0, 1, 2], 17, p=[0.33, 0.07, 0.6])
        places = rng.uniform([x, y], [x + w, y + h], (17, 2)) * (visible > 0)[:, None]
        keypoints = np.column_stack([places.round(1), visible])
        annotations.append(
            dict(
                id=index,
                image_id=index % files,
                category_id=1,
                bbox=[x, y, w, h],
                area=0.53 * w * h,
                iscrowd=0,
                keypoints=keypoints.flatten().tolist(),
                num_keypoints=int((visible > 0).sum()),
            )
        )
    return dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='person')],
    )
