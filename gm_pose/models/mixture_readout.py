"""Reading a forward's mixture weights and sigmas, at no cost when nobody asks.

Pure PyTorch, no MMPose.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gm_pose.models.gaussian_mixture import GaussianMixture


@dataclass(frozen=True)
class MixtureReadout:
    """What one `GaussianMixture` did in its last forward, detached.

    Attributes:
        weights: mixture weights (B, G, M, H, W); over M they add up to 1.
        sigmas: in the map's cells, (M,) or (C, M).
    """

    weights: Tensor
    sigmas: Tensor

    def compute_mean_sigmas(self) -> Tensor:
        """Chosen sigma in cells (B, G, H, W): the mean under the weights.

        Sigmas per channel (C, M) are averaged over each of the G groups first.
        """
        sigmas = self.sigmas.to(self.weights.dtype)
        if sigmas.dim() == 2:
            groups = self.weights.shape[1]
            sigmas = sigmas.unflatten(0, (groups, -1)).mean(dim=1)
        return (self.weights * sigmas[..., None, None]).sum(dim=2)


def find_mixtures(model: nn.Module) -> dict[str, GaussianMixture]:
    """Every `GaussianMixture` under `model` -> name in the model to module."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, GaussianMixture)
    }


@contextmanager
def read_mixtures(model: nn.Module) -> Iterator[dict[str, MixtureReadout]]:
    """Collect a `MixtureReadout` by mixture name from forwards inside the `with`.

    Forward hooks that exist only inside the `with`: elsewhere a forward pays nothing.
    The last forward counts (under flip test: the flipped one). Read from the eager
    model; a compiled one need not call hooks that came after its compilation.

    Example:
        >>> from gm_pose.models import MixtureSettings
        >>> settings = MixtureSettings(num_components=4, init_sigma_range=(0.15, 1.2))
        >>> model = nn.ModuleDict({'mixture': GaussianMixture(16, 16, settings)})
        >>> feature = torch.rand(1, 16, 8, 6)
        >>> with read_mixtures(model) as mixtures:
        ...     _ = model['mixture'](feature, context=feature)
        >>> mixtures['mixture'].weights.shape
        torch.Size([1, 1, 4, 8, 6])
        >>> mixtures['mixture'].compute_mean_sigmas().shape
        torch.Size([1, 1, 8, 6])
    """
    readouts: dict[str, MixtureReadout] = {}
    captured: dict[str, Tensor] = {}
    handles = []

    def watch(name: str, mixture: GaussianMixture) -> None:
        def keep_weights(module: nn.Module, args: tuple, output: Tensor) -> None:
            captured[name] = output.detach()

        def keep_readout(module: nn.Module, args: tuple, output: Tensor) -> None:
            weights = captured.pop(name, None)
            if weights is None:  # nothing is mixed, or every view counts the same
                count = mixture.num_components
                batch, _, height, width = output.shape
                shape = (batch, mixture.num_groups, count, height, width)
                weights = torch.full(shape, 1 / count, device=output.device)
            readouts[name] = MixtureReadout(weights, mixture.sigmas.detach())

        if mixture.weights is not None:
            handles.append(mixture.weights.register_forward_hook(keep_weights))
        handles.append(mixture.register_forward_hook(keep_readout))

    for name, mixture in find_mixtures(model).items():
        watch(name, mixture)
    try:
        yield readouts
    finally:
        for handle in handles:
            handle.remove()
