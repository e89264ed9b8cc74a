"""How losses of maps are averaged."""

from torch import Tensor


def average_maps(values: Tensor, weights: Tensor | None) -> Tensor:
    """Losses of maps (B, K), keypoint weights (B, K) -> their mean, as KeypointMSELoss.

    Raises:
        ValueError: weights of another shape.
    """
    if weights is None:
        return values.mean()
    if weights.shape != values.shape:
        raise ValueError(
            f'target_weights are {tuple(weights.shape)}; expected {tuple(values.shape)}'
        )
    return (values * weights).mean()
