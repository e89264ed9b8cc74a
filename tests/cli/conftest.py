"""The demo on a few people, for the commands that draw."""

from pathlib import Path

import pytest
from mmengine.config import Config

from gm_pose.datasets.synthetic_people import make_coco_folder

CONFIG = Path(__file__).parents[2] / 'configs' / 'demo' / 'demo_gm_set2_synthetic.py'


@pytest.fixture(scope='session')
def demo_on_five_people(tmp_path_factory) -> Path:
    """The demo's config, which names a folder of 2 people to train on and 5 to validate."""
    folder = tmp_path_factory.mktemp('demo')
    make_coco_folder(folder / 'data', train_people=2, val_people=5, seed=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('COCO_ROOT', str(folder / 'data'))
        Config.fromfile(CONFIG).dump(folder / 'demo.py')
    return folder / 'demo.py'
