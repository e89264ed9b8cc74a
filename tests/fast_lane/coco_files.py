"""Small annotation files with what is odd in real ones, and configs that read them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

K = 17


def make_data(seed: int, num_images: int = 12, per_image: int = 3) -> dict[str, Any]:
    """Annotations in COCO's layout; boxes leave the image, some people are not used."""
    rng = np.random.default_rng(seed)
    images = [
        dict(
            id=int(100 - n),  # not ascending
            file_name=f'{"a/" if n % 3 == 0 else ""}{n:03d}.jpg',
            width=int(rng.integers(40, 90)),
            height=int(rng.integers(40, 90)),
        )
        for n in range(num_images)
    ]
    annotations: list[dict[str, Any]] = []
    for n in range(num_images * per_image):
        image = images[int(rng.integers(num_images))]
        size = np.array([image['width'], image['height']])
        corner = rng.uniform(-0.3, 0.6, 2) * size
        extent = rng.uniform(0, 0.9, 2) * size
        labels = rng.integers(0, 3, K)
        points = np.round(corner + rng.uniform(size=(K, 2)) * extent, 1)
        joints = np.c_[points, labels] * (labels > 0)[:, None]
        annotations.append(
            dict(
                id=n * 7,
                image_id=image['id'],
                category_id=1 + n % 2,
                bbox=np.round([*corner, *extent], 2).tolist(),
                keypoints=joints.ravel().tolist(),
                num_keypoints=int((labels > 0).sum()),
                area=round(float(extent.prod()), 3),
                iscrowd=0,
                segmentation=[[1.5, 2, 3]],
            )
        )
    _make_odd(annotations)
    rng.shuffle(annotations)
    return dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=2, name='b'), dict(id=1, name='person')],
    )


def _make_odd(annotations: list[dict[str, Any]]) -> None:
    """Change the first ones, each in another way that `BaseCocoStyleDataset` knows."""
    a = annotations
    a[0]['iscrowd'] = 1
    a[1]['num_keypoints'] = 0
    a[2]['bbox'] = [5, 5, 0, 20]
    a[3]['bbox'] = [-50.0, -50.0, 10.0, 10.0]  # nothing is left in the image
    del a[4]['area']
    del a[5]['num_keypoints']
    del a[6]['iscrowd']
    a[7]['keypoints'] = [0] * (3 * K)
    del a[8]['keypoints']
    del a[9]['bbox']
    a[10].update(attributes=dict(name='ü', flag=None), score=0.5)
    a[11]['keypoints'] = [-1.0, -2.0, 2.0] * K
    a[12]['image_id'] = 9999  # no such image
    a[13]['bbox'] = [3, 4, 500, 600]
    a[14].update(area=None, segmentation=dict(counts='xyz', size=[4, 5]))
    a[15].update(keypoints=[0, 0, 0] * K)
    a[15].pop('num_keypoints')
    a[16]['image_id'] = a[17]['image_id']


def drop_odd(dataset: dict[str, Any]) -> None:
    """Leave the usual people in a dataset's file: a run would refuse the others."""
    path = Path(dataset['data_root'], dataset['ann_file'])
    data = json.loads(path.read_text())
    data['annotations'] = [a for a in data['annotations'] if a['id'] > 16 * 7]
    path.write_text(json.dumps(data))


def make_detections(data: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """A detection file's content."""
    rng = np.random.default_rng(seed)
    return [
        dict(
            image_id=data['images'][int(rng.integers(len(data['images'])))]['id'],
            category_id=int(rng.integers(1, 3)),
            bbox=[*rng.uniform(-5, 40, 4).tolist(), 7.0][: 4 + n % 2],
            score=float(rng.uniform()),
        )
        for n in range(40)
    ]


def write_config(folder: Path, data: Any, **settings: Any) -> dict[str, Any]:
    """Write an annotation file -> config of a `CocoDataset` that reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'people.json').write_text(json.dumps(data))
    return dict(
        dict(
            type='CocoDataset',
            data_root=f'{folder}/',
            ann_file='people.json',
            data_prefix=dict(img='images/'),
            pipeline=[],
        ),
        **settings,
    )
