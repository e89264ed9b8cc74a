"""The networks that a new config can start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ['BASES', 'Base', 'Shape', 'choose_shape']

_COCO = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/'


@dataclass(frozen=True)
class Shape:
    """Sizes [W, H] of crop and heatmap, and the boxes that they are for."""

    input_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    boxes: str

    def turn(self, boxes: str) -> Shape:
        """The same for wide boxes."""
        return Shape(self.input_size[::-1], self.heatmap_size[::-1], boxes)

    def square(self) -> Shape:
        """The same height, for boxes about as wide as high."""
        height, rows = self.input_size[1], self.heatmap_size[1]
        return Shape((height, height), (rows, rows), 'about as wide as high')


@dataclass(frozen=True)
class Base:
    """A network and its recipe.

    Attributes:
        config: MMPose's.
        what: one line for the header.
        shape: of the crop, for boxes higher than wide.
        sigma, narrow_sigma: in cells, of most joints and of noses and eyes.
        aligned_flip: whether the flip test is `AlignedFlipTopdownPoseEstimator`'s.
        has_fixed_shape: the network takes no other size of crop.
        needs: package that MMPose does not bring, '' for none.
        model: lines of the config's `model` beside its channels.
        lines: further lines of the config.
    """

    config: str
    what: str
    shape: Shape = Shape((192, 256), (48, 64), 'higher than wide')
    sigma: float = 2.0
    narrow_sigma: float = 1.0
    aligned_flip: bool = True
    has_fixed_shape: bool = False
    needs: str = ''
    model: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


# ResNet-18's blocks at 3/8 of its width and stride 8, as in the demo's config.
_SMALL = (
    'backbone=dict(',
    "    _delete_=True, type='ResNet', depth=18, stem_channels=24, base_channels=24,",
    '    num_stages=3, strides=(1, 2, 1), dilations=(1, 1, 1), out_indices=(2,),',
    '),',
)
_SMALL_HEAD = (
    'in_channels=96,',
    'deconv_out_channels=(64,),',
    'deconv_kernel_sizes=(4,),',
    'loss=dict(loss_weight=500.0),  # only the scale in the log',
)

BASES = {
    'res50': Base(
        _COCO + 'td-hm_res50_8xb64-210e_coco-256x192.py',
        "ResNet-50 from ImageNet's weights",
    ),
    'hrnet_w32': Base(
        _COCO + 'td-hm_hrnet-w32_8xb64-210e_coco-256x192.py',
        "HRNet-W32 from ImageNet's weights",
    ),
    'vitpose_s': Base(
        _COCO + 'td-hm_ViTPose-small_8xb64-210e_coco-256x192.py',
        'ViTPose-S from MAE weights',
        aligned_flip=False,  # of the udp grid, which mirrors onto itself
        has_fixed_shape=True,
        needs='mmpretrain',
    ),
    'small': Base(
        _COCO + 'td-hm_res50_8xb64-210e_coco-256x192.py',
        'a small ResNet-18 without weights, for a CPU or a first try',
        # cells of 4 px as for the others, and so sigmas near those of the demo
        shape=Shape((96, 128), (24, 32), 'higher than wide'),
        sigma=1.4,
        narrow_sigma=1.0,
        model=_SMALL,
        lines=(
            "optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=2e-3,",
            '                                    weight_decay=0.05))',
        ),
    ),
}
HEADS = {'small': _SMALL_HEAD}

TALL, WIDE = 0.87, 1.15
"""Width over height of a median box between which a square crop wastes less than a 3:4 or
4:3 one: the square roots of 3/4 and 4/3."""


def choose_shape(base: Base, aspects: Sequence[float]) -> Shape:
    """Widths over heights of people's boxes -> sizes of crop and heatmap.

    MMPose widens each box to the crop's shape: of a wide animal in a tall crop, half of
    the pixels would be background.
    """
    if base.has_fixed_shape or not aspects:
        return base.shape
    middle = sorted(aspects)[len(aspects) // 2]
    if middle < TALL:
        return base.shape
    return base.shape.turn('wider than high') if middle > WIDE else base.shape.square()
