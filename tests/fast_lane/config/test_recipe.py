"""The pipelines that the fast lane knows, and the name of what it does not know."""

import copy
from typing import Any

import pytest
from mmpose.datasets import transforms
from mmpose.datasets.datasets import CocoDataset
from mmpose.registry import TRANSFORMS

from gm_pose.fast_lane.config.recipe import NotRecognised, read_recipe

CODEC = dict(
    type='MSRAHeatmap', input_size=(192, 256), heatmap_size=(48, 64), sigma=2.0
)


def make_dataset(*changes: tuple[str, dict | None]) -> dict:
    """The stock training dataset; changes of a step's arguments, None takes it out."""
    steps = {
        'LoadImage': dict(),
        'GetBBoxCenterScale': dict(),
        'RandomFlip': dict(direction='horizontal'),
        'RandomHalfBody': dict(),
        'RandomBBoxTransform': dict(),
        'TopdownAffine': dict(input_size=(192, 256)),
        'GenerateTarget': dict(encoder=copy.deepcopy(CODEC)),
        'PackPoseInputs': dict(),
    }
    for name, change in changes:
        if change is None:
            del steps[name]
        else:
            steps[name].update(change)
    return dict(
        type='CocoDataset',
        ann_file='a.json',
        pipeline=[dict(dict(type=name), **step) for name, step in steps.items()],
    )


def test_stock_pipeline_gives_its_own_arguments_and_mmposes_defaults():
    recipe = read_recipe(make_dataset(('GetBBoxCenterScale', dict(padding=1.1))))
    assert recipe.input_size == (192, 256)
    assert recipe.padding == 1.1
    assert not recipe.use_udp
    assert recipe.is_training
    assert recipe.encoder == CODEC
    augmentation = recipe.augmentation
    assert augmentation.flip_prob == 0.5
    assert augmentation.half_body_prob == 0.3
    assert augmentation.half_body_padding == 1.5
    assert augmentation.scale_factor == (0.5, 1.5)
    assert augmentation.rotate_factor == 80.0


def test_a_missing_step_has_probability_zero():
    recipe = read_recipe(make_dataset(('RandomFlip', None), ('RandomHalfBody', None)))
    assert recipe.augmentation.flip_prob == 0
    assert recipe.augmentation.half_body_prob == 0
    assert recipe.augmentation.rotate_prob == 0.6


def test_evaluation_has_neither_augmentation_nor_encoder():
    names = ('RandomFlip', 'RandomHalfBody', 'RandomBBoxTransform', 'GenerateTarget')
    recipe = read_recipe(make_dataset(*((name, None) for name in names)))
    assert recipe.augmentation is None
    assert recipe.encoder is None
    assert not recipe.is_training
    assert 'flip_indices' in recipe.meta_keys


def test_flip_after_the_random_box_is_known():
    dataset = make_dataset()
    steps = dataset['pipeline']
    steps.insert(4, steps.pop(2))
    assert [s['type'] for s in steps][2:5] == [
        'RandomHalfBody',
        'RandomBBoxTransform',
        'RandomFlip',
    ]
    assert read_recipe(dataset) == read_recipe(make_dataset())


def test_pixel_transforms_after_the_crop_are_kept_in_order():
    dataset = make_dataset()
    blur = dict(type='Albumentation', transforms=[dict(type='Blur', p=0.1)])
    dataset['pipeline'][6:6] = [dict(type='mmdet.YOLOXHSVRandomAug'), blur]
    assert read_recipe(dataset).pixel_transforms == (
        dict(type='mmdet.YOLOXHSVRandomAug'),
        blur,
    )


def insert(dataset: dict, place: int, step: dict) -> dict:
    dataset['pipeline'].insert(place, step)
    return dataset


