"""Random clothes, skin and hair."""

from dataclasses import dataclass

import cv2
import numpy as np


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
