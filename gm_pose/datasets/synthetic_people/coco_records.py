"""COCO's frame of an annotation file, and a detector's record of a person."""

from __future__ import annotations

from typing import Any

import numpy as np

from gm_pose.datasets.synthetic_people.skeleton import KEYPOINTS

# COCO's limbs, 1-based as in its files.
_SKELETON = [
    [16, 14],
    [14, 12],
    [17, 15],
    [15, 13],
    [12, 13],
    [6, 12],
    [7, 13],
    [6, 7],
    [6, 8],
    [7, 9],
    [8, 10],
    [9, 11],
    [2, 3],
    [1, 2],
    [1, 3],
    [2, 4],
    [3, 5],
    [4, 6],
    [5, 7],
]


def make_empty_coco(split: str, version: int) -> dict[str, Any]:
    """COCO's frame of a keypoint annotation file."""
    return {
        'info': {
            'description': f'gm_pose synthetic people, {split}',
            'url': '',
            'version': str(version),
            'year': 2017,
            'contributor': 'gm_pose',
            'date_created': '2017/01/01',
        },
        'licenses': [
            {
                'url': 'https://www.apache.org/licenses/LICENSE-2.0',
                'id': 1,
                'name': 'Apache License 2.0',
            }
        ],
        'images': [],
        'annotations': [],
        'categories': [
            {
                'supercategory': 'person',
                'id': 1,
                'name': 'person',
                'keypoints': list(KEYPOINTS),
                'skeleton': _SKELETON,
            }
        ],
    }


def detect_person(
    rng: np.random.Generator, annotation: dict, width: int, height: int
) -> dict:
    """A detector's box for this person: the true one, its sides off by about 3 %."""
    x, y, w, h = annotation['bbox']
    sides = np.array([x, y, x + w, y + h]) + rng.normal(0, 0.03, 4) * [w, h, w, h]
    left, top = np.maximum(sides[:2], 0)
    right, bottom = np.minimum(sides[2:], (width, height))
    box = [left, top, max(right - left, 1.0), max(bottom - top, 1.0)]
    return {
        'bbox': [round(float(b), 2) for b in box],
        'category_id': 1,
        'image_id': annotation['image_id'],
        'score': round(float(rng.uniform(0.6, 1.0)), 4),
    }