@pytest.mark.parametrize(
    ('dataset', 'text'),
    [
        (insert(make_dataset(), 3, dict(type='RandomFlipAroundRoot')), 'RandomFlipAro'),
        (insert(make_dataset(), 2, dict(type='PhotometricDistortion')), 'order of'),
        (make_dataset(('TopdownAffine', None)), 'without TopdownAffine'),
        (make_dataset(('LoadImage', None)), 'without LoadImage'),
        (make_dataset(('GenerateTarget', None)), 'augmentation without'),
        (make_dataset(('GenerateTarget', dict(encoder=[CODEC]))), 'several encoders'),
        (make_dataset(('RandomFlip', dict(direction='vertical'))), "'vertical'"),
        (make_dataset(('RandomFlip', dict(prob=[0.2, 0.1]))), '[0.2, 0.1]'),
        (make_dataset(('RandomHalfBody', dict(probability=1))), 'probability'),
        (make_dataset(('LoadImage', dict(to_float32=True))), 'to_float32=True'),
        (make_dataset(('LoadImage', dict(imdecode_backend='pillow'))), 'pillow'),
        (
            make_dataset(('LoadImage', dict(backend_args=dict(backend='petrel')))),
            'petrel',
        ),
        (make_dataset(('PackPoseInputs', dict(pack_transformed=True))), 'pack_transf'),
        ({**make_dataset(), 'type': 'CombinedDataset'}, 'CombinedDataset'),
        ({**make_dataset(), 'type': 'NoSuchDataset'}, 'NoSuchDataset'),
        ({**make_dataset(), 'data_mode': 'bottomup'}, 'bottomup'),
        ({**make_dataset(), 'pipeline': []}, 'without GetBBoxCenterScale'),
    ],
)
def test_what_is_not_known_is_named(dataset, text):
    with pytest.raises(NotRecognised) as raised:
        read_recipe(dataset)
    assert text in str(raised.value)


def change_combined(**settings: Any) -> dict:
    converter = dict(type='KeypointConverter', num_keypoints=17, mapping=[(0, 0)])
    part = {**make_dataset(), 'pipeline': [converter]}
    return {
        'type': 'CombinedDataset',
        'metainfo': {},
        'datasets': [part, {**part, 'pipeline': []}],
        'pipeline': make_dataset()['pipeline'],
    } | settings


def test_combined_dataset_has_the_recipe_of_its_pipeline():
    assert read_recipe(change_combined()) == read_recipe(make_dataset())
    assert read_recipe(change_combined(sample_ratio_factor=None, _scope_='mmpose'))


EVALUATION = make_dataset(
    *((name, None) for name in ('RandomFlip', 'RandomHalfBody', 'RandomBBoxTransform')),
    ('GenerateTarget', None),
)


@pytest.mark.parametrize(
    ('dataset', 'text'),
    [
        (
            change_combined(sample_ratio_factor=[1, 2]),
            'CombinedDataset has sample_ratio',
        ),
        (change_combined(datasets=[change_combined()]), 'CombinedDataset in another'),
        (change_combined(datasets=[make_dataset()]), 'LoadImage in the pipeline of a'),
        (change_combined(datasets=[dict(type='Unknown')]), 'dataset Unknown'),
        (change_combined(pipeline=EVALUATION['pipeline']), 'in evaluation'),
    ],
)
def test_what_is_not_known_of_combined_datasets_is_named(dataset, text):
    with pytest.raises(NotRecognised) as raised:
        read_recipe(dataset)
    assert text in str(raised.value)


class TopdownAffine(transforms.TopdownAffine):
    pass


class OwnInfo(CocoDataset):
    def get_data_info(self, idx):
        return super().get_data_info(idx)


def test_a_class_of_another_package_is_not_taken_for_mmposes_of_that_name(monkeypatch):
    with pytest.raises(NotRecognised, match=r'mmcv\..*\.RandomFlip'):
        read_recipe(
            make_dataset(('RandomFlip', dict(type='mmcv.RandomFlip', prob=0.5)))
        )
    monkeypatch.setitem(TRANSFORMS.module_dict, 'TopdownAffine', TopdownAffine)
    with pytest.raises(NotRecognised, match=rf'{__name__}\.TopdownAffine'):
        read_recipe(make_dataset())


def test_a_transform_may_be_given_as_its_class():
    step = dict(type=transforms.RandomFlip)
    assert read_recipe(make_dataset(('RandomFlip', step))) == read_recipe(
        make_dataset()
    )


def test_a_dataset_that_changes_samples_when_they_are_read_is_named():
    with pytest.raises(NotRecognised, match='OwnInfo has its own get_data_info'):
        read_recipe({**make_dataset(), 'type': OwnInfo})


def test_half_body_after_the_random_box_is_another_distribution():
    dataset = make_dataset()
    steps = dataset['pipeline']
    steps[3], steps[4] = steps[4], steps[3]
    with pytest.raises(NotRecognised, match='order'):
        read_recipe(dataset)
