"""What an exported file says of itself."""

import json
from typing import Any

from gm_pose.inference.backends.onnx_metadata import OnnxMetadata, parse_values
from gm_pose.inference.backends.torch_backend import TorchBackend
from gm_pose.inference.models.run_checkpoint import OpenedModel
from gm_pose.runs.user_errors import UserError
from gm_pose.version import __version__

__all__ = ['add_metadata', 'describe_file']


def describe_file(
    backend: TorchBackend, opened: OpenedModel, options: Any
) -> dict[str, str]:
    """What the file will say of itself, by key; `options` as `ExportOptions`.

    Raises:
        UserError: no reader of the file would take it.
    """
    network = backend.network
    metadata = OnnxMetadata(
        version=__version__,
        takes=options.takes,
        gives=options.gives,
        colour_order='BGR',
        flip_test=options.flip_test,
        precision=options.precision,
        padding=opened.settings.crop.padding,
        codec=type(network.model.head.decoder).__name__,
        sigmas_cells=tuple(network.target_sigmas_cells.tolist()),
    )
    description = backend.description
    properties = metadata.to_properties(description)
    values = {k: json.loads(v) for k, v in properties.items() if k != 'producer'}
    try:
        parse_values(values)
    except ValueError as error:
        raise UserError(
            f'{description.name} has a metainfo that no file can hold: {error}. Fix: '
            'correct it in the config; gm_pose export CONFIG --weights CHECKPOINT'
        ) from error
    return properties


def add_metadata(proto: Any, properties: dict[str, str]) -> None:
    """Write down what the file is."""
    import onnx

    onnx.helper.set_model_props(proto, properties)
    proto.producer_name, proto.producer_version = 'gm_pose', __version__
