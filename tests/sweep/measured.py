"""Runs whose AP is made up."""

from types import SimpleNamespace

import numpy as np

from gm_pose.report.analysis.estimates import Estimate, estimate


def make_run(scores, counts) -> SimpleNamespace:
    """'AP' of a run: the mean of its people's scores (I,), with the bootstrap's samples."""
    value = float(np.mean(scores))
    samples = counts @ scores / counts.sum(1)
    return SimpleNamespace(
        ap=Estimate(*estimate(value, samples)), ap_samples=samples, image_counts=counts
    )


def draw_counts(rng, num_images: int, num_samples: int = 300):
    return rng.multinomial(num_images, [1 / num_images] * num_images, size=num_samples)


def make_fixed(value: float, spread: float = 0.0, num_images: int = 50):
    """A run of AP `value`, whose bootstrap has this standard deviation, all in points."""
    z = np.array([-1.0, 1.0] * 250)
    return SimpleNamespace(
        ap=Estimate(value / 100, value / 100, value / 100),
        ap_samples=(value + spread * z) / 100,
        image_counts=np.ones((500, num_images), int),
    )
