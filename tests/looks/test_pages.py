"""Sheets and the index: what is drawn is there to be seen."""

import re

import numpy as np
import pytest
from test_findings import APART, make_person, make_setup

from gm_pose.looks.findings import find_in_person, find_in_setup
from gm_pose.looks.index_page import Entry, format_index, summarize_joints
from gm_pose.looks.predicted_samples import Prediction, measure_oks
from gm_pose.looks.sheets import draw_prediction_sheet, draw_training_sheet, to_ascii
from gm_pose.visualization.heatmap_grid import JointMaps, draw_heatmap_grid
from gm_pose.visualization.sheet import PANEL_HEIGHT
from gm_pose.visualization.target_panels import draw_joint_pair, draw_sides, zoom_target


def test_a_narrow_target_is_not_covered_by_its_cross():
    """Of a Gaussian of 1 cell the middle cell is bright in the whole crop, too."""
    person = make_person([[6, 6]], sigmas=(1.0,))
    pair = draw_joint_pair(
        person.image, person.heatmaps[0], person.joints_px[0], (4.0, 4.0), 5.0
    )
    at = np.rint((person.joints_px[0] + 0.5) * PANEL_HEIGHT / 128 - 0.5).astype(int)
    assert pair[at[1], at[0]].min() > 120  # inferno's last colour is pale yellow
    assert pair.shape == (PANEL_HEIGHT, 156 + 4 + PANEL_HEIGHT, 3)


def test_the_grid_of_predictions_leaves_narrow_targets_free():
    person = make_person([[6, 6]], sigmas=(1.0,))
    maps = JointMaps(person.heatmaps, person.joints_px)
    sheet = draw_heatmap_grid(person.image, maps, maps, ['a'], [1.0], (4.0, 4.0), 't')
    brightest = sheet[110:, 190:].astype(int)
    brightest = (brightest[..., 2] > 240) & (brightest[..., 0] > 120)
    brightest &= sheet[110:, 190:].min(2) < 200  # paper is white
    assert brightest.sum() > 2 * 30  # both of the pair: a cell is 6.5 px


def test_enlarged_cells_are_where_they_stand_for():
    """A joint half a cell right of cell 6: its two highest cells are left and right."""
    person = make_person([[6.5, 6]], sigmas=(1.5,))
    panel = zoom_target(
        np.zeros((128, 96, 3), np.uint8),
        person.heatmaps[0],
        person.joints_px[0],
        (4.0, 4.0),
        5.0,
    ).astype(int)
    middle = PANEL_HEIGHT // 2
    cell = PANEL_HEIGHT / 10
    left, right = (panel[middle, round(middle + s * cell / 2)] for s in (-1, 1))
    assert (left == right).all()
    far = panel[middle, round(middle + 2.5 * cell)]
    assert far.sum() < left.sum()


def test_a_mirrored_skeleton_keeps_the_colour_of_each_side():
    """Left ear on the left of the picture before, on the right after, green in both."""
    image = np.zeros((128, 96, 3), np.uint8)
    points = np.array([[48.0, 20], [20, 60], [76, 60]])
    shown = np.ones(3, bool)
    scale = PANEL_HEIGHT / 128
    plain, mirrored = (
        draw_sides(image, points, shown, [], (0, 2, 1), mirror)
        for mirror in (False, True)
    )
    at = [round((x + 0.5) * scale - 0.5) for x in (20, 76)]
    row = round(60.5 * scale - 0.5)
    assert (plain[row, at[0]] != plain[row, at[1]]).any()
    turned = [round((95 - x + 0.5) * scale - 0.5) for x in (20, 76)]
    # the joint that is the left ear of the mirrored animal was its right one
    assert (mirrored[row, turned[1]] == plain[row, at[0]]).all()
    assert (mirrored[row, turned[0]] == plain[row, at[1]]).all()


def test_training_sheet_has_a_panel_for_each_labelled_joint():
    setup = make_setup()
    heights = []
    for labelled in ([True] * 3, [True, False, False]):
        person = make_person(APART, labelled)
        sheet = draw_training_sheet(person, setup, find_in_person(person, setup))
        assert sheet.dtype == np.uint8
        heights.append(sheet.shape[0])
    assert heights[0] > heights[1]


def test_names_are_drawn_as_far_as_the_font_goes():
    assert to_ascii('épaule_北') == 'epaule_?'


def make_entries(prediction=False):
    setup = make_setup()
    people = [
        make_person(APART),
        make_person([[6, 6], [6.5, 6], [8, 60]], [True, True, True]),
    ]
    entries = []
    for n, person in enumerate(people):
        found = find_in_person(person, setup)
        predicted = None
        if prediction:
            errors = np.array([3.0, 4.0, np.nan]) * (n + 1)
            oks = measure_oks(errors, np.array([0.05] * 3), 2500.0)
            predicted = Prediction(person.heatmaps, person.joints_px, errors, oks)
        entries.append(Entry(person, f'{n}.png', found, predicted))
    return setup, entries


def test_index_lists_people_findings_and_joints():
    setup, entries = make_entries()
    page = format_index(entries, setup, find_in_setup(setup), 'a <b>', 'gm_pose look x')
    assert '<title>a &lt;b&gt;</title>' in page
    assert page.count('class="person"') == 2
    assert 'src="0.png"' in page
    assert not re.search(r'(src|href)="(https?:|/)', page)
    assert page.count('<span class="kind">overlap</span>') == 1  # once for the two
    assert '<span class="kind">outside</span> right_ear<' in page
    assert 'overlap (2)' in page
    assert 'OKS' not in page


def test_index_of_predictions_has_errors():
    setup, entries = make_entries(prediction=True)
    page = format_index(entries, setup, [], 'title', 'command')
    assert 'worst OKS first' in page
    assert '3.5 px off in the mean' in page
    rows = summarize_joints(entries, setup, [])
    assert rows[0].error_px == pytest.approx(4.5)  # median of 3 and 6
    assert np.isnan(rows[2].error_px)
    assert [row.shares['outside'] for row in rows] == [0, 0, 0.5]


def test_prediction_sheet_is_drawn_with_its_errors():
    setup, entries = make_entries(prediction=True)
    sheet = draw_prediction_sheet(entries[0].person, setup, entries[0].prediction)
    assert sheet.std() > 10
    assert entries[0].prediction.describe() == 'OKS 0.78, 3.5 px off in the mean'


def test_oks_is_cocos():
    """exp(-d^2 / (2 A (2 s)^2)): d^2 = 2 A (2 s)^2 gives exp(-1)."""
    distance = (2 * 2500 * 0.1**2) ** 0.5
    value = measure_oks(np.array([distance]), np.array([0.05]), 2500.0)
    assert value == pytest.approx(np.exp(-1))
