"""Depth-buffer rendering of capsules and the visibility of joints in it.

Image space: u right, v down, both in px with integers at pixel centres; z in px towards
the viewer, orthographic. A person facing the camera therefore has the left side at
larger u, as in a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gm_pose.datasets.synthetic_people.capsule import Capsule
from gm_pose.datasets.synthetic_people.skeleton import KEYPOINTS

# Parts that belong to a joint, and how far (in statures) their surface may lie in front
# of the joint's centre and still be the joint's own flesh. A surface further in front is
# another limb, or the near side of the trunk with the joint on the far side.
_OWN_PARTS: dict[str, tuple[tuple[str, ...], float]] = {
    'nose': (('nose', 'head', 'mouth'), 0.02),
    'eye': (('{side}_eye', 'head', 'brow', 'nose'), 0.02),
    'ear': (('{side}_ear', 'head'), 0.025),
    'shoulder': (('{side}_upper_arm', 'torso'), 0.085),
    'elbow': (('{side}_upper_arm', '{side}_forearm'), 0.08),
    'wrist': (('{side}_forearm', '{side}_hand'), 0.07),
    'hip': (('{side}_thigh', 'pelvis', 'torso'), 0.115),
    'knee': (('{side}_thigh', '{side}_shank'), 0.09),
    'ankle': (('{side}_shank', '{side}_foot'), 0.07),
}


@dataclass(frozen=True)
class Drawing:
    """One person drawn alone into a window of the image.

    Attributes:
        origin: (u, v) of the window's first pixel in the image.
        colour: (h, w, 3) float32, BGR 0-255.
        depth: (h, w) float32, px towards the viewer, -inf where nothing is.
        part: (h, w) int16 index into `tags`, -1 where nothing is.
        tags: names of the parts.
    """

    origin: tuple[int, int]
    colour: np.ndarray
    depth: np.ndarray
    part: np.ndarray
    tags: tuple[str, ...]

    @property
    def mask(self) -> np.ndarray:
        """(h, w) bool: where the person is."""
        return self.part >= 0


def project_points(points: np.ndarray, height_px: float, at: np.ndarray) -> np.ndarray:
    """Statures -> image space: (..., 3) body points to (..., 3) px, pelvis at `at`."""
    flipped = points * np.array([1.0, -1.0, 1.0]) * height_px
    return flipped + np.array([at[0], at[1], 0.0])


def bounding_box(
    parts: Sequence[Capsule], height_px: float, at: np.ndarray
) -> np.ndarray:
    """Box (left, top, right, bottom) px around all parts, image border ignored."""
    ends = np.stack([[c.start, c.end] for c in parts])  # (P, 2, 3)
    uv = project_points(ends, height_px, at)[..., :2]
    r = np.array([c.radii for c in parts])[..., None] * height_px
    return np.concatenate([(uv - r).min(axis=(0, 1)), (uv + r).max(axis=(0, 1))])


def draw_person(
    parts: Sequence[Capsule],
    height_px: float,
    at: np.ndarray,
    image_size: tuple[int, int],
    light: np.ndarray,
) -> Drawing:
    """Draw one person alone.

    Args:
        parts: the solids, in statures.
        height_px: px per stature.
        at: (u, v) px of the pelvis.
        image_size: (W, H) px; the window is clipped to it.
        light: (3,) unit vector towards the light, in image space.

    Raises:
        ValueError: if no pixel of the person can lie in the image.
    """
    box = bounding_box(parts, height_px, at)
    low = np.clip(np.floor(box[:2]), 0, image_size).astype(int)
    high = np.clip(np.ceil(box[2:]) + 1, 0, image_size).astype(int)
    w, h = high - low
    if w <= 0 or h <= 0:
        raise ValueError(
            f'the person at {np.asarray(at).tolist()} px lies outside the image of '
            f'{image_size[0]}x{image_size[1]} px; place the pelvis nearer'
        )
    drawing = Drawing(
        origin=(int(low[0]), int(low[1])),
        colour=np.zeros((h, w, 3), np.float32),
        depth=np.full((h, w), -np.inf, np.float32),
        part=np.full((h, w), -1, np.int16),
        tags=tuple(c.tag for c in parts),
    )
    shift = np.array([*low, 0.0])
    for index, capsule in enumerate(parts):
        ends = np.stack([capsule.start, capsule.end])
        a, b = project_points(ends, height_px, at) - shift
        _draw_capsule(drawing, index, capsule, a, b, height_px, light)
    return drawing


def _draw_capsule(
    drawing: Drawing,
    index: int,
    capsule: Capsule,
    a: np.ndarray,
    b: np.ndarray,
    height_px: float,
    light: np.ndarray,
) -> None:
    """Draw a capsule from `a` to `b` (3,) px of the window where it is in front."""
    h, w = drawing.part.shape
    ra, rb = np.maximum(np.array(capsule.radii) * height_px, 0.6)
    u0 = max(int(min(a[0] - ra, b[0] - rb)), 0)
    v0 = max(int(min(a[1] - ra, b[1] - rb)), 0)
    u1 = min(int(max(a[0] + ra, b[0] + rb)) + 2, w)
    v1 = min(int(max(a[1] + ra, b[1] + rb)) + 2, h)
    if u0 >= u1 or v0 >= v1:
        return
    u = np.arange(u0, u1, dtype=np.float32)[None]
    v = np.arange(v0, v1, dtype=np.float32)[:, None]
    d = (b - a).astype(np.float32)
    length2 = max(float(d[0] ** 2 + d[1] ** 2), 1e-3)
    t = np.clip(((u - a[0]) * d[0] + (v - a[1]) * d[1]) / length2, 0, 1)
    # Along a limb that points at the camera the nearest point of the axis in the image
    # is not the nearest in space: let both end caps compete.
    if d[2] ** 2 > length2:
        start, end = np.zeros_like(t), np.ones_like(t)
        shares = np.stack([t, start, end])
        heights = np.stack([_depth_of_sphere(u, v, s, a, d, ra, rb)[0] for s in shares])
        t = np.take_along_axis(shares, heights.argmax(0)[None], 0)[0]
    depth, nu, nv, nz = _depth_of_sphere(u, v, t, a, d, ra, rb)
    window = np.s_[v0:v1, u0:u1]
    front = depth > drawing.depth[window]
    if not front.any():
        return
    lambert = np.clip(nu * light[0] + nv * light[1] + nz * light[2], 0, 1)
    shade = (0.42 + 0.43 * lambert + 0.15 * nz)[front]
    t = t[front]
    far = t > capsule.split
    if capsule.stripes:
        far = far | (np.floor(t * 2 * capsule.stripes) % 2 == 1)
    colour = np.where(far[:, None], capsule.far, capsule.near) * shade[:, None]
    drawing.colour[window][front] = colour
    drawing.depth[window][front] = depth[front]
    drawing.part[window][front] = index


def _depth_of_sphere(
    u: np.ndarray,
    v: np.ndarray,
    t: np.ndarray,
    a: np.ndarray,
    d: np.ndarray,
    ra: float,
    rb: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Depth and normal (3 maps) of the sphere at share `t`; depth -inf outside it."""
    r = np.float32(ra) + t * np.float32(rb - ra)
    nu = (u - np.float32(a[0]) - t * d[0]) / r
    nv = (v - np.float32(a[1]) - t * d[1]) / r
    rest = 1 - nu * nu - nv * nv
    nz = np.sqrt(np.maximum(rest, 0))
    depth = np.float32(a[2]) + t * d[2] + nz * r
    return np.where(rest > 0, depth, -np.inf).astype(np.float32), nu, nv, nz


