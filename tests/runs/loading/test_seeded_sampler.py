"""Seeds of samples: a function of run, epoch and position alone."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from mmpose.registry import DATA_SAMPLERS

from gm_pose.runs.loading.sample_seed import (
    SeededIndex,
    make_sample_seed,
    make_sample_seeds,
)
from gm_pose.runs.loading.seeded_sampler import SeededSampler, find_seeded_sampler

DATA = list(range(23))


def build(seed=3, mix=True, **inner) -> SeededSampler:
    inner = dict(type='DefaultSampler', shuffle=True) | inner
    config = dict(type='SeededSampler', sampler=inner, mix=mix)
    return DATA_SAMPLERS.build(config, default_args=dict(dataset=DATA, seed=seed))


def test_order_is_the_inner_samplers():
    inner = DATA_SAMPLERS.build(
        dict(type='DefaultSampler', shuffle=True),
        default_args=dict(dataset=DATA, seed=3),
    )
    sampler = build()
    for epoch in range(3):
        inner.set_epoch(epoch)
        sampler.set_epoch(epoch)
        assert list(sampler) == list(inner)
    assert len(sampler) == len(inner) == 23


def test_seeds_differ_by_run_epoch_and_position_and_come_again():
    seeds = {}
    for seed in (0, 1):
        for epoch in (0, 1):
            sampler = build(seed)
            sampler.set_epoch(epoch)
            for position, index in enumerate(sampler):
                assert index.seed == make_sample_seed(seed, epoch, position)
                seeds[seed, epoch, position] = index.seed
    assert len(set(seeds.values())) == len(seeds) == 2 * 2 * 23


@pytest.mark.parametrize('seed', [0, 7, 2**31, 2**32 - 1, 2**40 + 5, 2**70 + 1])
@pytest.mark.parametrize('epoch', [0, 3, 2**33])
def test_many_seeds_at_once_are_numpys(seed, epoch):
    positions = np.array([0, 1, 2, 1023, 1024, 2**31, 2**32 - 1])
    words = make_sample_seeds(seed, epoch, positions)
    wanted = [make_sample_seed(seed, epoch, int(position)) for position in positions]
    assert list(map(tuple, words.tolist())) == wanted


def test_error_text_when_a_number_has_no_seed():
    with pytest.raises(ValueError, match='seed -1, epoch 0 and positions must not be'):
        make_sample_seeds(-1, 0, np.arange(3))
    with pytest.raises(ValueError, match='position 4294967296 has more than 32 bits'):
        make_sample_seeds(0, 0, np.array([2**32]))


def test_seeds_go_on_past_a_block(monkeypatch):
    monkeypatch.setattr('gm_pose.runs.loading.seeded_sampler._BLOCK', 5)
    test_seeds_differ_by_run_epoch_and_position_and_come_again()
    test_skipping_leaves_the_rest_as_it_was(True)
    sampler = build(type='InfiniteSampler')
    drawn = [index.seed for index in itertools.islice(sampler, 60)]
    assert drawn == [make_sample_seed(3, 0, position) for position in range(60)]


def test_numbers_are_handed_out_as_they_are_without_mix():
    sampler = build(mix=False)
    sampler.set_epoch(2)
    drawn = list(sampler)
    assert [index.seed for index in drawn] == [(3, 2, n) for n in range(23)]
    mixed = build()
    mixed.set_epoch(2)
    assert drawn == list(mixed)
    assert [make_sample_seed(*index.seed) for index in drawn] == [
        index.seed for index in mixed
    ]


@pytest.mark.parametrize('mix', [True, False])
def test_seeds_do_not_depend_on_the_number_of_processes(mix, monkeypatch):
    whole = {int(index): index.seed for index in build(mix=mix)}
    parts = {}
    for rank in range(2):
        for module in (
            'gm_pose.runs.loading.seeded_sampler',
            'mmengine.dataset.sampler',
        ):
            monkeypatch.setattr(f'{module}.get_dist_info', lambda rank=rank: (rank, 2))
        parts |= {int(index): index.seed for index in build(mix=mix, round_up=False)}
    assert parts == whole


@pytest.mark.parametrize('mix', [True, False])
def test_skipping_leaves_the_rest_as_it_was(mix):
    whole = [(int(index), index.seed) for index in build(mix=mix)]
    sampler = build(mix=mix)
    sampler.skip_next(8)
    assert [(int(index), index.seed) for index in sampler] == whole[8:]
    assert [(int(index), index.seed) for index in sampler] == whole  # only once


def test_index_reaches_a_worker_with_its_seed():
    index = pickle.loads(pickle.dumps(SeededIndex(5, (1, 2))))
    assert index == 5
    assert DATA[index] == 5
    assert index.seed == (1, 2)


def test_sampler_is_found_below_a_data_loader():
    sampler = build()
    loader = torch.utils.data.DataLoader(DATA, batch_size=4, sampler=sampler)
    assert find_seeded_sampler(loader) is sampler
    batches = torch.utils.data.BatchSampler(sampler, 4, drop_last=False)
    loader = torch.utils.data.DataLoader(DATA, batch_sampler=batches)
    assert find_seeded_sampler(loader) is sampler
    assert find_seeded_sampler(torch.utils.data.DataLoader(DATA)) is None


def test_error_text_when_the_inner_sampler_is_no_config():
    with pytest.raises(
        ValueError, match="sampler is 'DefaultSampler'; expected the config"
    ):
        SeededSampler(DATA, 'DefaultSampler')
