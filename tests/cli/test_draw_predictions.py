"""Pictures of a tiny model's predictions, and the tool's errors."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

import gm_pose  # noqa: F401
from gm_pose.cli import draw_predictions as tool
from gm_pose.runs.user_errors import UserError
from gm_pose.visualization.heatmap_grid import (
    JointMaps,
    draw_heatmap_grid,
    overlay_heatmap,
)
from gm_pose.visualization.skeleton_picture import SkeletonStyle, draw_skeleton


@pytest.fixture(scope='module')
def run(demo_on_five_people, tmp_path_factory):
    """Config path and checkpoint of an untrained demo model, data of a few people."""
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS

    folder = tmp_path_factory.mktemp('run')
    cfg = Config.fromfile(demo_on_five_people)
    cfg.dump(folder / 'demo.py')
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
    return folder


def test_pictures_are_written_and_their_paths_printed(run, capsys):
    tool.main(
        [
            str(run / 'demo.py'),
            str(run / 'model.pth'),
            '--out',
            str(run / 'pictures'),
            '--images',
            '2',
            '--device',
            'cpu',
        ]
    )
    printed = capsys.readouterr().out.split()
    made = sorted(str(path) for path in (run / 'pictures').iterdir())
    assert sorted(line for line in printed if line.endswith('.png')) == made
    assert len(made) == 4
    for path in made:
        picture = cv2.imread(path)
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 10


def test_target_heatmaps_are_those_of_the_codec(run):
    arguments = [str(run / 'demo.py'), str(run / 'model.pth'), '--out', 'none']
    model, dataset = tool.open_run(tool.parse_args(arguments))
    sample = dataset[0]['data_samples']
    maps = sample.gt_fields.heatmaps
    assert maps.shape[1:] == tuple(model.head.decoder.heatmap_size[::-1])
    flags = np.reshape(sample.raw_ann_info['keypoints'], (-1, 3))[:, 2]
    assert (maps.amax(dim=(1, 2)) > 0).sum() <= (flags > 0).sum()


@pytest.mark.parametrize(
    ('config', 'checkpoint', 'options', 'text'),
    [
        ('none.py', 'model.pth', [], r'config .*none\.py does not exist'),
        ('demo.py', 'none.pth', [], r'checkpoint .*none\.pth does not exist'),
        ('demo.py', 'torn.pth', [], r'checkpoint .*torn\.pth is damaged'),
        ('demo.py', 'other.pth', [], r'checkpoint .*other\.pth does not fit'),
        ('demo.py', 'model.pth', ['--images', '0'], r'--images is 0'),
        ('unvalidated.py', 'model.pth', [], r'unvalidated\.py has no val_dataloader'),
        ('headless.py', 'model.pth', [], r'headless\.py is not a top-down heatmap'),
        ('misspelt.py', 'model.pth', [], r'model needs Nek, which is not registered'),
    ],
)
def test_mistakes_are_user_errors(run, config, checkpoint, options, text):
    for name, line in {
        'unvalidated.py': 'val_dataloader = None',
        'headless.py': 'model = None',
        'misspelt.py': "model = dict(neck=dict(_delete_=True, type='Nek'))",
    }.items():
        (run / name).write_text(f"_base_ = ['demo.py']\n{line}\n")
    (run / 'torn.pth').write_bytes((run / 'model.pth').read_bytes()[:5000])
    torch.save(dict(state_dict={'x': torch.zeros(1)}), run / 'other.pth')
    arguments = [str(run / config), str(run / checkpoint), '--out', str(run / 'none')]
    with pytest.raises(UserError, match=text):
        tool.run_drawing(tool.parse_args(arguments + options))
    assert not (run / 'none').exists()


def test_overlay_draws_each_cell_around_its_own_pixel():
    heatmap = np.zeros((8, 6), np.float32)
    heatmap[2, 4] = 1
    picture = overlay_heatmap(np.zeros((32, 24, 3), np.uint8), heatmap, (4, 4))
    assert picture.shape == (208, 156, 3)
    rows, columns = np.nonzero(picture.max(axis=2) > 128)
    # Cells of 4 px, px of 6.5 picture px. Row 2 is at px 8 and reaches from px 6 to 10,
    # picture px (6 + 0.5) * 6.5 - 0.5 = 41.75 to 67.75; column 4 from 93.75 to 119.75.
    assert (rows.min(), rows.max()) == (42, 67)
    assert (columns.min(), columns.max()) == (94, 119)


def test_grid_refuses_different_numbers_of_joints():
    maps, points = np.zeros((2, 4, 3), np.float32), np.zeros((2, 2))
    with pytest.raises(ValueError, match=r"number of joints differs: \{'target': 2"):
        draw_heatmap_grid(
            np.zeros((16, 12, 3), np.uint8),
            JointMaps(maps, points),
            JointMaps(maps[:1], points),
            ['a', 'b'],
            None,
            (4, 4),
            'title',
        )


def test_hidden_joint_is_a_ring_and_unshown_joint_is_absent():
    style = SkeletonStyle(
        np.array([[0, 1], [1, 2]]), np.full((2, 3), 255), np.full((3, 3), 255)
    )
    image = np.full((40, 120, 3), 90, np.uint8)
    joints = np.array([[20.0, 20.0], [60.0, 20.0], [100.0, 20.0]])
    shown, solid = np.array([True, False, True]), np.array([True, False, False])
    draw_skeleton(image, joints, shown, solid, style)
    assert (image[20, 20] == 255).all()  # disc
    assert (image[20, 60] == 90).all()  # absent, and its links with it
    assert (image[20, 40] == 90).all()
    assert (image[20, 100] == 90).all()  # ring: untouched in the middle
    assert (image[20, 105] != 90).any()
