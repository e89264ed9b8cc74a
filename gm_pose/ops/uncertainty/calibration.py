"""What was fitted on a validation set so that a model's uncertainty is right."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any

import numpy as np

from gm_pose.ops.array_types import FloatArray

__all__ = ['META_KEY', 'Calibration']

META_KEY = 'gm_pose_calibration'
"""Where a checkpoint's `meta` holds a calibration."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Seven numbers per joint, each (K,) float64; `fit_calibration` fits them.

    With C, p as they are measured on a map (`measure_uncertainty`):

    - the covariance becomes ``(scale C + floor I) / p^power``;
    - the presence becomes ``sigmoid(bias + slope logit(p))``;
    - the OKS to be expected of a joint that is there becomes
      ``sigmoid(bias + slope logit(det(I + C / t^2)^(-1/2)))``, C the calibrated one:
      errors have longer tails than a Gaussian whose 95 % ellipse is right.

    Attributes:
        covariance_scale: > 0; it and the others: of a size at most `LARGEST`.
        covariance_floor_cells2: >= 0, in heatmap cells^2.
        covariance_power: 0 to `LARGEST_POWER`.
        presence_bias: in logits.
        presence_slope: >= 0.
        oks_bias: in logits.
        oks_slope: >= 0.
    """

    covariance_scale: FloatArray
    covariance_floor_cells2: FloatArray
    covariance_power: FloatArray
    presence_bias: FloatArray
    presence_slope: FloatArray
    oks_bias: FloatArray
    oks_slope: FloatArray

    def __post_init__(self) -> None:
        counts = {}
        for field in fields(self):
            values = np.array(getattr(self, field.name), dtype=np.float64)
            _require_numbers(values, field.name)
            values.setflags(write=False)
            object.__setattr__(self, field.name, values)
            counts[field.name] = len(values)
        if len(set(counts.values())) != 1:
            raise ValueError(
                f'the calibration has {counts} numbers; expected as many of each'
            )

    @classmethod
    def neutral(cls, num_joints: int) -> 'Calibration':
        """The calibration that changes nothing."""
        values = {
            field.name: np.full(num_joints, float(field.name in _ONE))
            for field in fields(cls)
        }
        return cls(**values)

    @property
    def num_joints(self) -> int:
        return len(self.covariance_scale)

    def to_dict(self) -> dict[str, list[float]]:
        """Plain lists of floats, as they stand in a checkpoint's `meta`."""
        return {
            field.name: getattr(self, field.name).tolist() for field in fields(self)
        }

    @classmethod
    def from_dict(cls, stored: Any, num_joints: int | None = None) -> 'Calibration':
        """The reverse of `to_dict`, for what a file holds.

        Args:
            stored: untrusted.
            num_joints: K that is expected, None for any.

        Raises:
            ValueError: not a dict of these lists of K finite numbers in their ranges.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(stored, Mapping):
            raise ValueError(
                f'the calibration is a {type(stored).__name__}; expected a dict of {names}'
            )
        if set(stored) != set(names):
            raise ValueError(
                f'the calibration has {sorted(map(str, stored))}; expected '
                f'{sorted(names)}. Fix: gm_pose calibrate with this version'
            )
        for name in names:
            values = stored[name]
            if not isinstance(values, (list, tuple)) or not all(
                map(_is_number, values)
            ):
                raise ValueError(
                    f'{name} of the calibration is {str(values)[:80]}; expected a list of '
                    'finite numbers'
                )
        calibration = cls(**{name: np.array(stored[name], float) for name in names})
        if num_joints not in (None, calibration.num_joints):
            raise ValueError(
                f'the calibration has {calibration.num_joints} joints; expected '
                f'{num_joints}. Fix: gm_pose calibrate this model'
            )
        return calibration


# Fits stay below, and covariances stay below float32's 3e38: 1e9 times the variance of a
# map of 1000 cells (1e6) times MARGIN^-4 (1e16) is 1e31 cells^2.
LARGEST, LARGEST_POWER = 1e9, 4.0


_ONE = ('covariance_scale', 'presence_slope', 'oks_slope')
_ANY_SIGN = ('presence_bias', 'oks_bias')


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and isfinite(value)


def _require_numbers(values: FloatArray, name: str) -> None:
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f'{name} is {values.tolist()}; expected one finite number per joint'
        )
    if name == 'covariance_scale' and values.min() <= 0:
        raise ValueError(f'{name} has {values.min():g}; expected numbers > 0')
    if name not in _ANY_SIGN and values.min() < 0:
        raise ValueError(f'{name} has {values.min():g}; expected numbers >= 0')
    largest = LARGEST_POWER if name == 'covariance_power' else LARGEST
    wrong = values[np.abs(values) > largest]
    if len(wrong):
        raise ValueError(f'{name} has {wrong[0]:g}; expected at most {largest:g}')
