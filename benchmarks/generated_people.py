"""Annotated people, and detections of them, with everything that evaluation treats apart.

Ties of scores and of OKS, crowds, people without labelled joints, areas on the borders of
COCO's ranges, images with more than 20 detections, with none, and with nobody, a second
category, detections that found nothing. Numbers are drawn; nothing looks like a person.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ['GeneratedPeople', 'generate_people']

NOISES = (0.0, 0.01, 0.03, 0.1, 0.3)
"""Error of a detection, as a part of the square root of its person's area."""

BORDERS = (32.0**2, 96.0**2, 1e10, 0.0)


@dataclass(frozen=True)
class GeneratedPeople:
    """A COCO ground truth, and D detections as arrays in the order of their images.

    Attributes:
        truth: images, annotations, categories.
        image_ids: (D,).
        category_ids: (D,).
        keypoints: (D, K, 2) float32.
        keypoint_scores: (D, K) float32, between 0 and 1, two digits.
        bboxes: (D, 4) float32, corners.
        bbox_scores: (D,) float32, one digit.
    """

    truth: dict[str, Any]
    image_ids: np.ndarray
    category_ids: np.ndarray
    keypoints: np.ndarray
    keypoint_scores: np.ndarray
    bboxes: np.ndarray
    bbox_scores: np.ndarray

    def list_results(self, with_boxes: bool = True) -> list[dict[str, Any]]:
        """The detections as MMPose's CocoMetric writes them into its results file."""
        triplets = np.concatenate([self.keypoints, self.keypoint_scores[..., None]], -1)
        sizes = self.bboxes.copy()
        sizes[:, 2:] -= sizes[:, :2]
        results = []
        for row, image_id in enumerate(self.image_ids.tolist()):
            result = {
                'image_id': image_id,
                'category_id': int(self.category_ids[row]),
                'keypoints': triplets[row].ravel().tolist(),
                'score': float(
                    self.bbox_scores[row] * self.keypoint_scores[row].mean()
                ),
            }
            if with_boxes:
                result['bbox'] = sizes[row].tolist()
            results.append(result)
        return results

    def list_samples(self) -> list[dict[str, Any]]:
        """One sample a detection, as MMPose's evaluator hands them to a metric."""
        sizes = self.bboxes[:, 2:] - self.bboxes[:, :2]
        scales = np.abs(sizes) * np.float32(1.25)
        return [
            {
                'id': row,
                'img_id': image_id,
                'category_id': int(self.category_ids[row]),
                'gt_instances': {
                    'bboxes': self.bboxes[row : row + 1],
                    'bbox_scores': self.bbox_scores[row : row + 1],
                    'bbox_scales': scales[row : row + 1],
                },
                'pred_instances': {
                    'keypoints': self.keypoints[row : row + 1],
                    'keypoint_scores': self.keypoint_scores[row : row + 1],
                    'bboxes': self.bboxes[row : row + 1],
                    'bbox_scores': self.bbox_scores[row : row + 1],
                },
            }
            for row, image_id in enumerate(self.image_ids.tolist())
        ]


def generate_people(
    num_detections: int, num_keypoints: int = 17, seed: int = 0
) -> GeneratedPeople:
    """People in about `num_detections` / 4 images, and exactly so many detections."""
    rng = np.random.default_rng(seed)
    num_images = max(8, num_detections // 4)
    image_ids = rng.permutation(num_images) * 3 + 5  # unsorted, with gaps
    # images of each kind: nobody, few people, more than 20 detections after the draw
    counts = np.minimum(rng.geometric(0.35, num_images) - 1, 12)
    annotations = _annotate(rng, np.repeat(image_ids, counts), num_keypoints)
    categories = [{'id': 1, 'name': 'person'}, {'id': 2, 'name': 'statue'}]
    truth = {
        'images': [{'id': i, 'width': 640, 'height': 480} for i in image_ids.tolist()],
        'annotations': annotations,
        'categories': categories,
    }
    areas = np.array([a['area'] for a in annotations])
    joints = np.array([a['keypoints'] for a in annotations], float)
    joints = joints.reshape(-1, num_keypoints, 3)[..., :2]
    boxes = np.array([a['bbox'] for a in annotations])
    images = np.array([a['image_id'] for a in annotations])

    # every seventh image has no detection; one in twenty has most of them
    weights = np.where(images % 7 == 0, 0.0, 1.0) * np.where(
        images % 20 == 1, 15.0, 1.0
    )
    people = rng.choice(len(areas), num_detections, p=weights / weights.sum())
    people = people[np.argsort(images[people], kind='stable')]
    noise = rng.choice(NOISES, num_detections) * np.sqrt(np.minimum(areas[people], 1e5))
    shape = (num_detections, num_keypoints, 2)
    keypoints = joints[people] + noise[:, None, None] * rng.normal(size=shape)
    scores = rng.uniform(0, 1, shape[:2]).round(2)
    scores[::97] = 0  # nothing found
    corners = boxes[people]
    corners[:, 2:] += corners[:, :2]
    corners += noise[:, None] * rng.normal(size=(num_detections, 4)) / 4
    category_ids = np.where(rng.random(num_detections) < 0.02, 2, 1)
    elsewhere = rng.random(num_detections) < 0.03  # an image that may show nobody
    found_in = images[people]
    found_in[elsewhere] = rng.choice(image_ids, elsewhere.sum())
    order = np.argsort(found_in, kind='stable')
    return GeneratedPeople(
        truth,
        found_in[order],
        category_ids[order],
        keypoints[order].astype(np.float32),
        scores[order].astype(np.float32),
        corners[order].astype(np.float32),
        rng.uniform(0, 1, num_detections).round(1).astype(np.float32),
    )


def _annotate(
    rng: np.random.Generator, image_ids: np.ndarray, num_keypoints: int
) -> list[dict[str, Any]]:
    """One annotation an image id."""
    count = len(image_ids)
    areas = np.exp(rng.uniform(np.log(300), np.log(60_000), count)).round(1)
    on_border = rng.random(count) < 0.1
    areas[on_border] = rng.choice(BORDERS, on_border.sum(), p=[0.45, 0.45, 0.05, 0.05])
    sides = np.sqrt(np.clip(areas, 400, 1e5) * 1.8)
    corners = rng.uniform(0, 400, (count, 2)).round(1)
    places = (
        corners[:, None] + rng.random((count, num_keypoints, 2)) * sides[:, None, None]
    )
    visible = rng.choice([0, 1, 2, 2, 2], (count, num_keypoints))
    visible[rng.random(count) < 0.08] = 0
    joints = np.concatenate([places.round(), visible[..., None]], -1)
    joints[visible == 0] = 0
    crowd = rng.random(count) < 0.04
    annotations = []
    for row, image_id in enumerate(image_ids.tolist()):
        side = round(float(sides[row]), 1)
        annotations.append(
            {
                'id': row + 1,
                'image_id': image_id,
                'category_id': 2 if row % 29 == 28 else 1,
                'bbox': [*corners[row].tolist(), side, side],
                'area': float(areas[row]),
                'iscrowd': int(crowd[row]),
                'num_keypoints': int((visible[row] > 0).sum()),
                'keypoints': joints[row].ravel().tolist(),
            }
        )
        # the same person twice: two annotations of equal OKS
        if row % 23 == 22 and annotations[-2]['image_id'] == image_id:
            twin = annotations[-2]
            annotations[-1].update(keypoints=twin['keypoints'], area=twin['area'])
    return annotations
