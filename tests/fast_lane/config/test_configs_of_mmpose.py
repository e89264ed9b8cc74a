"""The fast lane on the top-down heatmap configs that MMPose ships."""

from collections import Counter
from pathlib import Path

import mmpose
from mmengine.config import Config
from mmengine.registry import init_default_scope

from gm_pose import apply_fast_lane

FOLDER = Path(mmpose.__file__).parent / '.mim' / 'configs'
UNKNOWN = {
    'GenerateTarget has several encoders': 8,
    "dataset CombinedDataset, none of MMPose's COCO-style datasets": 4,
    "codec UDPHeatmap with heatmap_type='combined'": 1,
}


def test_all_but_three_kinds_of_configs_are_recognised():
    init_default_scope('mmpose')
    found = Counter()
    for path in sorted(FOLDER.rglob('td-hm*.py')):
        cfg = Config.fromfile(path)
        cfg.fast_lane = dict()
        (note,) = apply_fast_lane(cfg)
        found[note.removeprefix('fast lane: not used, it does not know ')] += 1
    assert found == UNKNOWN | {'fast lane: train, val, images=auto': 252}
