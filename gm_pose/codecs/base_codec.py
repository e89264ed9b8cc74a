"""What a config's present codec states for the one that takes its place."""

from collections.abc import Mapping, Sequence
from typing import Any

OURS = 'JointAdaptiveMSRAHeatmap'


def inherit_options(encoders: Sequence[Any], decoders: Sequence[Any]) -> dict[str, Any]:
    """Codecs of a config's pipelines and heads -> arguments of `JointAdaptiveMSRAHeatmap`.

    Raises:
        ValueError: none, several in a list (MSPN and RSN learn another target at each of
            their stages), or one that is not a Gaussian heatmap per joint.
    """
    if not encoders:
        raise ValueError('no data loader has GenerateTarget; expected one in training')
    if not decoders:
        raise ValueError('model.head has no decoder; expected a heatmap head')
    for codec in (*encoders, *decoders):
        if not isinstance(codec, Mapping):
            raise ValueError(
                f'the encoder is a list of {len(codec)} codecs, one per stage (MSPN, RSN); '
                'expected one. Fix: a base with one target per joint, such as HeatmapHead'
            )
        if codec.get('heatmap_type', 'gaussian') != 'gaussian':
            raise ValueError(
                f"the codec's heatmap_type is {codec['heatmap_type']!r}, with 3 maps per "
                "joint in head and loss; expected 'gaussian'. Fix: another base"
            )
    codec = decoders[0]
    kind = get_type(codec)
    if kind == OURS:
        return {
            key: to_plain(value)
            for key, value in codec.items()
            if key not in ('type', '_scope_')
        }
    if kind not in ('MSRAHeatmap', 'UDPHeatmap'):
        raise ValueError(
            f'the codec is {kind}; expected MSRAHeatmap, UDPHeatmap or {OURS}. '
            'Fix: another base'
        )
    options = {key: codec[key] for key in ('input_size', 'heatmap_size')}
    options['sigmas'] = codec.get('sigma', 2.0)  # 2: UDPHeatmap's default
    if kind == 'UDPHeatmap' or codec.get('unbiased', False):
        options['unbiased'] = True
    return options


def get_type(node: Mapping[str, Any]) -> str:
    """`type` of a part of a config, without a scope before it."""
    return str(node.get('type')).rpartition('.')[2]


def find_class(node: Mapping[str, Any], registry: Any) -> Any:
    """The class of a part of a config, named or standing there; None: not registered."""
    kind = node.get('type')
    return kind if isinstance(kind, type) else registry.get(str(kind))


def to_plain(node: Any) -> Any:
    """A copy in which MMEngine's dicts are dicts."""
    if isinstance(node, Mapping):
        return {key: to_plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(to_plain(value) for value in node)
    return node
