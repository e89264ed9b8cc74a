"""Small files of annotated people, with images of noise, as several tools write them."""

import json
from pathlib import Path

import cv2
import numpy as np

NAMES = ('nose', 'left_ear', 'right_ear', 'tail_base')
# of an animal that looks up, in parts of its box
PLACES = np.array([[0.5, 0.05], [0.3, 0.2], [0.7, 0.2], [0.5, 0.95]])


def write_images(folder: Path, count: int, size=(64, 80)) -> list[dict]:
    """Images of noise -> their entries; `size` is [w, h]."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    entries = []
    for n in range(count):
        pixels = rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f'photo_{n}.png'), pixels)
        entry = dict(
            id=n + 1, file_name=f'photo_{n}.png', width=size[0], height=size[1]
        )
        entries.append(entry)
    return entries


def place_joints(rng, box, places=PLACES) -> np.ndarray:
    """Box [x, y, w, h] -> (K, 2) joints, a little moved."""
    moved = places + rng.uniform(-0.03, 0.03, places.shape)
    return np.array(box[:2]) + moved.clip(0.01, 0.99) * np.array(box[2:])


def write_coco(
    folder: Path, count: int = 6, names=NAMES, places=PLACES, name='mice.json', **fields
) -> Path:
    """A COCO keypoint file of one animal an image, beside `photos/`.

    Args:
        fields: changes of the category.
    """
    images = write_images(folder / 'photos', count)
    rng = np.random.default_rng(1)
    annotations = []
    for image in images:
        box = [8.0, 6.0, 44.0, 66.0]
        joints = place_joints(rng, box, places)
        triples = np.column_stack([joints, np.full(len(joints), 2)])
        annotations.append(
            dict(
                id=image['id'],
                image_id=image['id'],
                category_id=1,
                iscrowd=0,
                bbox=box,
                area=1500.0,
                keypoints=[round(float(v), 2) for v in triples.ravel()],
                num_keypoints=len(joints),
            )
        )
    category = dict(id=1, name='mouse', keypoints=list(names), skeleton=[[1, 4]])
    path = folder / name
    content = dict(
        images=images, annotations=annotations, categories=[category | fields]
    )
    path.write_text(json.dumps(content))
    return path


def change(path: Path, function) -> Path:
    """Apply a function to a JSON file's content."""
    content = json.loads(path.read_text())
    function(content)
    path.write_text(json.dumps(content))
    return path
