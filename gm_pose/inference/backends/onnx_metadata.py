"""What an exported file says of itself, written and read (numpy alone).

Each value is JSON under its own key of the file's `metadata_props`, which every runtime
can read.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from gm_pose.inference.backends.metadata_values import check_values
from gm_pose.inference.backends.pose_backend import ModelDescription
from gm_pose.ops.uncertainty.calibration import Calibration
from gm_pose.runs.user_errors import UserError

__all__ = ['FORMAT', 'OnnxMetadata', 'parse_values', 'read_metadata']

# What a reader may expect; a higher one is of a later version.
FORMAT = 1


@dataclass(frozen=True)
class OnnxMetadata:
    """Of one file, besides the description of its joints.

    Attributes:
        version: of gm_pose that wrote it.
        takes: 'image' (uint8 (h, w, 3) and boxes) or 'crop' (float32 (N, 3, h, w)).
        gives: 'joints' or 'maps'.
        colour_order: of the pixels, 'BGR' as OpenCV reads them.
        flip_test: whether maps are averaged with the mirrored picture's.
        precision: of the network: 'fp32', 'fp16' or 'int8'.
        padding: factor by which a box is enlarged before it is cut out.
        codec: name of the codec whose decoding is in the file.
        sigmas_cells: of the targets, K or 1 for all joints.
    """

    version: str
    takes: str
    gives: str
    colour_order: str
    flip_test: bool
    precision: str
    padding: float
    codec: str
    sigmas_cells: tuple[float, ...]

    def to_properties(self, description: ModelDescription) -> dict[str, str]:
        """All of it as text by key."""
        fitted = description.calibration
        joints = asdict(replace(description, calibration=None))
        joints['calibration'] = None if fitted is None else fitted.to_dict()
        values = {'format': FORMAT, **joints, **asdict(self)}
        return {'producer': 'gm_pose'} | {k: json.dumps(v) for k, v in values.items()}


def read_metadata(
    properties: Mapping[str, str], path: str
) -> tuple[OnnxMetadata, ModelDescription]:
    """The reverse of `to_properties`, for a file from anywhere.

    Raises:
        UserError: another program wrote the file, or a later version of this one.
    """
    if properties.get('producer') != 'gm_pose':
        raise UserError(
            f'{path} is an ONNX file, but not one of `gm_pose export`: it does not say '
            'what its joints are. Fix: gm_pose export CHECKPOINT --out FILE'
        )
    try:
        known = {'format'} | {
            f.name for f in (*fields(ModelDescription), *fields(OnnxMetadata))
        }
        # others are of tools that worked on the file afterwards, ONNX Runtime's quantiser
        # for one
        values = {k: json.loads(v) for k, v in properties.items() if k in known}
        if values['format'] != FORMAT:
            raise UserError(
                f'{path} has format {values["format"]}; expected {FORMAT}. Fix: take the '
                f'gm_pose that wrote it ({values["version"]}), or export it again'
            )
        return parse_values(values)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        reason = f'no {error}' if isinstance(error, KeyError) else str(error)
        raise UserError(
            f'the metadata of {path} cannot be used ({reason}). Fix: export it again'
        ) from error


def parse_values(
    values: Mapping[str, Any],
) -> tuple[OnnxMetadata, ModelDescription]:
    """Values by key, as JSON has them -> what they say.

    Raises:
        KeyError, TypeError, ValueError: one is missing or wrong.
    """
    check_values(values)
    joints = {f.name: values[f.name] for f in fields(ModelDescription)}
    fitted = joints.pop('calibration')
    if fitted is not None:
        joints['calibration'] = Calibration.from_dict(
            fitted, len(joints['joint_names'])
        )
    own = {f.name: values[f.name] for f in fields(OnnxMetadata)}
    return OnnxMetadata(**_freeze(own)), ModelDescription(**_freeze(joints))


def _freeze(value: Any) -> Any:
    """JSON's lists as tuples, below a dict that stays."""
    if isinstance(value, dict):
        return {key: _freeze(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return tuple(_freeze(entry) for entry in value)
    return value
