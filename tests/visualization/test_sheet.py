"""Sheets of panels: nothing of one is written over the next."""

import numpy as np
import pytest

from gm_pose.visualization.sheet import RED, Panel, lay_out_panels


@pytest.mark.parametrize('alert', ['cut: 1% in the map', 'overlap: 60% like x; ' * 9])
def test_an_alert_stays_in_its_column(alert):
    picture = np.zeros((40, 200, 3), np.uint8)
    first = Panel(picture, 'left shoulder', 'sigma 1.40 cells', alert)
    sheet = lay_out_panels([first, Panel(picture, 'b', 'c')], 'title', 'legend', 2)
    red = (np.abs(sheet.astype(int) - RED).max(2) < 40).any(0)
    assert red[:212].any()
    assert not red[212:].any()
