"""From a posed body to coloured solids: flesh, clothes, hair, face.

Everything is a :class:`Capsule` (a sphere swept along a segment, its radius changing
linearly), which the renderer draws into a depth buffer. The cues that tell left from
right are those of real people: face, chest, feet, how limbs bend; clothes are
symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gm_pose.datasets.synthetic_people.skeleton import Body


@dataclass(frozen=True)
class Capsule:
    """A tapered capsule from `start` to `end` (3,), in statures.

    `near` is the colour from `start` up to the share `split` of the way, `far` the
    colour after it; `stripes` > 0 draws that many bands of `far` over the length.
    `tag` names the body part, for deciding which joints it may cover.
    """

    tag: str
    start: np.ndarray
    end: np.ndarray
    radii: tuple[float, float]
    near: np.ndarray
    far: np.ndarray
    split: float = 1.0
    stripes: float = 0.0


@dataclass(frozen=True)
class Outfit:
    """Colours (BGR, 0-255) and cuts of one person's clothes and hair."""

    skin: np.ndarray
    hair: np.ndarray
    top: np.ndarray
    trim: np.ndarray
    bottom: np.ndarray
    shoes: np.ndarray
    sleeve: float
    leg: float
    stripes: float
    long_hair: bool
    cap: bool
    skirt: bool
    placket: bool
    backpack: bool


def sample_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour of cloth, BGR (3,) in 0-255; greys and dark tones are common."""
    hue = rng.uniform(0, 180)
    saturation = rng.choice([rng.uniform(0, 50), rng.uniform(60, 220)])
    value = rng.uniform(35, 245)
    pixel = np.array([[[hue, saturation, value]]], np.uint8)
    return cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0].astype(np.float32)


def sample_outfit(rng: np.random.Generator) -> Outfit:
    """Random clothes, skin and hair."""
    dark, light = np.array([38.0, 58.0, 95.0]), np.array([165.0, 195.0, 235.0])
    skin = dark + (light - dark) * rng.beta(2, 1.3) + rng.normal(0, 5, 3)
    hairs = np.array([[25, 25, 30], [35, 50, 75], [70, 120, 160], [150, 150, 155]])
    return Outfit(
        skin=skin.clip(0, 255).astype(np.float32),
        hair=(hairs[rng.integers(4)] + rng.normal(0, 8, 3)).clip(0, 255),
        top=sample_colour(rng),
        trim=sample_colour(rng),
        bottom=sample_colour(rng),
        shoes=sample_colour(rng) * 0.7,
        sleeve=float(rng.choice([0.0, 0.5, 0.9, 2.0], p=[0.12, 0.4, 0.08, 0.4])),
        leg=float(rng.choice([0.55, 1.0, 2.0], p=[0.25, 0.12, 0.63])),
        stripes=float(rng.choice([0, rng.uniform(2, 6)], p=[0.75, 0.25])),
        long_hair=bool(rng.random() < 0.3),
        cap=bool(rng.random() < 0.15),
        skirt=bool(rng.random() < 0.12),
        placket=bool(rng.random() < 0.5),
        backpack=bool(rng.random() < 0.1),
    )


def dress_body(body: Body, outfit: Outfit) -> list[Capsule]:
    """All solids of one person; in statures, in the body's frame."""
    return [
        *_torso(body, outfit),
        *_limbs(body, outfit),
        *_head(body, outfit),
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


def _head(body: Body, outfit: Outfit) -> list[Capsule]:
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
