"""Folded norms: fewer layers, the same maps; a model where that fails stays as it is."""

import pytest
import torch
from torch import nn

from gm_pose.inference.backends.fold_norms import fold_norms


class Estimator(nn.Module):
    """A convolution with its norm, and a head that scales maps up."""

    def __init__(self, order: tuple[str, ...] = ('conv', 'norm')) -> None:
        super().__init__()
        parts = dict(conv=nn.Conv2d(3, 4, 3, padding=1), norm=nn.BatchNorm2d(4))
        for name in order:
            self.add_module(name, parts[name])
        self.head = nn.Sequential(
            nn.ConvTranspose2d(4, 2, 4, 2, 1, bias=False), nn.BatchNorm2d(2), nn.ReLU()
        )
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean)
                nn.init.uniform_(module.running_var, 0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 2)
                nn.init.normal_(module.bias)

    def extract_feat(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(inputs))


class Unrelated(Estimator):
    """Registered as convolution and norm, used as norm and convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        nn.init.uniform_(self.norm.running_var, 0.5, 2)
        self.conv = nn.Conv2d(3, channels, 3, padding=1)
        self.head[0] = nn.ConvTranspose2d(channels, 2, 4, 2, 1, bias=False)

    def extract_feat(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.conv(self.norm(inputs))


def count_norms(model: nn.Module) -> int:
    return sum(isinstance(m, nn.BatchNorm2d) for m in model.modules())


def test_maps_stay_and_norms_go() -> None:
    torch.manual_seed(0)
    model = Estimator().eval()
    folded = fold_norms(model, (12, 16))
    assert (count_norms(model), count_norms(folded)) == (2, 0)
    inputs = torch.randn(3, 3, 16, 12)
    with torch.inference_mode():
        expected, found = (
            m.head.forward(m.extract_feat(inputs)) for m in (model, folded)
        )
    # float32 rounds four layers of at most 36 products
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('channels', [3, 4])
def test_a_norm_of_another_layer_is_left_alone(channels: int) -> None:
    torch.manual_seed(0)
    model = Unrelated(channels).eval()
    assert fold_norms(model, (12, 16)) is model
