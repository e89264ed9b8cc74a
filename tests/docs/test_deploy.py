"""The code of docs/deploy.md, on the demo's model with random weights."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / 'configs' / 'demo' / 'demo_gm_set2_synthetic.py'


@pytest.mark.skipif(
    torch.__version__.startswith('2.6.'),
    reason='the exporter of PyTorch 2.6 fails with the onnxscript of today',
)
def test_exported_network_gives_the_same_heatmaps_and_decodes(tmp_path, monkeypatch):
    pytest.importorskip('onnxscript')
    monkeypatch.chdir(tmp_path)
    text = (ROOT / 'docs' / 'deploy.md').read_text(encoding='utf-8')
    export, run = re.findall(r'```python\n(.*?)```', text, re.DOTALL)
    export, count = re.subn(r"CONFIG = '.*'", f"CONFIG = '{CONFIG}'", export)
    assert count == 1
    export, count = re.subn(r"CHECKPOINT = '.*'", 'CHECKPOINT = None', export)
    assert count == 1
    space = {}
    torch.manual_seed(0)
    exec(compile(export, 'deploy.md', 'exec'), space)
    crops = 'np.zeros((1, 3, h, w), np.float32)'
    assert crops in run
    space['random_crops'] = np.random.default_rng(0).normal(size=(3, 3, 128, 96))
    run = run.replace(crops, 'random_crops.astype(np.float32)')
    exec(compile(run, 'deploy.md', 'exec'), space)
    with torch.no_grad():
        expected = space['model'](torch.from_numpy(space['crops']), None).numpy()
    assert space['heatmaps'].shape == (3, 17, 32, 24)
    scale = np.abs(expected).max()
    assert expected.std() > 0.01 * scale
    assert np.abs(space['heatmaps'] - expected).max() <= 1e-4 * scale
    keypoints, scores = space['keypoints'], space['scores']
    assert keypoints.shape == (1, 17, 2)
    assert scores.shape == (1, 17)
    # A cell is 4 px; the fit stays within a sigma of the highest cell, or within a cell.
    limit = 4 * max(1, space['codec'].sigmas_cells.max())
    assert (-limit <= keypoints).all()
    assert (keypoints <= np.array([92, 124]) + limit).all()
