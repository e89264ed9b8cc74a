"""Skull, hair and face of one person."""

from __future__ import annotations

import numpy as np

from gm_pose.datasets.synthetic_people.capsule import Capsule
from gm_pose.datasets.synthetic_people.outfit import Outfit
from gm_pose.datasets.synthetic_people.skeleton import Body


def make_head(body: Body, outfit: Outfit) -> list[Capsule]:
    """Neck, skull, hair and a face with eyes, brows, nose, mouth and ears."""
    p, frame, r = body.points, body.frames['head'], body.proportions['head']
    skin, dark = outfit.skin, outfit.skin * 0.45
    white, black = np.full(3, 235.0), np.array([25.0, 25.0, 25.0])
    lips = outfit.skin * 0.4 + np.array([30.0, 25.0, 95.0])

    def at(x: float, y: float, z: float) -> np.ndarray:
        return p['head'] + frame @ (r * np.array([x, y, z]))

    def ball(tag: str, centre: np.ndarray, radius: float, colour: np.ndarray) -> None:
        parts.append(Capsule(tag, centre, centre, (radius * r,) * 2, colour, colour))

    parts = [
        Capsule('neck', p['neck'], p['head'], (0.036, 0.036), skin, skin),
        Capsule(
            'head', at(0, 0.3, 0), at(0, -0.42, 0.12), (r * 0.96, r * 0.8), skin, skin
        ),
        Capsule(
            'mouth',
            at(0.28, -0.62, 0.78),
            at(-0.28, -0.62, 0.78),
            (0.13 * r,) * 2,
            lips,
            lips,
        ),
    ]
    ball('nose', p['nose'], 0.17, skin * 0.88)
    for side, sign in (('left', 1), ('right', -1)):
        ball(f'{side}_eye', p[f'{side}_eye'], 0.19, white)
        ball(f'{side}_eye', at(sign * 0.4, 0.17, 1.0), 0.13, black)
        parts.append(
            Capsule(
                'brow',
                at(sign * 0.22, 0.46, 0.86),
                at(sign * 0.58, 0.44, 0.74),
                (0.1 * r,) * 2,
                dark,
                dark,
            )
        )
        ear = p[f'{side}_ear']
        parts.append(
            Capsule(
                f'{side}_ear',
                ear + frame @ [0, 0.14 * r, 0],
                ear - frame @ [0, 0.14 * r, 0],
                (0.2 * r,) * 2,
                skin * 0.85,
                skin * 0.85,
            )
        )
    cover = outfit.trim if outfit.cap else outfit.hair
    parts.append(
        Capsule(
            'hair',
            at(0, 0.42, -0.12),
            at(0, 0.42, -0.12),
            (r * 0.98,) * 2,
            cover,
            cover,
        )
    )
    parts.append(
        Capsule(
            'hair',
            at(0, 0.1, -0.32),
            at(0, 0.1, -0.32),
            (r * 0.88,) * 2,
            outfit.hair,
            outfit.hair,
        )
    )
    if outfit.cap:
        parts.append(
            Capsule(
                'hair',
                at(0.3, 0.72, 0.8),
                at(-0.3, 0.72, 0.8),
                (0.3 * r,) * 2,
                cover,
                cover,
            )
        )
    if outfit.long_hair:
        parts.append(
            Capsule(
                'hair',
                at(0, 0.0, -0.45),
                at(0, -1.5, -0.6),
                (1.08 * r, 0.8 * r),
                outfit.hair,
                outfit.hair,
            )
        )
    return parts
