"""Time to read and check an annotation file of COCO's size, without images.

    python benchmarks/data_checks.py --folder /tmp/coco --out benchmarks/data_checks.md

The file has what COCO train2017's has: 118,287 images and 262,465 annotations with 17
keypoints each, of which 149,813 are labelled, and an outline of 20 corners.
"""

import json
from pathlib import Path

import numpy as np

NUM_IMAGES, NUM_ANNOTATIONS, NUM_LABELLED, K = 118_287, 262_465, 149_813, 17
NAMES = [
    'nose', *(f'{side}_{name}' for name in ('eye', 'ear', 'shoulder', 'elbow', 'wrist',
              'hip', 'knee', 'ankle') for side in ('left', 'right')),
]  # fmt: skip


def make_file(path: Path) -> None:
    """Write the annotation file; the same numbers every time."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(300, 641, (NUM_IMAGES, 2))
    images = [
        dict(id=n, file_name=f'{n:012d}.jpg', width=int(w), height=int(h), license=3)
        for n, (w, h) in enumerate(sizes)
    ]
    of_image = rng.permutation(np.arange(NUM_ANNOTATIONS) % NUM_IMAGES)
    size = sizes[of_image]
    corner = np.round(rng.uniform(0, 0.4, (NUM_ANNOTATIONS, 2)) * size, 2)
    extent = np.round(rng.uniform(0.2, 0.5, (NUM_ANNOTATIONS, 2)) * size, 2)
    annotations = []
    for n in range(NUM_ANNOTATIONS):
        points = rng.uniform(size=(K + 20, 2)) * extent[n] + corner[n]
        labelled = rng.integers(0, 3, K) if n < NUM_LABELLED else np.zeros(K, int)
        labelled[0] = 2 if n < NUM_LABELLED else 0
        joints = np.c_[points[:K].astype(int), labelled] * (labelled > 0)[:, None]
        annotations.append(
            dict(
                segmentation=[np.round(points[K:], 2).ravel().tolist()],
                num_keypoints=int((labelled > 0).sum()),
                area=float(np.round(extent[n].prod(), 4)),
                iscrowd=0,
                keypoints=joints.ravel().tolist(),
                image_id=int(of_image[n]),
                bbox=[*corner[n].tolist(), *extent[n].tolist()],
                category_id=1,
                id=n,
            )
        )
    category = dict(id=1, name='person', keypoints=NAMES)
    data = dict(images=images, annotations=annotations, categories=[category])
    path.write_text(json.dumps(data))
