"""Transforms of pixels follow from a seed alone, whatever generator they draw from."""

import random

import numpy as np
import pytest
import torch
from mmpose.registry import TRANSFORMS

from gm_pose.fast_lane.loading.pixel_transforms import PixelTransforms
from gm_pose.runs.resume.rng_state import preserve_rng, seed_rng


class Generator:
    """As newer versions of Albumentations: a composition with a generator of its own."""

    def __init__(self):
        self.own = np.random.default_rng()

    def set_random_seed(self, seed):
        self.own = np.random.default_rng(seed)


@pytest.fixture
def noise():
    """A transform that adds numbers of every generator there is."""

    class Noise:
        def __init__(self):
            self.aug = Generator()

        def __call__(self, results):
            drawn = (
                random.randrange(64),
                int(np.random.randint(64)),  # noqa: NPY002
                int(torch.randint(64, ())),
                int(self.aug.own.integers(64)),
            )
            results['img'] = results['img'] + np.array(drawn[:3], np.uint8)
            results['img'][0, 0] = drawn[3]
            return results

    TRANSFORMS.register_module(name='NoiseOfATest', module=Noise, force=True)
    yield PixelTransforms([dict(type='NoiseOfATest')])
    TRANSFORMS.module_dict.pop('NoiseOfATest')


def apply(transforms, words):
    crop = np.full((8, 6, 3), 100, np.uint8)
    transforms.apply(crop, words)
    return crop


def test_same_seed_same_pixels(noise):
    first = apply(noise, (1, 2))
    other = apply(noise, (1, 3))
    assert np.array_equal(apply(noise, (1, 2)), first)
    assert (first != other).any(axis=(0, 1)).all()
    assert first[0, 0, 0] != apply(noise, (2, 2))[0, 0, 0]


def test_equal_to_mmposes_transform_with_the_same_seed():
    config = dict(type='PhotometricDistortion')
    stock = TRANSFORMS.build(dict(config))
    image = np.random.default_rng(0).integers(0, 256, (16, 12, 3), dtype=np.uint8)
    for seed in range(10):
        crop = image.copy()
        PixelTransforms([config]).apply(crop, (seed, 0))
        with preserve_rng():
            seed_rng((seed, 0))
            wanted = stock(dict(img=image.copy()))['img']
        assert np.array_equal(crop, wanted)


def test_none_changes_nothing():
    transforms = PixelTransforms(())
    assert len(transforms) == 0
    assert (apply(transforms, (1, 2)) == 100).all()
