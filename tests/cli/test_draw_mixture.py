"""Pictures of an untrained model's mixtures, and the tool's errors."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

import gm_pose  # noqa: F401
from gm_pose.cli import draw_mixture as tool
from gm_pose.runs.user_errors import UserError
from gm_pose.visualization.mixture_picture import (
    JointLabels,
    draw_mixture,
    overlay_field,
)


@pytest.fixture(scope='module')
def run(demo_on_five_people, tmp_path_factory):
    """The demo with block and head, and without either; checkpoints, a few people."""
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS

    folder = tmp_path_factory.mktemp('run')
    cfg = Config.fromfile(demo_on_five_people)
    init_default_scope('mmpose')
    for name, neck, head in (
        ('both', cfg.model.neck, 'GaussianMixtureHead'),
        ('none', None, 'HeatmapHead'),
    ):
        cfg.model.neck, cfg.model.head.type = neck, head
        cfg.dump(folder / f'{name}.py')
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        torch.save(dict(state_dict=model.state_dict(), meta={}), folder / f'{name}.pth')
    return folder


def test_a_picture_of_each_mixture_is_written(run):
    out = run / 'pictures'
    tool.main(
        [
            str(run / 'both.py'),
            str(run / 'both.pth'),
            '--out',
            str(out),
            '--images',
            '2',
            '--device',
            'cpu',
        ]
    )
    names = sorted(path.name for path in out.iterdir())
    assert len(names) == 4
    assert [name.split('_mixture_')[0] for name in names] == [
        'head',
        'head',
        'neck',
        'neck',
    ]
    for name in names:
        assert cv2.imread(str(out / name)).std() > 10


def test_a_model_without_mixture_is_refused(run):
    arguments = [str(run / 'none.py'), str(run / 'none.pth'), '--out', str(run / 'no')]
    with pytest.raises(UserError, match=r'none\.py has no Gaussian mixture to draw'):
        tool.run_drawing(tool.parse_args(arguments))
    assert not (run / 'no').exists()


def test_a_file_as_folder_is_refused(run, tmp_path):
    (tmp_path / 'file').write_text('')
    arguments = [str(run / 'both.py'), str(run / 'both.pth')]
    with pytest.raises(UserError, match=r'--out .*file cannot be made'):
        tool.run_drawing(tool.parse_args([*arguments, '--out', str(tmp_path / 'file')]))


def test_peaks_are_cell_centres_in_crop_pixels():
    heatmaps = torch.zeros(2, 8, 6)
    heatmaps[0, 3, 1] = heatmaps[1, 7, 5] = 1
    # 24x64 px over 6x8 cells: 4x8 px a cell.
    assert tool.find_peaks(heatmaps, 24, 64).tolist() == [[6, 28], [22, 60]]


def test_overlay_goes_from_violet_to_yellow():
    field = np.array([[0.5, 2.0], [1.0, 1.0]])
    picture = overlay_field(np.zeros((20, 20, 3), np.uint8), field, 0.5, 2.0)
    assert picture.shape == (208, 208, 3)
    blue, green, red = (int(value) for value in picture[52, 156])  # the largest sigma
    assert min(green, red) > 2 * blue
    blue, green, red = (int(value) for value in picture[52, 52])  # the smallest
    assert min(blue, red) > green


@pytest.mark.parametrize(('groups', 'panels'), [(1, 1 + 1 + 4), (6, 1 + 6)])
def test_picture_has_a_panel_for_each_part(groups, panels):
    generator = np.random.default_rng(0)
    weights = generator.dirichlet(np.ones(4), (groups, 8, 6)).transpose(0, 3, 1, 2)
    sigmas = np.array([0.2, 0.5, 1.0, 2.0])
    mean_sigmas = np.einsum('gmhw,m->ghw', weights, sigmas)
    image = generator.integers(0, 255, (64, 48, 3), dtype=np.uint8)
    picture = draw_mixture(image, weights, mean_sigmas, sigmas, 'title', columns=3)
    # A panel is 208 px high under 40 px of text, 12 px apart, below a header of 68 px.
    rows = -(-panels // 3)
    assert picture.shape[0] == 68 + rows * (208 + 40 + 12)


def test_picture_refuses_different_numbers_of_groups():
    image = np.zeros((16, 12, 3), np.uint8)
    weights, mean_sigmas = np.ones((2, 1, 4, 3)), np.ones((2, 4, 3))
    with pytest.raises(ValueError, match=r"number of groups differs: .*'names': 1"):
        draw_mixture(
            image,
            weights,
            mean_sigmas,
            np.ones(1),
            'title',
            JointLabels(['a'], ['', ''], np.zeros((2, 2))),
        )
