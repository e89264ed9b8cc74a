"""What is behind and in front of the people: walls, ground, clutter, occluders."""

from __future__ import annotations

import cv2
import numpy as np

from gm_pose.datasets.synthetic_people.outfit import sample_colour


def smooth_noise(
    rng: np.random.Generator, size: tuple[int, int], cells: int
) -> np.ndarray:
    """Random field (H, W, 1) in [-1, 1] with about `cells` bumps along each side."""
    coarse = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)[..., None]


def paint_background(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A random place, (H, W, 3) float32 BGR: wall or sky, ground, clutter, texture."""
    w, h = size
    top, bottom = sample_colour(rng), sample_colour(rng)
    ramp = np.linspace(0, 1, h, dtype=np.float32)[:, None, None]
    image = np.ones((1, w, 1), np.float32) * (top + (bottom - top) * 0.5 * ramp)
    horizon = int(h * rng.uniform(0.35, 0.85))
    image[horizon:] = sample_colour(rng) * (0.8 + 0.2 * ramp[horizon:])
    for _ in range(rng.integers(1, 9)):
        draw_clutter(rng, image, filled=bool(rng.random() < 0.7))
    for cells in (4, 16, 64):
        strength = rng.uniform(0, 26) * (1.0 if cells < 64 else 0.7)
        image += strength * smooth_noise(rng, size, cells)
    return np.clip(image, 0, 255)


def draw_clutter(rng: np.random.Generator, image: np.ndarray, filled: bool) -> None:
    """Draw one random thing into `image` (H, W, 3): box, disc, pole, polygon."""
    h, w = image.shape[:2]
    colour = [float(c) for c in sample_colour(rng)]
    u, v = rng.uniform(0, w), rng.uniform(0, h)
    du, dv = rng.uniform(0.04, 0.3, 2) * (w, h)
    thickness = -1 if filled else int(rng.integers(1, 6))
    kind = rng.integers(4)
    a, b = (int(u - du), int(v - dv)), (int(u + du), int(v + dv))
    if kind == 0:
        cv2.rectangle(image, a, b, colour, thickness)
    elif kind == 1:
        axes = (int(du * 0.7) + 1, int(dv * 0.7) + 1)
        cv2.ellipse(
            image,
            (int(u), int(v)),
            axes,
            rng.uniform(0, 180),
            0,
            360,
            colour,
            thickness,
        )
    elif kind == 2:  # poles and branches, about as thick as limbs
        cv2.line(image, a, b, colour, int(rng.integers(3, 16)))
    else:
        corners = rng.uniform(-1, 1, (int(rng.integers(3, 6)), 2)) * (du, dv) + (u, v)
        cv2.fillPoly(image, [corners.astype(np.int32)], colour)


def paint_occluder(
    rng: np.random.Generator, size: tuple[int, int], box: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Something in front of the person in `box` (left, top, right, bottom) px.

    Returns:
        mask (H, W) bool and colours (H, W, 3) float32.
    """
    w, h = size
    mask = np.zeros((h, w), np.uint8)
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    kind = rng.integers(3)
    if kind == 0:  # a table, a wall, a hedge: the legs are behind it
        edge = int(top + height * rng.uniform(0.6, 0.85))
        reach = rng.uniform(0.1, 0.8) * width
        cv2.rectangle(mask, (int(left - reach), edge), (int(right + reach), h), 1, -1)
    elif kind == 1:  # a pole, a tree
        u = int(rng.uniform(left, right))
        end = (int(u + rng.normal(0, 10)), h)
        cv2.line(mask, (u, 0), end, [1], int(max(3, 0.14 * min(width, height))))
    else:  # something held or standing before the body
        centre = (int(rng.uniform(left, right)), int(rng.uniform(top, bottom)))
        axes = (int(0.22 * width) + 2, int(0.13 * height) + 2)
        cv2.ellipse(mask, centre, axes, rng.uniform(0, 180), 0, 360, [1], -1)
    colour = sample_colour(rng) + rng.uniform(5, 30) * smooth_noise(rng, size, 24)
    return mask.astype(bool), np.clip(colour, 0, 255).astype(np.float32)
