import numpy as np

from gm_pose.ops.skeleton import COCO_JOINT_NAMES
from studies.report.draw_misplacement import TITLES, encode_joints
from studies.report.make_report import draw_figures


def test_misplacement_figure_shows_what_its_caption_says():
    places, maps = encode_joints()
    for name, expected in (('nose', (23, 26)), ('left_eye', (26, 22))):
        joint = COCO_JOINT_NAMES.index(name)
        pasted, centered, exact = (
            np.unravel_index(maps[title][joint].argmax(), (64, 48))[::-1]
            for title in TITLES.values()
        )
        assert tuple(map(int, pasted)) == expected
        assert tuple(np.subtract(centered, pasted)) == (1, 1)
        assert tuple(np.subtract(exact, pasted)) == (1, 1)
        assert np.abs(places[joint] / 4 - exact).max() <= 0.5


def test_figures_are_drawn(few_results, tmp_path):
    draw_figures(few_results, tmp_path)
    names = {path.name for path in tmp_path.glob('*.png')}
    assert names == {
        'misplaced-target.png',
        'studio17-ap.png',
        'studio17-offsets.png',
        'studio17-learned-sigmas.png',
        'main-ap.png',
    }
