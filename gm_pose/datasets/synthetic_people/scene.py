"""A whole picture with several people, and what COCO would say about each of them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from pycocotools import mask as run_lengths

from gm_pose.datasets.synthetic_people.backgrounds import (
    paint_background,
    paint_occluder,
)
from gm_pose.datasets.synthetic_people.capsule import Capsule
from gm_pose.datasets.synthetic_people.dressing import dress_body
from gm_pose.datasets.synthetic_people.outfit import sample_outfit
from gm_pose.datasets.synthetic_people.renderer import (
    bounding_box,
    draw_person,
    project_points,
    visible_joints,
)
from gm_pose.datasets.synthetic_people.skeleton import sample_body

IMAGE_SIZES = ((400, 300), (300, 400), (400, 270), (360, 360))
"""(W, H) px. Smaller than COCO's 640x480, so that decoding costs little time."""

MIN_PIXELS = 700
MIN_LABELLED_SEEN = 8
_ATTEMPTS = 200


@dataclass(frozen=True)
class Figure:
    """A dressed person put into a picture: `joints` (17, 3) px, parts, scale, place."""

    parts: list[Capsule]
    joints: np.ndarray
    height_px: float
    at: np.ndarray
    box: np.ndarray


@dataclass(frozen=True)
class Scene:
    """A finished picture: `image` (H, W, 3) uint8 BGR and one annotation a person."""

    image: np.ndarray
    annotations: list[dict]


def sample_figure(rng: np.random.Generator, size: tuple[int, int]) -> Figure:
    """A random person at a random place and scale; a fifth are cut by the border."""
    body = sample_body(rng)
    parts = dress_body(body, sample_outfit(rng))
    unit = bounding_box(parts, 1.0, np.zeros(2))
    extent = (unit[2:] - unit[:2]).max()  # statures
    w, h = size
    # The long side of the person's box in px; sqrt makes large people more common.
    long_side = 90 + (0.95 * min(w, h) - 90) * np.sqrt(rng.random())
    cut = rng.random() < 0.2
    height_px = long_side * (rng.uniform(1.0, 1.35) if cut else 1.0) / extent
    box = unit * height_px
    low, high = -box[:2], np.array([w, h]) - box[2:]
    if cut:  # up to 40 % of the box beyond the border
        margin = 0.4 * (box[2:] - box[:2]) * rng.random(2)
        low, high = low - margin, high + margin
        at = np.where(rng.random(2) < 0.5, low, high)
        axis = rng.integers(2)  # cut at one border only
        at[axis] = rng.uniform(*sorted((-box[axis], [w, h][axis] - box[2 + axis])))
    else:
        at = rng.uniform(np.minimum(low, high), np.maximum(low, high))
    joints = project_points(body.keypoints(), height_px, at)
    return Figure(parts, joints, height_px, at, box + np.tile(at, 2))


def _overlap(box: np.ndarray, other: np.ndarray) -> float:
    """Share of `box` that `other` covers."""
    side = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    return float(np.prod(side.clip(0)) / np.prod(box[2:] - box[:2]))


def place_figures(
    rng: np.random.Generator, size: tuple[int, int], people: int
) -> list[Figure]:
    """`people` figures, farthest first, none mostly behind a nearer one."""
    figures: list[Figure] = []
    for _ in range(_ATTEMPTS * people):
        if len(figures) == people:
            break
        new = sample_figure(rng, size)
        if all(
            max(_overlap(new.box, f.box), _overlap(f.box, new.box)) < 0.3
            for f in figures
        ):
            figures.append(new)
    return sorted(figures, key=lambda f: f.height_px)


