import re

import numpy as np
import pytest
from mmpose.codecs import MSRAHeatmap
from mmpose.codecs.utils import gaussian_heatmap

from studies.training.datasets import ROOT


def encode_peak(sigma, cell):
    codec = MSRAHeatmap(input_size=(192, 256), heatmap_size=(48, 64), sigma=sigma)
    heatmap = codec.encode(np.array([[cell]], dtype=float) * 4)['heatmaps'][0]
    y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
    return x, y


def test_reproduction_prints_what_the_note_says(capsys):
    text = (ROOT / 'docs' / 'upstream-note.md').read_text(encoding='utf-8')
    code = re.search(r'```python\n(import numpy.*?)```', text, re.S)[1]
    printed = re.search(r'```text\n(.*?)```', text, re.S)[1]
    exec(compile(code, 'upstream-note', 'exec'), {})
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize('sigma', np.arange(0.4, 3.01, 0.07).round(2).tolist())
def test_rule_for_the_affected_sigmas(sigma):
    fraction = (3 * sigma) % 1
    inside = -1 if 1e-9 < fraction < 0.5 - 1e-9 else 0
    assert encode_peak(sigma, (24, 32)) == (24 + inside, 32 + inside)
    at_border = 1 if fraction >= 0.5 - 1e-9 else 0
    # a joint at cell 0: mu - r is negative
    assert encode_peak(sigma, (0, 32))[0] == at_border


@pytest.mark.parametrize('sigma', [0.84, 1.1, 1.3, 1.42, 1.5, 1.73, 1.9])
def test_fix_centres_every_sigma(sigma, monkeypatch):
    """The note's fix: what `sigma * 3` gives becomes a whole number."""

    class Sigma(float):
        def __mul__(self, other):
            return int(float(self) * other) if other == 3 else float(self) * other

    for cell in ((24, 32), (0, 0), (1, 63), (47, 2)):
        heatmaps, _ = gaussian_heatmap.generate_gaussian_heatmaps(
            heatmap_size=(48, 64),
            keypoints=np.array([[cell]], dtype=float),
            keypoints_visible=np.ones((1, 1)),
            sigma=(Sigma(sigma),),
        )
        y, x = np.unravel_index(heatmaps[0].argmax(), heatmaps[0].shape)
        assert (x, y) == cell
        assert heatmaps.max() == 1
