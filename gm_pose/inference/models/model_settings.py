"""What a PyTorch model is built of, read from a merged config."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gm_pose.codecs.base_codec import get_type, to_plain
from gm_pose.runs.user_errors import UserError

__all__ = ['CropSettings', 'ModelSettings', 'PixelSettings', 'read_settings']

_LOADERS = ('LoadImage', 'LoadReadableImage')
_KNOWN = (*_LOADERS, 'GetBBoxCenterScale', 'TopdownAffine', 'PackPoseInputs')


@dataclass(frozen=True)
class CropSettings:
    """How a box becomes a crop, as the test pipeline has it.

    Attributes:
        input_size: (w, h) px of the crop.
        padding: factor of the box, of `GetBBoxCenterScale`.
        use_udp: the grid of `TopdownAffine`.
    """

    input_size: tuple[int, int]
    padding: float
    use_udp: bool


@dataclass(frozen=True)
class PixelSettings:
    """How pixels become the network's input, as `PoseDataPreprocessor` has it.

    Attributes:
        mean: of the channels after they are swapped; None for no normalisation.
        std: likewise.
        swaps_channels: BGR to RGB.
    """

    mean: tuple[float, ...] | None
    std: tuple[float, ...] | None
    swaps_channels: bool


@dataclass(frozen=True)
class ModelSettings:
    """All of it.

    Attributes:
        model: config of the estimator, without what only training needs.
        crop: how a box becomes a crop.
        pixels: how pixels become input.
        default_scope: the registry's.
    """

    model: dict[str, Any]
    crop: CropSettings
    pixels: PixelSettings
    default_scope: str


def read_settings(config: Mapping[str, Any], name: str) -> ModelSettings:
    """Merged config -> settings; nothing is built, imported or looked up.

    Args:
        config: as MMEngine merges it, or as a checkpoint holds it.
        name: of config or checkpoint, for messages.

    Raises:
        UserError: no top-down heatmap model, or a pipeline with steps of unknown effect.
    """
    model = config.get('model')
    if not isinstance(model, Mapping) or 'head' not in model or 'backbone' not in model:
        raise UserError(
            f'{name} has no model with backbone and head; expected a top-down heatmap '
            "model. Fix: give a config or checkpoint of MMPose's top-down heatmap models"
        )
    if config.get('data_mode', 'topdown') != 'topdown':
        raise UserError(
            f'{name} is a {config["data_mode"]} model; expected topdown, which predict '
            'and export run'
        )
    plain = _drop_training(to_plain(model))
    preprocessor = plain.pop('data_preprocessor', None)
    if preprocessor is None:
        preprocessor = to_plain(config.get('preprocess_cfg')) or {}
    return ModelSettings(
        model=plain,
        crop=_read_crop(config, name),
        pixels=_read_pixels(preprocessor, name),
        default_scope=str(config.get('default_scope') or 'mmpose'),
    )


def _drop_training(node: Any) -> Any:
    """Without initial weights, which the checkpoint replaces and would be downloaded."""
    if isinstance(node, dict):
        return {
            key: _drop_training(value)
            for key, value in node.items()
            if key not in ('init_cfg', 'train_cfg', 'pretrained')
        }
    if isinstance(node, list | tuple):
        return type(node)(_drop_training(value) for value in node)
    return node


def _read_crop(config: Mapping[str, Any], name: str) -> CropSettings:
    steps = next(_list_pipelines(config), None)
    if steps is None:
        raise UserError(
            f'{name} has no test_dataloader with a pipeline, which says how people are '
            'cropped. Fix: give a config for testing'
        )
    by_type = {get_type(step): step for step in steps}
    unknown = [kind for kind in by_type if kind not in _KNOWN]
    missing = [
        kind for kind in ('GetBBoxCenterScale', 'TopdownAffine') if kind not in by_type
    ]
    if unknown or missing:
        what = f'has {unknown[0]}' if unknown else f'lacks {missing[0]}'
        raise UserError(
            f'the test pipeline of {name} {what}; expected LoadImage, '
            'GetBBoxCenterScale, TopdownAffine, PackPoseInputs'
        )
    for loader in _LOADERS:
        colour = by_type.get(loader, {}).get('color_type', 'color')
        if colour != 'color':
            raise UserError(
                f"LoadImage of {name} has color_type={colour!r}; expected 'color'"
            )
    try:
        w, h = by_type['TopdownAffine']['input_size']
        return CropSettings(
            input_size=(int(w), int(h)),
            padding=float(by_type['GetBBoxCenterScale'].get('padding', 1.25)),
            use_udp=bool(by_type['TopdownAffine'].get('use_udp', False)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'the test pipeline of {name} has no usable size or padding ({error})'
        ) from error


def _list_pipelines(config: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """Pipelines for testing, the one that runs first."""
    for split in ('test', 'val'):
        dataset = (config.get(f'{split}_dataloader') or {}).get('dataset') or {}
        while isinstance(dataset.get('dataset'), Mapping):  # of a wrapper
            dataset = dataset['dataset']
        for steps in (dataset.get('pipeline'), config.get(f'{split}_pipeline')):
            if steps and all(isinstance(step, Mapping) for step in steps):
                yield list(steps)


def _read_pixels(preprocessor: Mapping[str, Any], name: str) -> PixelSettings:
    mean, std = preprocessor.get('mean'), preprocessor.get('std')
    if (mean is None) != (std is None):
        raise UserError(f'data_preprocessor of {name} has mean without std, or reverse')
    if preprocessor.get('pad_size_divisor', 1) != 1:
        raise UserError(
            f'data_preprocessor of {name} has pad_size_divisor='
            f'{preprocessor["pad_size_divisor"]!r}; expected 1: crops have one size'
        )
    swaps = preprocessor.get('bgr_to_rgb', False) or preprocessor.get(
        'rgb_to_bgr', False
    )
    return PixelSettings(
        None if mean is None else tuple(float(v) for v in mean),
        None if std is None else tuple(float(v) for v in std),
        bool(swaps),
    )
