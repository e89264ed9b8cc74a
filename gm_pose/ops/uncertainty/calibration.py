"""What was fitted on a validation set so that a model's uncertainty is right."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

import numpy as np

from gm_pose.ops.array_types import FloatArray

# The key in a checkpoint's `meta`.
META_KEY = 'gm_pose_calibration'


@dataclass(frozen=True, eq=False)
class Calibration:
    """Four numbers per joint, each (K,) float64.

    The covariance becomes ``scale * C + floor * I``; presence becomes
    ``sigmoid(bias + slope * logit(presence))``.

    Attributes:
        covariance_scale: > 0.
        covariance_floor_cells2: >= 0, in heatmap cells^2.
        presence_bias: in logits.
        presence_slope: >= 0.
    """

    covariance_scale: FloatArray
    covariance_floor_cells2: FloatArray
    presence_bias: FloatArray
    presence_slope: FloatArray

    def __post_init__(self) -> None:
        for field in fields(self):
            values = np.array(getattr(self, field.name), dtype=np.float64)
            object.__setattr__(self, field.name, _require_numbers(values, field.name))
        counts = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(counts.values())) != 1:
            raise ValueError(f'a calibration has {counts}; expected as many of each')
        if (self.covariance_scale <= 0).any():
            raise ValueError(
                f'covariance_scale has {self.covariance_scale.min():g}; expected > 0'
            )
        for name in ('covariance_floor_cells2', 'presence_slope'):
            if (getattr(self, name) < 0).any():
                raise ValueError(
                    f'{name} has {getattr(self, name).min():g}; expected >= 0'
                )

    @classmethod
    def neutral(cls, num_joints: int) -> 'Calibration':
        """The calibration that changes nothing."""
        ones, zeros = np.ones(num_joints), np.zeros(num_joints)
        return cls(ones, zeros, zeros, ones)

    @property
    def num_joints(self) -> int:
        return len(self.covariance_scale)

    def to_dict(self) -> dict[str, list[float]]:
        """Plain lists of floats, as they stand in a checkpoint's `meta`."""
        return {
            field.name: getattr(self, field.name).tolist() for field in fields(self)
        }

    @classmethod
    def from_dict(cls, stored: Any) -> 'Calibration':
        """The reverse of `to_dict`, for what a file holds.

        Raises:
            ValueError: not a dict of these four lists of K finite numbers.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(stored, Mapping):
            raise ValueError(
                f'the calibration is a {type(stored).__name__}; expected a dict of {names}'
            )
        if set(stored) != set(names):
            raise ValueError(
                f'the calibration has {sorted(map(str, stored))}; expected '
                f'{sorted(names)}. Fix: calibrate again with this version'
            )
        for name in names:
            values = stored[name]
            if not isinstance(values, (list, tuple)) or not all(
                map(_is_number, values)
            ):
                raise ValueError(f'{name} is not a list of finite numbers')
        return cls(**{name: np.array(stored[name], np.float64) for name in names})


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and isfinite(value)


def _require_numbers(values: FloatArray, name: str) -> FloatArray:
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f'{name} is {values.tolist()}; expected one finite number per joint'
        )
    values.setflags(write=False)
    return values
