"""The settings of a Gaussian mixture that a config chooses, checked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gm_pose.ops.gaussian_smoothing import DEFAULT_TRUNCATE

MIXINGS = ('softmax', 'uniform')


def spread_sigmas(low: float, high: float, num_components: int) -> list[float]:
    """`num_components` sigmas, geometric from `low` to `high` (one: in the middle).

    Example:
        >>> spread_sigmas(0.5, 2.0, 3)
        [0.5, 1.0, 2.0]
    """
    if num_components == 1:
        return [math.sqrt(low * high)]
    ratio = (high / low) ** (1 / (num_components - 1))
    return [low * ratio**m for m in range(num_components)]


@dataclass(frozen=True)
class MixtureSettings:
    """What neck and head let a config choose of their mixture; checked when made.

    Attributes:
        num_components: M, how many sigmas are mixed.
        init_sigma_range: lowest and highest starting sigma in cells; the M of them are
            spread geometrically between.
        init_sigmas: M starting sigmas in cells instead of that spread.
        min_sigma: lower bound of a sigma in cells; below 0.1 smoothing is the identity to
            1e-6 anyhow.
        truncate: kernel support on each side in sigmas.
        learn_sigmas: False keeps `init_sigmas` (an ablation).
        mixing: 'softmax', or 'uniform': every view counts 1 / M everywhere (an
            ablation; needs no context).
        with_cp: recompute the M views in the backward pass instead of keeping them.

    Raises:
        ValueError: a setting is out of its range; the text says which and how.
    """

    num_components: int
    init_sigma_range: tuple[float, float]
    init_sigmas: Sequence[float] | None = None
    min_sigma: float = 0.05
    truncate: float = DEFAULT_TRUNCATE
    learn_sigmas: bool = True
    mixing: str = 'softmax'
    with_cp: bool = False

    def __post_init__(self) -> None:
        if self.mixing not in MIXINGS:
            raise ValueError(f'mixing must be one of {MIXINGS}, got {self.mixing!r}')
        if not self.min_sigma > 0:
            raise ValueError(f'min_sigma must be above 0 cells, got {self.min_sigma}')
        if not self.truncate > 0:
            raise ValueError(f'truncate must be above 0, got {self.truncate}')
        if self.num_components < 1:
            raise ValueError(
                f'num_components must be at least 1, got {self.num_components}'
            )
        start = self.list_start_sigmas()
        if len(start) != self.num_components:
            raise ValueError(
                f'init_sigmas has {len(start)} sigmas for {self.num_components} '
                'components: give one per component, or None for the default spread'
            )
        for sigma in start:
            if not self.min_sigma < sigma < math.inf:
                raise ValueError(
                    f'init_sigmas must be finite and above min_sigma = {self.min_sigma} '
                    f'cells, got {sigma}: raise it or lower min_sigma'
                )

    def list_start_sigmas(self) -> Sequence[float]:
        """The M sigmas in cells that training starts from."""
        if self.init_sigmas is not None:
            return self.init_sigmas
        return spread_sigmas(*self.init_sigma_range, self.num_components)
