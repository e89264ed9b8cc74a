"""What the fast lane has to do for a dataset, read from its pipeline.

The pipeline of MMPose stays in the config, and is the only place where augmentation is
set. `read_recipe` recognises the stock transforms in the orders in which one batch
operation gives the same distribution, and names what it does not recognise.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmengine.dataset import BaseDataset
from mmpose.datasets import transforms
from mmpose.datasets.datasets.base import BaseCocoStyleDataset
from mmpose.datasets.transforms import KeypointConverter
from mmpose.registry import DATASETS, TRANSFORMS

from gm_pose.codecs.base_codec import find_class, get_type, to_plain
from gm_pose.fast_lane.people.people_of_parts import is_combined
from gm_pose.ops.crop_augmentation import CropAugmentation
from gm_pose.runs.loading.load_readable_image import LoadReadableImage

__all__ = ['NotRecognised', 'Recipe', 'read_recipe']

LOADERS = ('LoadImage', 'LoadReadableImage')
# Transforms of the crop's pixels alone; their own classes run them.
PIXEL_TRANSFORMS = (
    'Albumentation',
    'PhotometricDistortion',
    'RandomErasing',
    'YOLOXHSVRandomAug',
)


_PACKAGES = ('gm_pose', 'mmcv', 'mmdet', 'mmpose', 'mmpretrain')


class NotRecognised(ValueError):
    """A part of a config that the fast lane does not know; the text names it."""


@dataclass(frozen=True)
class Recipe:
    """From an annotated person to the network's input.

    Args:
        input_size: [w, h] of the crop in px.
        use_udp: the grid of `TopdownAffine`.
        padding: of `GetBBoxCenterScale`.
        load: arguments of the image loader.
        augmentation: random flip, half body, shift, scale and rotation; None in
            evaluation.
        pixel_transforms: configs of the transforms that follow the crop, in order.
        encoder: config of the codec that draws the targets; None in evaluation.
        use_dataset_keypoint_weights: as in `GenerateTarget`.
        meta_keys: as in `PackPoseInputs`.
    """

    input_size: tuple[int, int]
    use_udp: bool
    padding: float
    load: dict[str, Any]
    augmentation: CropAugmentation | None = None
    pixel_transforms: tuple[dict[str, Any], ...] = ()
    encoder: dict[str, Any] | None = None
    use_dataset_keypoint_weights: bool = False
    meta_keys: tuple[str, ...] = field(default=())

    @property
    def is_training(self) -> bool:
        """Whether samples carry targets."""
        return self.encoder is not None


def read_recipe(dataset: Mapping[str, Any]) -> Recipe:
    """Config of an MMPose dataset -> recipe.

    Args:
        dataset: with `type` and `pipeline`; wrappers are not recognised.

    Raises:
        NotRecognised: names the transform, argument or dataset.
    """
    _check_dataset(dataset)
    steps = list(dataset.get('pipeline') or [])
    names = [_name_transform(step) for step in steps]
    _check_order(names)
    arguments = {
        name: _bind_arguments(name, step)
        for name, step in zip(names, steps, strict=True)
        if name not in PIXEL_TRANSFORMS
    }
    load = next(arguments[name] for name in LOADERS if name in arguments)
    _check_load(load)
    affine, pack = arguments['TopdownAffine'], arguments['PackPoseInputs']
    if pack.get('pack_transformed'):
        raise NotRecognised('PackPoseInputs has pack_transformed=True; expected False')
    target = arguments.get('GenerateTarget')
    if target is None and is_combined(dataset):
        raise NotRecognised('CombinedDataset in evaluation')
    return Recipe(
        input_size=tuple(affine['input_size']),
        use_udp=bool(affine['use_udp']),
        padding=float(arguments['GetBBoxCenterScale']['padding']),
        load=load,
        augmentation=None if target is None else _read_augmentation(arguments),
        pixel_transforms=tuple(
            to_plain(step)
            for name, step in zip(names, steps, strict=True)
            if name in PIXEL_TRANSFORMS
        ),
        encoder=None if target is None else _read_encoder(target),
        use_dataset_keypoint_weights=bool(
            target and target['use_dataset_keypoint_weights']
        ),
        meta_keys=tuple(pack['meta_keys']),
    )


def _check_dataset(dataset: Mapping[str, Any]) -> None:
    """One sample must be one person of one image, loaded by MMEngine's rules."""
    if is_combined(dataset):
        _check_combined(dataset)
        return
    cls = find_class(dataset, DATASETS)
    if cls is None or not issubclass(cls, BaseCocoStyleDataset):
        raise NotRecognised(
            f"dataset {get_type(dataset)}, none of MMPose's COCO-style datasets"
        )
    if dataset.get('data_mode', 'topdown') != 'topdown':
        raise NotRecognised(f'data_mode is {dataset["data_mode"]!r}; expected topdown')
    own = [
        name
        for name in ('__getitem__', '__len__', 'prepare_data', 'get_data_info')
        if getattr(cls, name) is not getattr(BaseDataset, name)
        and getattr(cls, name) is not getattr(BaseCocoStyleDataset, name)
    ]
    if own:
        raise NotRecognised(f'dataset {cls.__name__} has its own {own[0]}')


def _check_combined(dataset: Mapping[str, Any]) -> None:
    """Parts may map their keypoints, and do nothing else of their own."""
    for name in dataset:
        if name not in _COMBINED and dataset[name] is not None:
            raise NotRecognised(f'CombinedDataset has {name}')
    for part in dataset['datasets']:
        if is_combined(part):
            raise NotRecognised('a CombinedDataset in another one')
        _check_dataset(part)
        steps = part.get('pipeline') or []
        for step in steps:
            if find_class(step, TRANSFORMS) is not KeypointConverter or len(steps) > 1:
                raise NotRecognised(
                    f'{get_type(step)} in the pipeline of a part of CombinedDataset; it '
                    'knows one KeypointConverter'
                )


