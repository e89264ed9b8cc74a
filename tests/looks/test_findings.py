"""Findings about targets, on hand-made ones."""

import numpy as np
import pytest

from gm_pose.looks.findings import NARROW_CELLS, OVERLAP, find_in_person, find_in_setup
from gm_pose.looks.samples import Person, Setup
from gm_pose.ops.gaussian_targets import draw_exact, make_exact_grid

SIZE = (24, 32)  # cells [W, H], 4 px each
NAMES = ['nose', 'left_ear', 'right_ear']


def make_setup(sigmas=(1.5, 1.5, 1.5), flip=(0, 2, 1), names=NAMES) -> Setup:
    return Setup(
        names=names,
        flip_indices=list(flip),
        links=[(0, 1)],
        sigmas_cells=None if sigmas is None else np.array(sigmas, float),
        cell_px=(4.0, 4.0),
        heatmap_size=SIZE,
        input_size=(96, 128),
        codec='test',
        source='test',
    )


def make_person(cells, labelled=None, sigmas=(1.5, 1.5, 1.5)) -> Person:
    """Joints at these cells -> a person with their targets."""
    cells = np.array(cells, float)
    labelled = np.ones(len(cells), bool) if labelled is None else np.array(labelled)
    grid = make_exact_grid(list(sigmas), SIZE)
    maps, inside = draw_exact(cells, labelled, grid, SIZE)
    return Person(
        image=np.zeros((128, 96, 3), np.uint8),
        heatmaps=maps,
        weights=(labelled & inside).astype(np.float32),
        joints_px=cells * 4,
        labelled=labelled,
        image_path='a/photo.jpg',
        id=7,
    )


def find(person, setup=None):
    return [(f.kind, f.joint) for f in find_in_person(person, setup or make_setup())]


APART = [[6, 6], [16, 8], [8, 22]]


def test_nothing_is_found_about_good_targets():
    assert find(make_person(APART)) == []
    assert find_in_setup(make_setup()) == []


def test_unlabelled_and_outside_are_told_apart():
    person = make_person([[6, 6], [16, 8], [8, 60]], [True, False, True])
    assert find(person) == [('unlabelled', 1), ('outside', 2)]


@pytest.mark.parametrize(('x', 'is_cut'), [(4.5, False), (2.0, False), (0.0, True)])
def test_a_target_cut_by_the_border(x, is_cut):
    """Half and more of a Gaussian on the border's cell is in the map: Phi((0 + .5) / s)."""
    person = make_person([[x, 10], [16, 8], [14, 22]])
    found = find_in_person(person, make_setup())
    assert bool(found) is is_cut
    if is_cut:
        assert found[0].text == '63% in the map'  # Phi(0.5 / 1.5) = 0.63


def test_a_target_cut_of_a_codec_without_sigmas():
    person = make_person([[0, 10], [16, 8], [14, 22]])
    assert find(person, make_setup(None)) == [('cut', 0)]


@pytest.mark.parametrize(('distance', 'overlap'), [(1.6, True), (1.75, False)])
def test_targets_overlap_below_1_67_sigma(distance, overlap):
    assert np.exp(-(1.665**2) / 4) == pytest.approx(OVERLAP, abs=1e-3)
    near = [10 + 1.5 * distance, 10]
    found = find_in_person(make_person([[10, 10], near, [8, 24]]), make_setup())
    assert [(f.kind, f.joint, f.other) for f in found] == [
        ('overlap', 0, 1),
        ('overlap', 1, 0),
    ][: 2 * overlap]


@pytest.mark.parametrize(
    ('sigmas', 'kinds'),
    [
        ((NARROW_CELLS, 1.5, 2.0), []),
        ((0.69, 1.5, 1.5), [('narrow', 0)]),
        ((1.5, 2.01, 1.5), [('wide', 1)]),
        (None, []),
    ],
)
def test_sigmas_that_do_not_fit_the_cells(sigmas, kinds):
    found = find_in_setup(make_setup(sigmas))
    assert [(f.kind, f.joint) for f in found] == kinds


def test_sides_that_do_not_change_places():
    found = find_in_setup(make_setup(flip=(0, 1, 2)))
    assert [(f.kind, f.joint) for f in found] == [('flip', 1), ('flip', 2)]
    assert found[0].text == 'becomes left_ear when mirrored; by name right_ear'
