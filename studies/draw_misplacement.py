"""The figure of the misplaced target, over a crop of a rendered person."""

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np

mpl.use('Agg')
import matplotlib.pyplot as plt

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.datasets.synthetic_people import make_scene

SEED = 8
INPUT_SIZE, HEATMAP_SIZE = (192, 256), (48, 64)
SHOWN = (7, 9)  # left elbow and wrist: Set 1's 1.8 and 1.7, both drawn one cell off
HALF_VIEW = 26  # px of the input on each side of a joint


def crop_person(image: np.ndarray, annotation: dict) -> tuple[np.ndarray, np.ndarray]:
    """Picture and annotation -> crop (h, w, 3) and joints (K, 2) in crop px."""
    x, y, width, height = annotation['bbox']
    scale = min(INPUT_SIZE[0] / width, INPUT_SIZE[1] / height) / 1.25
    center = np.array([x + width / 2, y + height / 2])
    shift = np.array(INPUT_SIZE) / 2 - scale * center
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    crop = cv2.warpAffine(image, matrix, INPUT_SIZE)
    joints = np.asarray(annotation['keypoints'], dtype=float).reshape(-1, 3)
    return crop, joints[:, :2] * scale + shift


def draw_misplacement(path: Path) -> None:
    """Targets of Set 1 as the MSRA generator pastes them and as they should be."""
    scene = make_scene(np.random.default_rng(SEED), 1)
    crop, joints = crop_person(scene.image, scene.annotations[0])
    picture = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)
    maps = {}
    for title, options in (
        ("MSRA generator's placement", dict(alignment='msra')),
        ('centred on the nearest cell', dict()),
        ('sub-cell', dict(unbiased=True)),
    ):
        codec = JointAdaptiveMSRAHeatmap(INPUT_SIZE, HEATMAP_SIZE, 'set1', **options)
        maps[title] = codec.encode(joints[None].astype(np.float32))['heatmaps']
    figure, panels = plt.subplots(len(SHOWN), len(maps), figsize=(8, 5.6))
    for row, joint in enumerate(SHOWN):
        x, y = joints[joint]
        for panel, (title, heatmaps) in zip(panels[row], maps.items(), strict=True):
            panel.imshow(picture)
            stride = INPUT_SIZE[0] / HEATMAP_SIZE[0]
            # cell i is the input's position i * stride, where its centre is drawn
            low, high_x = -stride / 2, (HEATMAP_SIZE[0] - 0.5) * stride
            panel.imshow(
                heatmaps[joint], cmap='inferno', alpha=0.55, interpolation='nearest',
                extent=(low, high_x, (HEATMAP_SIZE[1] - 0.5) * stride, low),
            )  # fmt: skip
            panel.plot(x, y, '+', color='cyan', markersize=14, markeredgewidth=1.5)
            panel.set_xlim(x - HALF_VIEW, x + HALF_VIEW)
            panel.set_ylim(y + HALF_VIEW, y - HALF_VIEW)
            panel.set_xticks([])
            panel.set_yticks([])
            if row == 0:
                panel.set_title(title, fontsize=9)
        sigma = {7: 1.8, 9: 1.7}[joint]
        name = {7: 'left elbow', 9: 'left wrist'}[joint]
        panels[row][0].set_ylabel(f'{name}, sigma {sigma}')
    figure.set_layout_engine('constrained')
    figure.savefig(path, dpi=110, facecolor='white')
    plt.close(figure)
