"""Another codec for an MMPose top-down heatmap config, in one call."""

from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple, TypeAlias

from gm_pose.codecs.base_codec import get_type, inherit_options, to_plain
from gm_pose.codecs.config_rules import (
    ALIGNED_FLIP,
    PLAIN_FLIP,
    find_grid_problems,
    find_visibility_problems,
    needs_heatmap_shift,
)
from gm_pose.codecs.expected_oks_scores import add_score_hook
from gm_pose.codecs.joint_adaptive_msra_heatmap import JointAdaptiveMSRAHeatmap
from gm_pose.runs.config_dicts import iter_dicts

__all__ = ['with_codec']

Node: TypeAlias = MutableMapping[str, Any]

# What runs. Variables such as `train_pipeline` may hold something else: they do in MMPose's
# own UDP configs for DeepFashion.
_RUNNING = ('train_dataloader.', 'val_dataloader.', 'test_dataloader.', 'custom_hooks.')


def with_codec(
    base: Node,
    *,
    aligned_flip: bool | None = None,
    use_dataset_keypoint_weights: bool | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Give a config the joint-adaptive codec wherever it has a codec -> the new one.

    In a config file, below `_base_` (MMEngine merges the file into what `_base_` holds,
    so the call changes what is inherited, and whatever the file says is merged as ever)::

        _base_ = ['mmpose::body_2d_keypoint/topdown_heatmap/coco/'
                  'td-hm_hrnet-w32_8xb64-210e_coco-256x192.py']
        from gm_pose import with_codec

        codec = with_codec(_base_, sigmas='set2', unbiased=True)

    What belongs together is changed together: the encoder of every `GenerateTarget` (in
    data loaders, in variables, in the later pipeline of a `PipelineSwitchHook`), the size
    of every crop, the head's decoder, `codec`, the shift of the flip test, the hook that
    ``score='expected_oks'`` needs, and `custom_imports`. The grid of
    the codec is that of the pipelines' `TopdownAffine`.

    Args:
        base: `_base_`, or a loaded config; changed in place.
        aligned_flip: True: `AlignedFlipTopdownPoseEstimator` in place of MMPose's
            estimator; False: MMPose's; None: as the base has it.
        use_dataset_keypoint_weights: the option of `GenerateTarget`; None: as the base
            has it.
        **options: arguments of `JointAdaptiveMSRAHeatmap`. What is not given stays as the
            base's codec has it: its sizes, the sigma of `MSRAHeatmap` or `UDPHeatmap`, and
            whether joints are drawn at their exact place.

    Returns:
        The codec, a plain dict.

    Raises:
        ValueError: a base without one Gaussian heatmap per joint, pipelines on different
            grids, or options that do not fit the base or each other; nothing is changed.
        TypeError: an option that the codec does not have.
    """
    places = _find_places(base)
    codec = {**places.inherit(), **to_plain(options)}
    grid = JointAdaptiveMSRAHeatmap(**codec).grid  # built: raises what a run would
    estimator = _choose_estimator(get_type(base['model']), aligned_flip)
    weighs_joints = codec.get('balance_weights') or use_dataset_keypoint_weights
    problems = [
        *find_grid_problems(grid, places.use_udp, estimator),
        *find_visibility_problems(get_type(base['model']['head']), bool(weighs_joints)),
    ]
    if problems:
        raise ValueError('\n'.join(map(str, problems)))

    codec = dict(type=JointAdaptiveMSRAHeatmap.__name__, **codec)
    for step in places.targets.values():
        step['encoder'] = to_plain(codec)
        if use_dataset_keypoint_weights is not None:
            step['use_dataset_keypoint_weights'] = use_dataset_keypoint_weights
    for crop in places.crops.values():
        crop['input_size'] = codec['input_size']
    for head in places.heads:
        head['decoder'] = to_plain(codec)
    base['codec'] = to_plain(codec)
    base['custom_imports'] = _add_import(base.get('custom_imports'))
    add_score_hook(base, codec)
    model = base['model']
    if aligned_flip is not None:
        model['type'] = estimator
    test_cfg = dict(shift_heatmap=needs_heatmap_shift(grid, estimator))
    model['test_cfg'] = {**(model.get('test_cfg') or {}), **test_cfg}
    return codec


class _Places(NamedTuple):
    """Parts of a config that a codec concerns; pipelines by dotted path.

    Attributes:
        targets: every `GenerateTarget`.
        crops: every `TopdownAffine`.
        heads: what has a decoder.
    """

    targets: dict[str, Node]
    crops: dict[str, Node]
    heads: list[Node]

    @property
    def use_udp(self) -> dict[str, bool]:
        """Place of each crop that runs -> whether it is for the udp grid."""
        return {
            path: bool(crop.get('use_udp', False))
            for path, crop in self.crops.items()
            if path.startswith(_RUNNING)
        }

    def inherit(self) -> dict[str, Any]:
        """Arguments of the codec that takes the place of the present one."""
        encoders = [
            step['encoder']
            for path, step in self.targets.items()
            if path.startswith(_RUNNING)
        ]
        options = inherit_options(encoders, [head['decoder'] for head in self.heads])
        options.pop('grid', None)
        if not self.use_udp:
            raise ValueError(
                'no data loader has TopdownAffine; expected one, which states the grid'
            )
        return options | (dict(grid='udp') if any(self.use_udp.values()) else {})


def _find_places(base: Node) -> _Places:
    # MMEngine's Config is no dict, but its values are those that it holds.
    parts = list(iter_dicts(dict(base.items())))
    return _Places(
        targets={p: part for p, part in parts if get_type(part) == 'GenerateTarget'},
        crops={p: part for p, part in parts if get_type(part) == 'TopdownAffine'},
        heads=[
            part
            for p, part in parts
            if f'{p}.'.startswith('model.head.') and 'decoder' in part
        ],
    )


def _choose_estimator(present: str, aligned_flip: bool | None) -> str:
    if aligned_flip is None:
        return present
    if present not in (ALIGNED_FLIP, PLAIN_FLIP):
        raise ValueError(
            f'model.type is {present} with aligned_flip={aligned_flip}; expected '
            f'{PLAIN_FLIP}. Fix: leave aligned_flip out'
        )
    return ALIGNED_FLIP if aligned_flip else PLAIN_FLIP


def _add_import(present: Mapping[str, Any] | None) -> dict[str, Any]:
    """A config's `custom_imports` -> the same with gm_pose (a dumped config needs it)."""
    present = {'allow_failed_imports': False, **(present or {})}
    imports = present.get('imports') or []
    imports = [imports] if isinstance(imports, str) else [*imports]
    return {**present, 'imports': [*imports, *{'gm_pose'}.difference(imports)]}
