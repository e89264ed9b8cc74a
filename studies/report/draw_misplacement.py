"""The figure of the misplaced target, over a photograph that Matplotlib ships.

Rear Admiral Grace Hopper, U.S. Navy, 1984: a work of the United States government, in the
public domain.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use('Agg')
import matplotlib.pyplot as plt
from matplotlib import cbook

from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.sigma_tables import SIGMA_TABLES
from gm_pose.ops.skeleton import COCO_JOINT_NAMES
from studies.variants.variant import PLACEMENTS

PHOTOGRAPH = 'grace_hopper.jpg'
BOX = (12, 15, 500, 585)  # [x, y, w, h] of the person, px of the photograph
# Set 1 draws both one cell off; px of the photograph, marked by hand
JOINTS = {'nose': (266, 237), 'left_eye': (305, 187)}
INPUT_SIZE, HEATMAP_SIZE = (192, 256), (48, 64)
STRIDE = INPUT_SIZE[0] / HEATMAP_SIZE[0]
SIGMAS = 'set1'
TITLES = {
    'published': "MSRA generator's placement",
    'centered': 'centered on the nearest cell',
    'subcell': 'sub-cell',
}
HALF_VIEW = 26  # px of the input on each side of a joint


def fit_box() -> tuple[float, np.ndarray]:
    """Scale and shift [x, y] from the photograph to the crop of `BOX` with padding 1.25."""
    x, y, width, height = BOX
    scale = min(INPUT_SIZE[0] / width, INPUT_SIZE[1] / height) / 1.25
    center = np.array([x + width / 2, y + height / 2])
    return scale, np.array(INPUT_SIZE) / 2 - scale * center


def find_extent(width: int, height: int, scale: float, shift: np.ndarray) -> tuple:
    """Matplotlib's extent of a raster whose cell i lies at input px `scale i + shift`."""
    low = -0.5 * scale + shift
    high = (np.array([width, height]) - 0.5) * scale + shift
    return low[0], high[0], high[1], low[1]


def encode_joints() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Places (17, 2) in input px of `JOINTS`, and the maps (17, H, W) of each placement."""
    scale, shift = fit_box()
    places = np.zeros((len(COCO_JOINT_NAMES), 2), dtype=np.float32)
    visible = np.zeros(len(COCO_JOINT_NAMES), dtype=np.float32)
    for name, at in JOINTS.items():
        joint = COCO_JOINT_NAMES.index(name)
        places[joint], visible[joint] = scale * np.array(at) + shift, 1
    maps = {}
    for placement, title in TITLES.items():
        options = PLACEMENTS[placement]
        codec = JointAdaptiveMSRAHeatmap(INPUT_SIZE, HEATMAP_SIZE, SIGMAS, **options)
        maps[title] = codec.encode(places[None], visible[None])['heatmaps']
    return places, maps


def draw_misplacement(path: Path) -> None:
    """Targets of Set 1 as the MSRA generator pastes them and as they should be."""
    with cbook.get_sample_data(PHOTOGRAPH) as file:
        picture = plt.imread(file, format='jpg')
    scale, shift = fit_box()
    places, maps = encode_joints()
    figure, panels = plt.subplots(len(JOINTS), len(maps), figsize=(8, 5.6))
    for row, name in enumerate(JOINTS):
        joint = COCO_JOINT_NAMES.index(name)
        x, y = places[joint]
        for panel, (title, heatmaps) in zip(panels[row], maps.items(), strict=True):
            height, width = picture.shape[:2]
            panel.imshow(picture, extent=find_extent(width, height, scale, shift))
            panel.imshow(
                heatmaps[joint],
                cmap='inferno',
                interpolation='nearest',
                alpha=0.7 * np.sqrt(heatmaps[joint]),
                extent=find_extent(*HEATMAP_SIZE, STRIDE, np.zeros(2)),
            )
            panel.plot(x, y, '+', color='cyan', markersize=14, markeredgewidth=1.5)
            panel.set_xlim(x - HALF_VIEW, x + HALF_VIEW)
            panel.set_ylim(y + HALF_VIEW, y - HALF_VIEW)
            panel.set_xticks([])
            panel.set_yticks([])
            if row == 0:
                panel.set_title(title, fontsize=9)
        sigma = SIGMA_TABLES[SIGMAS][name]
        panels[row][0].set_ylabel(f'{name.replace("_", " ")}, sigma {sigma}')
    figure.set_layout_engine('constrained')
    figure.savefig(path, dpi=110, facecolor='white')
    plt.close(figure)
