"""Seeds of samples: a function of run, epoch and position alone."""

import pickle

import pytest
import torch
from mmpose.registry import DATA_SAMPLERS

from gm_pose.runs.loading.sample_seed import SeededIndex, make_sample_seed
from gm_pose.runs.loading.seeded_sampler import SeededSampler, find_seeded_sampler

DATA = list(range(23))


def build(seed=3, **inner) -> SeededSampler:
    inner = dict(type='DefaultSampler', shuffle=True) | inner
    config = dict(type='SeededSampler', sampler=inner)
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


def test_seeds_do_not_depend_on_the_number_of_processes(monkeypatch):
    whole = {int(index): index.seed for index in build()}
    parts = {}
    for rank in range(2):
        for module in (
            'gm_pose.runs.loading.seeded_sampler',
            'mmengine.dataset.sampler',
        ):
            monkeypatch.setattr(f'{module}.get_dist_info', lambda rank=rank: (rank, 2))
        parts |= {int(index): index.seed for index in build(round_up=False)}
    assert parts == whole


def test_skipping_leaves_the_rest_as_it_was():
    whole = [(int(index), index.seed) for index in build()]
    sampler = build()
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
