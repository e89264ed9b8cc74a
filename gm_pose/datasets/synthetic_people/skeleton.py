"""Random bodies and poses in 3-D: proportions, joint angles, forward kinematics.

Body frame, right-handed, unit = the person's stature: +x to the person's own left, +y
up, +z to the front. Angles are in degrees where a number is written and in radians
where it is used. Nothing is coloured or mirrored here: left and right differ only as
they do in anatomy (knees bend back, elbows bend forward, feet and face point to +z).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from gm_pose.ops.skeleton import COCO_JOINT_NAMES

KEYPOINTS = COCO_JOINT_NAMES

# Segment lengths as fractions of stature, after the rule-of-thumb body proportions of
# figure drawing (about 7.5 heads); each is varied per person by `sample_proportions`.
ADULT = {
    'hip_half': 0.058, 'torso': 0.285, 'shoulder_half': 0.105, 'neck': 0.105,
    'head': 0.066, 'upper_arm': 0.165, 'forearm': 0.145, 'hand': 0.055,
    'thigh': 0.235, 'shank': 0.235, 'foot': 0.10,
}  # fmt: skip


@dataclass(frozen=True)
class Body:
    """A posed body: named points (3,) and the frames (3, 3) that parts hang on."""

    points: dict[str, np.ndarray]
    frames: dict[str, np.ndarray]
    proportions: dict[str, float]

    def keypoints(self) -> np.ndarray:
        """The 17 COCO keypoints, (17, 3), in statures."""
        return np.stack([self.points[name] for name in KEYPOINTS])


def rotation(axis: str, angle: float) -> np.ndarray:
    """Right-handed rotation matrix (3, 3) about 'x', 'y' or 'z' by `angle` rad."""
    return Rotation.from_euler(axis, angle).as_matrix()


def sample_proportions(rng: np.random.Generator) -> dict[str, float]:
    """Segment lengths and `girth` (thickness factor) of one person."""
    lengths = {name: v * rng.uniform(0.92, 1.08) for name, v in ADULT.items()}
    if rng.random() < 0.15:  # a child: larger head, shorter limbs
        lengths['head'] *= rng.uniform(1.15, 1.4)
        for name in ('upper_arm', 'forearm', 'thigh', 'shank'):
            lengths[name] *= rng.uniform(0.84, 0.92)
    lengths['girth'] = float(rng.uniform(1.0, 1.35))
    return lengths


def sample_legs(rng: np.random.Generator) -> np.ndarray:
    """Hip flexion, abduction, outward turn and knee flexion, (2, 4) deg, left first."""
    kind = rng.choice(['stand', 'stride', 'sit', 'squat', 'kick'],
                      p=[0.46, 0.32, 0.1, 0.06, 0.06])  # fmt: skip
    out = rng.uniform(0, 15, 2)
    if kind == 'stand':
        flexion, abduction = rng.normal(0, 7, 2), rng.uniform(1, 14, 2)
        knee = np.abs(rng.normal(0, 9, 2))
    elif kind == 'stride':
        swing = rng.uniform(15, 50)
        flexion = np.array([swing, -swing * rng.uniform(0.3, 0.7)])
        abduction = rng.uniform(0, 6, 2)
        knee = np.array([rng.uniform(5, 80), rng.uniform(10, 70)])
    elif kind == 'sit':
        flexion, abduction = rng.uniform(75, 100, 2), rng.uniform(2, 22, 2)
        knee = rng.uniform(65, 110) + rng.normal(0, 8, 2)
    elif kind == 'squat':
        flexion = rng.uniform(55, 115) + rng.normal(0, 8, 2)
        abduction, knee = rng.uniform(5, 30, 2), flexion + rng.uniform(0, 25, 2)
    else:
        flexion = np.array([rng.uniform(40, 100), rng.normal(-5, 8)])
        abduction = np.array([rng.uniform(0, 35), rng.uniform(2, 12)])
        knee = np.array([rng.uniform(0, 60), rng.uniform(5, 30)])
    angles = np.stack([flexion, abduction, out, knee], axis=1)
    return angles[::-1] if rng.random() < 0.5 else angles


def sample_arm(rng: np.random.Generator) -> np.ndarray:
    """Shoulder flexion, abduction, inward turn and elbow flexion of one arm, (4,)."""
    kind = rng.choice(['down', 'akimbo', 'raised', 'side', 'forward', 'any'],
                      p=[0.44, 0.12, 0.14, 0.18, 0.07, 0.05])  # fmt: skip
    if kind == 'down':
        low, high = (-22, 4, -10, 2), (28, 26, 40, 55)
    elif kind == 'akimbo':
        low, high = (-35, 35, 55, 75), (0, 60, 90, 110)
    elif kind == 'raised':
        low, high = (-15, 115, -40, 0), (30, 172, 40, 80)
    elif kind == 'side':
        low, high = (-20, 60, -90, 0), (30, 105, 40, 95)
    elif kind == 'forward':
        low, high = (40, 0, -10, 5), (115, 30, 60, 120)
    else:
        low, high = (-30, 0, -60, 0), (150, 120, 80, 135)
    return rng.uniform(low, high)


def sample_root(rng: np.random.Generator) -> np.ndarray:
    """Orientation of the pelvis seen by the camera, (3, 3): heading, lean, roll."""
    heading = rng.normal(0, 32) if rng.random() < 0.8 else rng.uniform(-180, 180)
    roll = rng.normal(0, 6)
    if rng.random() < 0.03:  # lying, cartwheels
        roll += rng.choice([-90.0, 90.0]) + rng.normal(0, 15)
    camera = rng.normal(6, 8)  # seen from a little above
    heading, roll, camera = np.deg2rad([heading, roll, camera])
    return rotation('z', roll) @ rotation('x', camera) @ rotation('y', heading)


def sample_body(rng: np.random.Generator) -> Body:
    """A random body in a random pose, pelvis at the origin."""
    size = sample_proportions(rng)
    legs = sample_legs(rng)
    arms = np.stack([sample_arm(rng), sample_arm(rng)])
    if rng.random() < 0.35:  # both arms alike
        arms[1] = arms[0] + rng.normal(0, 6, 4)
    arms[:, 3] = np.maximum(arms[:, 3], 0)
    legs[:, 3] = np.clip(legs[:, 3], 0, 150)
    bend = rng.normal([8, 0, 0], [11, 6, 12])  # forward, sideways, twist
    if legs[:, 0].mean() > 50:
        bend[0] += rng.uniform(0, 25)
    head = rng.normal([4, 0, 0], [12, 8, 28])  # nod, tilt, turn
    head[2] = np.clip(head[2], -65, 65)
    return pose_body(size, sample_root(rng), legs, arms, bend, head)


def pose_body(
    size: dict[str, float],
    root: np.ndarray,
    legs: np.ndarray,
    arms: np.ndarray,
    bend: np.ndarray,
    head: np.ndarray,
) -> Body:
    """Forward kinematics.

    Args:
        size: segment lengths in statures (:func:`sample_proportions`).
        root: (3, 3) orientation of the pelvis.
        legs: (2, 4) deg, left first: hip flexion, abduction, outward turn, knee.
        arms: (2, 4) deg, left first: shoulder flexion, abduction, inward turn, elbow.
        bend: (3,) deg: the torso's forward bend, sideways bend, twist.
        head: (3,) deg: nod, tilt, turn against the torso.
    """
    legs, arms, bend, head = (np.deg2rad(x) for x in (legs, arms, bend, head))
    down, front = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    chest = root @ rotation('x', bend[0]) @ rotation('z', bend[1])
    chest = chest @ rotation('y', bend[2])
    skull = chest @ rotation('y', head[2]) @ rotation('x', head[0])
    skull = skull @ rotation('z', head[1])
    points = {'pelvis': np.zeros(3), 'neck': chest @ [0, size['torso'], 0]}
    frames = {'pelvis': root, 'chest': chest, 'head': skull}
    radius = size['head']
    points['head'] = points['neck'] + skull @ [0, size['neck'], 0.012]
    for name, offset in (
        ('nose', (0, -0.15, 1.08)),
        ('left_eye', (0.4, 0.17, 0.9)),
        ('right_eye', (-0.4, 0.17, 0.9)),
        ('left_ear', (0.98, 0.0, -0.08)),
        ('right_ear', (-0.98, 0.0, -0.08)),
    ):
        points[name] = points['head'] + skull @ (radius * np.array(offset))
    for i, (side, sign) in enumerate((('left', 1), ('right', -1))):
        flexion, abduction, turn, elbow = arms[i]
        shoulder = points['neck'] + chest @ [sign * size['shoulder_half'], -0.02, 0]
        upper = chest @ rotation('z', sign * abduction) @ rotation('x', -flexion)
        upper = upper @ rotation('y', -sign * turn)
        lower = upper @ rotation('x', -elbow)
        points[f'{side}_shoulder'] = shoulder
        points[f'{side}_elbow'] = shoulder + size['upper_arm'] * (upper @ down)
        wrist = points[f'{side}_elbow'] + size['forearm'] * (lower @ down)
        points[f'{side}_wrist'] = wrist
        points[f'{side}_hand'] = wrist + size['hand'] * (lower @ down)
        flexion, abduction, turn, knee = legs[i]
        hip = root @ np.array([sign * size['hip_half'], 0, 0])
        thigh = root @ rotation('z', sign * abduction) @ rotation('x', -flexion)
        thigh = thigh @ rotation('y', sign * turn)
        shank = thigh @ rotation('x', knee)
        points[f'{side}_hip'] = hip
        points[f'{side}_knee'] = hip + size['thigh'] * (thigh @ down)
        ankle = points[f'{side}_knee'] + size['shank'] * (shank @ down)
        points[f'{side}_ankle'] = ankle
        points[f'{side}_heel'] = ankle + shank @ [0, -0.03, -0.02]
        toe = ankle + shank @ np.array([0, -0.035, 0]) + size['foot'] * (shank @ front)
        points[f'{side}_toe'] = toe
    return Body(points, frames, size)
