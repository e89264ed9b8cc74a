"""Random states come back from a file, CUDA's too, and without running code."""

import random

import numpy as np
import pytest
import torch

from gm_pose.runs.resume.rng_state import (
    capture_rng,
    pack_rng,
    preserve_rng,
    read_rng,
    restore_rng,
    seed_rng,
)


def test_rng_state_comes_back_and_loads_without_running_code(tmp_path):
    seed_rng((7, 8))
    np.random.randn()  # noqa: NPY002  leaves a second normal number in the cache
    torch.save(capture_rng(), tmp_path / 'state.pth')
    wanted = [random.gauss(0, 1), np.random.randn(), float(torch.rand(()))]  # noqa: NPY002
    restore_rng(torch.load(tmp_path / 'state.pth', weights_only=True))
    found = [random.gauss(0, 1), np.random.randn(), float(torch.rand(()))]  # noqa: NPY002
    assert found == wanted
    with preserve_rng():
        random.random()
    assert random.random() != wanted[0]


def test_state_read_in_every_iteration_is_numpys_own():
    """Also where only the cached second normal number changes, or comes back."""

    def check():
        own = np.random.get_state()  # noqa: NPY002
        for _ in range(2):
            read = read_rng()['numpy']
            assert read[0] == own[0]
            assert np.array_equal(read[1], own[1])
            assert read[2:] == own[2:]

    seed_rng((1, 2))
    check()
    np.random.rand()  # noqa: NPY002
    check()
    np.random.randn()  # noqa: NPY002
    with_cached = capture_rng()
    check()
    np.random.randn()  # noqa: NPY002  from the cache: the words stay
    check()
    restore_rng(with_cached)
    check()
    with preserve_rng():
        np.random.randn()  # noqa: NPY002
        check()
    check()
    seed_rng((1, 2))
    check()


def test_state_of_another_generator_than_numpys_first():
    own = np.random.get_bit_generator()
    np.random.set_bit_generator(np.random.MT19937(5))
    try:
        state = pack_rng(read_rng())
        wanted = np.random.rand(3)  # noqa: NPY002
        restore_rng(state)
        assert np.array_equal(np.random.rand(3), wanted)  # noqa: NPY002
    finally:
        np.random.set_bit_generator(own)


@pytest.fixture
def cuda(monkeypatch):
    """A CUDA generator without a GPU: torch.cuda's functions on one of the CPU."""
    generator = torch.Generator()
    for name, value in dict(
        is_available=lambda: True,
        is_initialized=lambda: True,
        get_rng_state=generator.get_state,
        set_rng_state=generator.set_state,  # refuses what is not on the CPU
    ).items():
        monkeypatch.setattr(torch.cuda, name, value)
    return generator


def test_cuda_generator_is_saved_and_comes_back(cuda, tmp_path):
    cuda.manual_seed(5)
    torch.save(capture_rng(), tmp_path / 'state.pth')
    wanted = torch.rand(3, generator=cuda)
    assert not torch.equal(torch.rand(3, generator=cuda), wanted)
    restore_rng(torch.load(tmp_path / 'state.pth', weights_only=True))
    assert torch.equal(torch.rand(3, generator=cuda), wanted)


def test_cuda_generator_is_left_alone_where_it_was_not_used(cuda, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_initialized', lambda: False)
    assert 'cuda' not in capture_rng()  # asking would start CUDA in the process
    monkeypatch.setattr(torch.cuda, 'is_initialized', lambda: True)
    assert 'cuda' not in capture_rng(cuda=False)
    state = capture_rng()
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(torch.cuda, 'set_rng_state', None)  # calling it would fail
    restore_rng(state)  # a run that goes on where there is no GPU


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_generator_of_a_gpu_is_saved_and_comes_back():
    torch.cuda.manual_seed(5)
    state = capture_rng()
    wanted = torch.rand(3, device='cuda')
    restore_rng(state)
    assert torch.equal(torch.rand(3, device='cuda'), wanted)
