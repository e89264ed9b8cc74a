"""The configs that the documents show: merged, and a sample and a model built from them."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS, MODELS

import gm_pose  # noqa: F401

ROOT = Path(__file__).parents[2]


def list_python_blocks(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding='utf-8')
    return re.findall(r'```python\n(.*?)```', text, re.DOTALL)


def find_encoder(pipeline: list[dict]) -> dict:
    (step,) = [step for step in pipeline if step['type'] == 'GenerateTarget']
    return step['encoder']


def test_config_of_the_readme_trains_and_decodes_with_the_codec(tmp_path):
    block, *_ = list_python_blocks('README.md')
    path = tmp_path / 'config.py'
    path.write_text(block)
    cfg = Config.fromfile(path)
    assert cfg.codec.type == 'JointAdaptiveMSRAHeatmap'
    assert cfg.codec.sigmas == dict(default=2.0, nose=1.0, left_eye=1.0, right_eye=1.0)
    assert find_encoder(cfg.train_dataloader.dataset.pipeline) == cfg.codec
    assert cfg.model.head.decoder == cfg.codec


@pytest.fixture
def mouse(tmp_path, monkeypatch) -> Config:
    """The config of docs/your-own-skeleton.md, beside one image with one annotation."""
    metainfo, config = list_python_blocks('docs/your-own-skeleton.md')
    (tmp_path / 'mouse.py').write_text(metainfo)
    (tmp_path / 'mouse_res50.py').write_text(config)
    images = tmp_path / 'data' / 'mouse' / 'images'
    images.mkdir(parents=True)
    cv2.imwrite(str(images / '1.png'), np.full((120, 160, 3), 90, np.uint8))
    keypoints = [40, 40, 2, 30, 30, 2, 50, 30, 2, 0, 0, 0]
    person = dict(
        id=1,
        image_id=1,
        category_id=1,
        bbox=[20, 20, 80, 60],
        area=4000,
        iscrowd=0,
        keypoints=keypoints,
        num_keypoints=3,
    )
    names = re.findall(r"name='(\w+)'", metainfo.split('skeleton_info')[0])
    content = dict(
        images=[dict(id=1, file_name='1.png', height=120, width=160)],
        annotations=[person],
        categories=[dict(id=1, name='mouse', keypoints=names, skeleton=[])],
    )
    for part in ('train', 'val'):
        (images.parent / f'{part}.json').write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    return Config.fromfile('mouse_res50.py')


def test_own_skeleton_gives_targets_of_its_joints(mouse):
    init_default_scope('mmpose')
    dataset = DATASETS.build(mouse.train_dataloader.dataset)
    assert dataset.metainfo['num_keypoints'] == 4
    fields = dataset[0]['data_samples'].gt_fields
    weights = dataset[0]['data_samples'].gt_instance_labels.keypoint_weights
    assert fields.heatmaps.shape == (4, 64, 48)
    assert weights[0, 3] == 0  # not labelled
    # OKS sigmas of the page, scaled to a mean of 2 cells
    codec = dataset.pipeline.transforms[-2].encoder
    oks = np.array(mouse_oks())
    np.testing.assert_allclose(codec.sigmas_cells, oks * 2 / oks.mean(), rtol=1e-12)
    assert len(DATASETS.build(mouse.val_dataloader.dataset)) == 1


def mouse_oks() -> list[float]:
    block = list_python_blocks('docs/your-own-skeleton.md')[0]
    space: dict = {}
    exec(block, space)
    return space['dataset_info']['sigmas']


def test_own_skeleton_builds_a_model_with_its_joints(mouse):
    init_default_scope('mmpose')
    mouse.model.backbone.init_cfg = None
    model = MODELS.build(mouse.model)
    assert type(model).__name__ == 'AlignedFlipTopdownPoseEstimator'
    assert model.head.final_layer.out_channels == 4
    assert len(model.head.decoder.sigmas_cells) == 4
