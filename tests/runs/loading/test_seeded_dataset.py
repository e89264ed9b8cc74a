"""Samples are reproducible, the model's random numbers untouched, bad images replaced."""

import random

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS
from mmpose.structures import PoseDataSample

from gm_pose.runs.data_checks.unreadable_image import SKIPPED, UnreadableImage
from gm_pose.runs.loading.sample_seed import SeededIndex, make_sample_seed
from gm_pose.runs.resume.rng_state import capture_rng, seed_rng
from gm_pose.runs.user_errors import UserError


class Noise:
    """A dataset whose samples are random numbers; some images cannot be read."""

    pipeline = 'before'

    def __init__(self, bad=(), wrong=()):
        self.bad = set(bad)
        self.wrong = set(wrong)

    def __len__(self):
        return 10

    def __getitem__(self, index):
        if index in self.bad:
            raise UnreadableImage(f'{index}.jpg: no such file')
        if index in self.wrong:
            raise ValueError('keypoints hold NaN')
        drawn = (random.random(), float(np.random.rand()), float(torch.rand(())))  # noqa: NPY002
        return dict(inputs=(int(index), *drawn), data_samples=PoseDataSample())


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('mmpose')


def build(dataset, **arguments):
    return DATASETS.build(dict(type='SeededDataset', dataset=dataset, **arguments))


def at(index: int, epoch: int = 0) -> SeededIndex:
    return SeededIndex(index, make_sample_seed(3, epoch, index))


def test_sample_follows_from_its_seed_alone():
    dataset = build(Noise())
    first = dataset[at(4)]['inputs']
    dataset[at(7)]
    assert dataset[at(4)]['inputs'] == first
    assert dataset[at(4, epoch=1)]['inputs'][1:] != first[1:]
    assert len({*first[1:]}) == 3


def test_random_numbers_of_the_process_go_on_as_if_nothing_was_drawn():
    seed_rng((1, 2))
    wanted = [random.random(), np.random.rand(), float(torch.rand(()))]  # noqa: NPY002
    seed_rng((1, 2))
    build(Noise())[at(4)]
    found = [random.random(), np.random.rand(), float(torch.rand(()))]  # noqa: NPY002
    assert found == wanted


class Batches(Noise):
    """A dataset that loads a batch at once, as data loaders prefer it."""

    def __getitems__(self, indices):
        return [Noise.__getitem__(self, 0) for _ in indices]


@pytest.mark.parametrize('num_workers', [0, 2])
@pytest.mark.parametrize('kind', [Noise, Batches])
def test_data_loader_does_not_load_past_the_seeds(kind, num_workers):
    dataset = build(kind())
    indices = [at(4), at(7), at(4, epoch=1), at(2)]
    batches = torch.utils.data.DataLoader(
        dataset,
        batch_sampler=[indices],
        num_workers=num_workers,
        collate_fn=list,
        generator=torch.Generator(),
    )
    seed_rng((1, 2))
    before = capture_rng()
    (batch,) = batches
    assert [sample['inputs'] for sample in batch] == [
        dataset[index]['inputs'] for index in indices
    ]
    assert [sample['inputs'][0] for sample in batch] == [4, 7, 4, 2]
    after = capture_rng()
    assert torch.equal(after['python'][1], before['python'][1])
    assert torch.equal(after['numpy'][1], before['numpy'][1])
    assert torch.equal(after['torch'], before['torch'])


def test_batch_of_seeded_and_other_indices():
    dataset = build(Noise())
    torch.manual_seed(0)
    wanted = float(torch.rand(()))
    torch.manual_seed(0)
    samples = dataset.__getitems__([at(4), 5])
    assert samples[0]['inputs'] == dataset[at(4)]['inputs']
    assert samples[1]['inputs'][3] == wanted


def test_sample_is_the_same_with_numbers_not_mixed_yet():
    dataset = build(Noise())
    assert (
        dataset[SeededIndex(4, (3, 1, 9))]['inputs']
        == (dataset[SeededIndex(4, make_sample_seed(3, 1, 9))]['inputs'])
    )


def test_index_without_a_seed_draws_as_usual():
    torch.manual_seed(0)
    first = build(Noise())[4]['inputs']
    assert build(Noise())[4]['inputs'][3] != first[3]


def test_unreadable_image_is_replaced_and_named():
    dataset = build(Noise(bad={4}))
    sample = dataset[at(4)]
    assert sample['inputs'][0] != 4
    assert sample['data_samples'].metainfo[SKIPPED] == ['4.jpg: no such file']
    assert dataset[at(4)]['inputs'] == sample['inputs']
    assert SKIPPED not in dataset[at(5)]['data_samples'].metainfo


def test_error_text_when_no_image_can_be_read():
    with pytest.raises(
        UserError, match=r'3 training images in a row .*jpg: no such file'
    ):
        build(Noise(bad=range(10)), max_tries=3)[at(0)]


def test_error_text_when_an_annotation_is_wrong():
    with pytest.raises(
        UserError, match=r'training sample 4.*NaN. Fix: `python -m gm_pose'
    ):
        build(Noise(wrong={4}))[at(4)]


def test_attributes_are_the_datasets_own():
    inner = Noise()
    dataset = build(inner)
    assert len(dataset) == 10
    assert dataset.pipeline == 'before'
    dataset.pipeline = 'after'  # as MMPose's hooks do
    assert inner.pipeline == 'after'


def test_error_text_when_tries_are_none():
    with pytest.raises(ValueError, match='max_tries must be at least 1, got 0'):
        build(Noise(), max_tries=0)


def test_images_of_wrapped_datasets_are_counted_once(tmp_path):
    from gm_pose.datasets.synthetic_people import make_coco_folder

    init_default_scope('mmpose')
    make_coco_folder(tmp_path, train_people=5, val_people=3, seed=0)
    train, val = (
        dict(
            type='CocoDataset',
            data_root=str(tmp_path),
            ann_file=f'annotations/person_keypoints_{split}2017.json',
            data_prefix=dict(img=f'{split}2017/'),
        )
        for split in ('train', 'val')
    )
    images = [
        len(list((tmp_path / f'{split}2017').iterdir())) for split in ('train', 'val')
    ]
    repeated = dict(type='RepeatDataset', dataset=train, times=3)
    for dataset, wanted in (
        (train, images[0]),
        (repeated, images[0]),
        (dict(type='ConcatDataset', datasets=[repeated, train, val]), sum(images)),
    ):
        assert build(dataset).count_images() == wanted
    assert build(Noise()).count_images() == 10  # samples without the name of an image