def make_scene(rng: np.random.Generator, people: int) -> Scene:
    """Picture of exactly `people` people, each large and visible enough to label.

    Raises:
        ValueError: if that many people do not fit into one picture.
    """
    for _ in range(_ATTEMPTS):
        size = IMAGE_SIZES[rng.integers(len(IMAGE_SIZES))]
        figures = place_figures(rng, size, people)
        if len(figures) < people:
            continue
        scene = compose_scene(rng, size, figures)
        if all(_is_labelled(a) for a in scene.annotations):
            return scene
    raise ValueError(
        f'no room for {people} people in one picture after {_ATTEMPTS} attempts; ask '
        'for fewer people per picture (1 to 5)'
    )


def _is_labelled(annotation: dict) -> bool:
    """Whether an annotator would have labelled this person's keypoints."""
    seen = sum(v == 2 for v in annotation['keypoints'][2::3])
    return annotation['area'] >= MIN_PIXELS and seen >= MIN_LABELLED_SEEN


def compose_scene(
    rng: np.random.Generator, size: tuple[int, int], figures: list[Figure]
) -> Scene:
    """Draw `figures` (farthest first) over a background, occluders over some."""
    w, h = size
    light = np.array([rng.uniform(-0.7, 0.7), -0.7, rng.uniform(0.3, 0.9)])
    light /= np.linalg.norm(light)
    canvas = paint_background(rng, size)
    front = np.full((h, w), -1, np.int16)  # index of the foremost person, -2 a thing
    drawings = []
    for i, figure in enumerate(figures):
        drawing = draw_person(figure.parts, figure.height_px, figure.at, size, light)
        (u, v), (dh, dw) = drawing.origin, drawing.part.shape
        canvas[v : v + dh, u : u + dw][drawing.mask] = drawing.colour[drawing.mask]
        front[v : v + dh, u : u + dw][drawing.mask] = i
        drawings.append(drawing)
        if rng.random() < 0.12:
            mask, colour = paint_occluder(rng, size, figure.box)
            canvas[mask] = colour[mask]
            front[mask] = -2
    annotations = []
    for i, (figure, drawing) in enumerate(zip(figures, drawings, strict=True)):
        (u, v), (dh, dw) = drawing.origin, drawing.part.shape
        mine = front == i
        window = mine[v : v + dh, u : u + dw]
        seen = visible_joints(drawing, figure.joints, figure.height_px, window)
        annotations.append(describe_person(figure.joints[:, :2], seen, mine))
    return Scene(_develop(rng, canvas), annotations)


def describe_person(joints_px: np.ndarray, seen: np.ndarray, mask: np.ndarray) -> dict:
    """COCO's fields of one person.

    Args:
        joints_px: (17, 2) px.
        seen: (17,) bool.
        mask: (H, W) bool: the pixels that show the person.

    Returns:
        `keypoints` (51 numbers; visibility 2 seen, 1 labelled but hidden, 0 outside
        the image with x = y = 0), `num_keypoints`, `bbox`, `area`, `segmentation`
        (compressed run lengths).
    """
    h, w = mask.shape
    points = np.round(joints_px, 2)
    inside = ((points >= 0) & (points <= (w - 1, h - 1))).all(axis=1, keepdims=True)
    visibility = np.where(inside, np.where(seen, 2, 1)[:, None], 0)
    rows = np.concatenate([points * inside, visibility], axis=1)
    keypoints = [value for u, v, flag in rows.tolist() for value in (u, v, int(flag))]
    encoded = run_lengths.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {
        'segmentation': {'size': [h, w], 'counts': encoded['counts'].decode()},
        'num_keypoints': int(inside.sum()),
        'area': int(run_lengths.area(encoded)),
        'iscrowd': 0,
        'keypoints': keypoints,
        'bbox': run_lengths.toBbox(encoded).tolist(),
    }


def _develop(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """What a camera adds: softness, exposure, a colour cast, grain."""
    image = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.45, 0.8))
    exposure = rng.uniform(0.75, 1.15)
    image = image * (exposure * rng.uniform(0.94, 1.06, 3).astype(np.float32))
    grain = rng.normal(0, rng.uniform(1, 6), image.shape[:2])[..., None]
    return np.clip(image + grain, 0, 255).astype(np.uint8)
