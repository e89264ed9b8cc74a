"""Targets of MMPose's own configs, whatever their codec: each peak is on its joint."""

import json
from pathlib import Path

import cv2
import mmpose
import numpy as np
import pytest
from mmengine.config import Config
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from gm_pose.looks.findings import find_in_person
from gm_pose.looks.sheets import draw_training_sheet
from gm_pose.looks.training_samples import open_training
from gm_pose.runs.checks.dataset_keypoints import get_metainfo

ROOT = Path(mmpose.__file__).parent / '.mim' / 'configs'
BODY = 'body_2d_keypoint/topdown_heatmap'
# what is special about it -> config
CASES = {
    'msra': f'{BODY}/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
    'udp': f'{BODY}/coco/td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192.py',
    'three maps a joint': f'{BODY}/coco/'
    'td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192.py',
    'four stages': f'{BODY}/coco/td-hm_4xmspn50_8xb32-210e_coco-256x192.py',
    'mpii': f'{BODY}/mpii/td-hm_res50_8xb64-210e_mpii-256x256.py',
    '133 joints': 'wholebody_2d_keypoint/topdown_heatmap/coco-wholebody/'
    'td-hm_hrnet-w32_8xb64-210e_coco-wholebody-256x192.py',
}


def write_people(folder: Path, count: int, names) -> Path:
    """Three people with `count` joints well inside their box, one of them unlabelled."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (300, 260, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / 'a.png'), pixels)
    people = []
    for number in range(1, 4):
        flags = np.full(count, 2)
        flags[count // 2] = 0
        joints = np.column_stack([rng.uniform(100, 160, (count, 2)), flags])
        people.append(
            dict(
                id=number,
                image_id=1,
                category_id=1,
                iscrowd=0,
                bbox=[40, 30, 180, 220],
                area=20_000,
                keypoints=joints.ravel().tolist(),
                num_keypoints=count - 1,
            )
        )
    images = [dict(id=1, file_name='a.png', width=260, height=300)]
    category = dict(id=1, name='person', keypoints=names)
    path = folder / 'people.json'
    content = dict(images=images, annotations=people, categories=[category])
    path.write_text(json.dumps(content))
    return path


@pytest.mark.filterwarnings('ignore:The metainfo config file')
@pytest.mark.parametrize(
    ('case', 'fast'),
    [
        *((case, False) for case in CASES),
        ('msra', True),
        ('udp', True),
        ('four stages', True),
    ],
)
def test_peaks_are_on_joints(case, fast, tmp_path):
    cfg = Config.fromfile(ROOT / CASES[case])
    old = cfg.train_dataloader.dataset
    metainfo = dict(get_metainfo(old))
    info = parse_pose_metainfo(metainfo)
    count = info['num_keypoints']
    names = [info['keypoint_id2name'][k] for k in range(count)]
    cfg.train_dataloader.dataset = dict(
        type='CocoDataset',
        metainfo=metainfo,
        ann_file=str(write_people(tmp_path, count, names)),
        data_prefix=dict(img=f'{tmp_path}/'),
        data_mode='topdown',
        pipeline=old.pipeline,
    )
    cfg.val_dataloader = None
    cfg.fast_lane = {} if fast else None
    setup, people = open_training(cfg, seed=0)
    person = next(people)
    is_known = case not in ('three maps a joint', 'four stages')
    expected = 'the fast lane' if fast and is_known else "MMPose's pipeline"
    assert setup.source.startswith(expected)
    width, height = setup.heatmap_size
    assert person.heatmaps.shape == (count, height, width)
    assert person.image.shape == (*setup.input_size[::-1], 3)
    assert person.labelled.sum() == count - 1
    assert person.id in (1, 2, 3)
    assert Path(person.image_path).name == 'a.png'

    border = np.array(setup.input_size) - 9
    inside = ((person.joints_px > 8) & (person.joints_px < border)).all(1)
    chosen = inside & person.labelled
    assert chosen.sum() > count / 2
    assert (person.weights[chosen] > 0).all()
    rows, columns = np.mgrid[:height, :width]
    maps = person.heatmaps[chosen]
    at = [(maps * cells).sum((1, 2)) / maps.sum((1, 2)) for cells in (columns, rows)]
    cells_off = np.stack(at, 1) - person.joints_px[chosen] / setup.cell_px
    # Megvii's codec rounds down, by up to a cell; targets that are cut are off by more
    assert np.median(np.abs(cells_off)) < 0.6
    assert np.abs(cells_off).max() < 2
    found = find_in_person(person, setup)
    assert [f.kind for f in found].count('unlabelled') == 1
    if count < 20:  # seconds for 133 joints
        assert draw_training_sheet(person, setup, found).shape[1] > 400
