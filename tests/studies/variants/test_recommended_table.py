"""The recommended table on a skeleton without nose and eyes is the uniform sigma."""

from pathlib import Path

import numpy as np
from mmengine.config import Config

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from studies.training.datasets import DATASETS, ROOT

NARROW = ('nose', 'left_eye', 'right_eye')


def test_targets_and_weights_on_lspet_are_those_of_uniform_2():
    cfg = Config.fromfile(ROOT / 'configs' / 'gm_best_res50_coco.py')
    table = dict(cfg.codec.sigmas)
    assert {*table} == {'default', *NARROW}
    metainfo = Path(ROOT, DATASETS['lspet-4k'].metainfo)
    joints = [item['name'] for item in Config.fromfile(metainfo).dataset_info[
        'keypoint_info'].values()]  # fmt: skip
    assert not {*joints} & {*NARROW}
    options = {k: v for k, v in cfg.codec.items() if k not in ('type', 'sigmas')}
    options['dataset'] = str(metainfo)
    own = {k: v for k, v in table.items() if k in ('default', *joints)}
    rng = np.random.default_rng(0)
    people = rng.uniform(-20, 280, (20, 1, len(joints), 2)).astype(np.float32)
    adaptive = JointAdaptiveMSRAHeatmap(**options, sigmas=own)
    uniform = JointAdaptiveMSRAHeatmap(
        **dict(options, balance_weights=False), sigmas=table['default']
    )
    for joints_px in people:
        found, expected = adaptive.encode(joints_px), uniform.encode(joints_px)
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key], value)