def visible_joints(
    drawing: Drawing, joints_px: np.ndarray, height_px: float, seen: np.ndarray
) -> np.ndarray:
    """Which joints are seen in the finished image.

    A joint counts as seen where at least half of the 3x3 pixels around it show the
    joint's own parts, not further in front of its centre than its flesh is thick.

    Args:
        drawing: the person drawn alone.
        joints_px: (17, 3) px in image space.
        height_px: px per stature.
        seen: (h, w) bool, window of the image in which this person is the front one.

    Returns:
        (17,) bool; False outside the window.
    """
    h, w = drawing.part.shape
    result = np.zeros(len(KEYPOINTS), bool)
    for k, name in enumerate(KEYPOINTS):
        side, _, kind = name.rpartition('_')
        own, slack = _OWN_PARTS[kind]
        tags = {tag.format(side=side) for tag in own}
        indices = [i for i, tag in enumerate(drawing.tags) if tag in tags]
        u, v = np.rint(joints_px[k, :2]).astype(int) - drawing.origin
        if not (0 <= u < w and 0 <= v < h):
            continue
        patch = np.s_[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2]
        good = seen[patch] & np.isin(drawing.part[patch], indices)
        good &= drawing.depth[patch] <= joints_px[k, 2] + slack * height_px + 1
        result[k] = good.mean() >= 0.5
    return result
