"""A linear filter along columns and rows of heatmaps."""

from torch import Tensor

__all__ = ['blur_maps']


def blur_maps(maps: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """``columns @ maps @ rows`` for maps (N, K, H, W), N = 0 included.

    Args:
        maps: to filter.
        columns: (H, H), or one for each joint, (K, H, H).
        rows: (W, W) or (K, W, W).
    """
    # ONNX Runtime up to 1.23 refuses to broadcast a product to N = 0.
    people = maps.shape[0]
    columns, rows = (
        factor[(None,) * (4 - factor.dim())].expand(people, -1, -1, -1)
        for factor in (columns, rows)
    )
    return columns @ maps @ rows