# Settings of `CombinedDataset`, of which those after `pipeline` do not matter here.
_COMBINED = (
    'type',
    'metainfo',
    'datasets',
    'pipeline',
    'test_mode',
    'lazy_init',
    'serialize_data',
    'max_refetch',
    '_scope_',
)


def _name_transform(step: Any) -> str:
    """The name of a transform; one of another class than MMPose's has none here.

    A user's class may take the name of MMPose's (`force=True`), and other packages have
    transforms of the same names. Those of pixels are run as they are, so those of
    OpenMMLab's packages are known, too.
    """
    step = step if isinstance(step, Mapping) else dict(type=step)
    cls = find_class(step, TRANSFORMS)
    if cls is None:
        raise NotRecognised(f'transform {step.get("type")}')
    name, package = cls.__name__, cls.__module__.partition('.')[0]
    is_known = cls in (LoadReadableImage, getattr(transforms, name, None)) or (
        name in PIXEL_TRANSFORMS and package in _PACKAGES
    )
    return name if is_known else f'{cls.__module__}.{name}'


def _check_order(names: Sequence[str]) -> None:
    """A flip may come before or after the random box: both are symmetric."""
    middle = ('RandomFlip', 'RandomHalfBody', 'RandomBBoxTransform')
    known = (
        *LOADERS,
        'GetBBoxCenterScale',
        *middle,
        'TopdownAffine',
        *PIXEL_TRANSFORMS,
        'GenerateTarget',
        'PackPoseInputs',
    )
    for name in names:
        if name not in known:
            raise NotRecognised(f'transform {name}')
        if names.count(name) > 1 and name not in PIXEL_TRANSFORMS:
            raise NotRecognised(f'transform {name} {names.count(name)} times')
    stages = [_STAGES[name] for name in names]
    halves = [name for name in names if name in middle and name != 'RandomFlip']
    required = {'GetBBoxCenterScale', 'TopdownAffine', 'PackPoseInputs'} - {*names}
    if required or not {*LOADERS} & {*names}:
        missing = sorted(required) or ['LoadImage']
        raise NotRecognised(f'a pipeline without {missing[0]}')
    if stages != sorted(stages) or halves != [m for m in middle if m in halves]:
        raise NotRecognised(f'the order of transforms {", ".join(names)}')
    if ('GenerateTarget' not in names) and {*middle, *PIXEL_TRANSFORMS} & {*names}:
        raise NotRecognised('augmentation without GenerateTarget')


_STAGES = {
    **dict.fromkeys(LOADERS, 0),
    'GetBBoxCenterScale': 1,
    **dict.fromkeys(('RandomFlip', 'RandomHalfBody', 'RandomBBoxTransform'), 2),
    'TopdownAffine': 3,
    **dict.fromkeys(PIXEL_TRANSFORMS, 4),
    'GenerateTarget': 5,
    'PackPoseInputs': 6,
}


def _bind_arguments(name: str, step: Mapping[str, Any]) -> dict[str, Any]:
    """A transform's arguments with its own defaults, so that they stand in one place."""
    cls = find_class(step, TRANSFORMS)
    given = {key: to_plain(value) for key, value in step.items() if key != 'type'}
    if name in LOADERS:  # `**kwargs` down to mmcv's loader
        return given
    try:
        bound = inspect.signature(cls).bind(**given)
    except TypeError as error:
        raise NotRecognised(f'transform {name}: {error}') from error
    bound.apply_defaults()
    return dict(bound.arguments)


def _check_load(load: Mapping[str, Any]) -> None:
    expected = dict(
        to_float32=False,
        color_type='color',
        ignore_empty=False,
        imdecode_backend='cv2',
        file_client_args=None,
    )
    for key, value in expected.items():
        if load.get(key, value) != value:
            raise NotRecognised(f'LoadImage has {key}={load[key]!r}')
    backend = (load.get('backend_args') or {}).get('backend', 'local')
    if backend not in ('local', 'LocalBackend'):
        raise NotRecognised(f'LoadImage reads from the backend {backend}')
    unknown = {*load} - {*expected, 'backend_args', 'max_pixels'}
    if unknown:
        raise NotRecognised(f'LoadImage has {min(unknown)}')


def _read_encoder(target: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(target['encoder'], Mapping):
        raise NotRecognised('GenerateTarget has several encoders')
    return to_plain(target['encoder'])


def _read_augmentation(arguments: Mapping[str, dict[str, Any]]) -> CropAugmentation:
    """A step that the pipeline lacks has probability 0."""
    flip = arguments.get('RandomFlip', dict(prob=0.0, direction='horizontal'))
    if flip['direction'] != 'horizontal' or not isinstance(flip['prob'], float):
        raise NotRecognised(
            f'RandomFlip has direction={flip["direction"]!r}, prob={flip["prob"]!r}'
        )
    half = dict(arguments.get('RandomHalfBody', dict(prob=0.0)))
    box = dict(
        arguments.get(
            'RandomBBoxTransform', dict(shift_prob=0, scale_prob=0, rotate_prob=0)
        )
    )
    if 'scale_factor' in box:
        box['scale_factor'] = tuple(box['scale_factor'])
    half['half_body_prob'] = half.pop('prob')
    if 'padding' in half:
        half['half_body_padding'] = half.pop('padding')
    return CropAugmentation(flip_prob=flip['prob'], **half, **box)
