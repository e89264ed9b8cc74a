"""From a posed body to coloured solids: trunk, limbs and their clothes.

Everything is a :class:`Capsule` (a sphere swept along a segment, its radius changing
linearly), which the renderer draws into a depth buffer. The cues that tell left from
right are those of real people: face, chest, feet, how limbs bend; clothes are
symmetric.
"""

from __future__ import annotations

import numpy as np

from gm_pose.datasets.synthetic_people.capsule import Capsule
from gm_pose.datasets.synthetic_people.head import make_head
from gm_pose.datasets.synthetic_people.outfit import Outfit
from gm_pose.datasets.synthetic_people.skeleton import Body


def dress_body(body: Body, outfit: Outfit) -> list[Capsule]:
    """All solids of one person; in statures, in the body's frame."""
    return [
        *_torso(body, outfit),
        *_limbs(body, outfit),
        *make_head(body, outfit),
    ]


def _torso(body: Body, outfit: Outfit) -> list[Capsule]:
    """Chest, belly and pelvis, flat because two columns stand side by side."""
    p, size, girth = body.points, body.proportions, body.proportions['girth']
    chest, pelvis = body.frames['chest'], body.frames['pelvis']
    top, bottom = outfit.top, outfit.bottom
    parts = []
    for sign in (1, -1):
        upper = p['neck'] + chest @ [sign * size['shoulder_half'] * 0.5, -0.045, 0]
        lower = pelvis @ np.array([sign * size['hip_half'] * 0.7, 0.03, 0])
        parts.append(
            Capsule(
                'torso',
                upper,
                lower,
                (0.062 * girth, 0.058 * girth),
                top,
                outfit.trim,
                1.0,
                outfit.stripes,
            )
        )
        shoulder = p['left_shoulder' if sign == 1 else 'right_shoulder']
        yoke = (0.042 * girth, 0.046 * girth)
        parts.append(Capsule('torso', p['neck'], shoulder, yoke, top, top))
    parts.append(
        Capsule(
            'pelvis',
            p['left_hip'],
            p['right_hip'],
            (0.066 * girth,) * 2,
            bottom,
            bottom,
        )
    )
    front = 0.062 * girth
    if outfit.placket:  # buttons or a zip: the chest's front
        start = p['neck'] + chest @ [0, -0.05, front]
        end = pelvis @ np.array([0, 0.05, front])
        parts.append(
            Capsule('torso', start, end, (0.014, 0.014), outfit.trim, outfit.trim)
        )
    neckline = p['neck'] + chest @ [0, -0.012, 0.042 * girth]
    parts.append(
        Capsule('neck', neckline, neckline, (0.022, 0.022), outfit.skin, outfit.skin)
    )
    if outfit.backpack:
        start = p['neck'] + chest @ [0, -0.06, -0.085 * girth - 0.02]
        end = pelvis @ np.array([0, 0.1, -0.085 * girth - 0.02])
        parts.append(
            Capsule('pack', start, end, (0.075, 0.085), outfit.trim, outfit.trim)
        )
    if outfit.skirt:  # flared around each thigh
        for side in ('left', 'right'):
            hip, knee = p[f'{side}_hip'], p[f'{side}_knee']
            hem = hip + 0.75 * (knee - hip)
            parts.append(
                Capsule(
                    'pelvis',
                    p['pelvis'] * 0.5 + hip * 0.5,
                    hem,
                    (0.072 * girth, 0.09 * girth),
                    bottom,
                    bottom,
                )
            )
    return parts


def _limbs(body: Body, outfit: Outfit) -> list[Capsule]:
    """Arms and legs; sleeves and trouser legs end where the outfit says."""
    p, girth = body.points, body.proportions['girth']
    skin, parts = outfit.skin, []
    leg = 0.4 if outfit.skirt else outfit.leg  # the pelvis' colour where they meet
    for side in ('left', 'right'):
        # name, from, to, radii, cloth colour, share of the segment that is clothed
        for tag, start, end, ra, rb, cloth, share in (
            ('upper_arm', 'shoulder', 'elbow', 0.044, 0.034, outfit.top, outfit.sleeve),
            ('forearm', 'elbow', 'wrist', 0.034, 0.025, outfit.top, outfit.sleeve - 1),
            ('hand', 'wrist', 'hand', 0.025, 0.022, skin, 1),
            ('thigh', 'hip', 'knee', 0.066, 0.048, outfit.bottom, leg),
            ('shank', 'knee', 'ankle', 0.047, 0.032, outfit.bottom, leg - 1),
            ('foot', 'heel', 'toe', 0.03, 0.026, outfit.shoes, 1),
        ):
            parts.append(
                Capsule(
                    f'{side}_{tag}',
                    p[f'{side}_{start}'],
                    p[f'{side}_{end}'],
                    (ra * girth, rb * girth),
                    np.asarray(cloth if share > 0 else skin),
                    skin,
                    share if share > 0 else 1.0,
                )
            )
    return parts
