"""A codec's `sigmas` argument -> a table: one sigma per joint, in heatmap cells.

One rule about units: a number that the user writes is taken as it is, in cells of the
codec's own heatmap; only a *named* table is rescaled, from the size it is stated for.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.paper_sigmas import (
    SIGMA_TABLES,
    compute_table_scale,
    scale_to_mean,
)
from gm_pose.ops.skeleton import (
    COCO,
    Skeleton,
    SkeletonLoader,
    average_mirrored,
    load_coco,
)

_DERIVED_KEYS = frozenset({'oks', 'table', 'mean', 'power'})


@dataclass(frozen=True)
class ResolvedSigmas:
    """What a `sigmas` argument means for one codec.

    Attributes:
        cells: (K,) sigmas in cells of the codec's heatmap, or (1,) where one number
            stands for every joint of any skeleton.
        joint_names: K names, or None where no skeleton is known.
        is_uniform: True for one number, which fits any K.
    """

    cells: NDArray[np.float64]
    joint_names: tuple[str, ...] | None
    is_uniform: bool


def _require_positive(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f'{what} must be a number > 0, got {value!r}')
    number = float(value)
    if not (isfinite(number) and number > 0):
        raise ValueError(f'{what} must be finite and > 0, got {value!r}')
    return number


def _order_by_joint(
    table: Mapping[str, Any], skeleton: Skeleton, what: str, remedy: str = ''
) -> NDArray[np.float64]:
    missing = [name for name in skeleton.joint_names if name not in table]
    if missing:
        raise ValueError(
            f"{what} has no sigma for {missing} of '{skeleton.name}': give one for "
            f'each of {list(skeleton.joint_names)}{remedy}'
        )
    return np.array(
        [
            _require_positive(table[name], f"sigma of joint '{name}'")
            for name in skeleton.joint_names
        ]
    )


def _resolve_by_name(
    table: Mapping[str, Any], skeleton: Skeleton
) -> NDArray[np.float64]:
    """Joint name -> sigma, the key 'default' for all joints that are not named."""
    named = dict(table)
    unknown = sorted(set(named) - {'default', *skeleton.joint_names})
    if unknown:
        raise ValueError(
            f"sigmas names {unknown}, which are no joints of '{skeleton.name}': its "
            f'joints are {list(skeleton.joint_names)} (another skeleton: dataset=...)'
        )
    if 'default' in named:
        default = _require_positive(named.pop('default'), 'default')
        others = set(skeleton.joint_names) - set(named)
        if not others:
            raise ValueError(
                f'default is {default} and every joint of {skeleton.name!r} is named; '
                'expected a joint that uses it. Fix: leave default out'
            )
        named.update(dict.fromkeys(others, default))
    remedy = ', or default=CELLS for the others'
    return _order_by_joint(named, skeleton, 'sigmas', remedy)


def _get_named_table(name: str) -> dict[str, float]:
    if name not in SIGMA_TABLES:
        raise ValueError(
            f"unknown sigma table '{name}': the tables are {sorted(SIGMA_TABLES)}; for "
            "a table from a dataset's OKS sigmas write dict(oks='coco', mean=2.0)"
        )
    return SIGMA_TABLES[name]


def _resolve_derived(
    spec: Mapping[str, Any],
    scale: float,
    skeleton: Skeleton | None,
    load: SkeletonLoader,
) -> tuple[NDArray[np.float64], Skeleton]:
    unknown = sorted(set(spec) - _DERIVED_KEYS)
    if unknown or ('oks' in spec) == ('table' in spec):
        raise ValueError(
            f'sigmas={dict(spec)!r}: a derived table is dict(oks=DATASET, mean=CELLS, '
            'power=1.0) or dict(table=NAME, mean=CELLS, power=1.0)'
            + (f'; unknown keys {unknown}' if unknown else '')
        )
    power = spec.get('power', 1.0)
    if isinstance(power, bool) or not isinstance(power, Real) or not isfinite(power):
        raise ValueError(f'power must be a finite number, got {power!r}')
    if 'table' in spec:
        skeleton = skeleton or COCO
        table = _get_named_table(spec['table'])
        values = _order_by_joint(table, skeleton, f"table '{spec['table']}'") * scale
        if 'mean' not in spec:
            if power != 1.0:
                raise ValueError(f'power={power!r} needs a mean: add mean=CELLS')
            return values, skeleton
    else:
        if skeleton is not None and skeleton != load(spec['oks']):
            raise ValueError(
                f"sigmas=dict(oks='{spec['oks']}') has its own skeleton, and dataset="
                f"'{skeleton.name}' names another: leave dataset out"
            )
        skeleton = load(spec['oks'])
        if 'mean' not in spec:
            raise ValueError(
                f"sigmas=dict(oks='{spec['oks']}') needs mean=CELLS: OKS sigmas are "
                'fractions of the person, only their proportions are used'
            )
        if skeleton.oks_sigmas is None:
            warnings.warn(
                f"'{skeleton.name}' defines no OKS sigmas: all its joints weigh alike in "
                f'its metric, and get the same sigma, {spec["mean"]} cells',
                stacklevel=2,
            )
        values = average_mirrored(
            skeleton.oks_sigmas or [1.0] * len(skeleton), skeleton.mirror
        )
    mean = _require_positive(spec['mean'], 'mean')
    return scale_to_mean(values, mean, float(power)), skeleton


def resolve_sigmas(
    sigmas: str | float | Sequence[float] | Mapping[str, Any],
    heatmap_size: tuple[int, int],
    dataset: str | None = None,
    load_skeleton: SkeletonLoader = load_coco,
) -> ResolvedSigmas:
    """A codec's `sigmas` argument -> sigma per joint in cells of its heatmap.

    Args:
        sigmas: see `JointAdaptiveMSRAHeatmap`.
        heatmap_size: [W, H] in cells.
        dataset: whose joints names and counts refer to; None means COCO for names.
        load_skeleton: dataset name or metainfo path -> Skeleton. The default knows only
            'coco'; `gm_pose.codecs.load_skeleton` knows all of MMPose's.

    Raises:
        ValueError: a sigma that is not finite and positive, a `default` that no joint
            uses, a wrong count, an unknown table, dataset, joint or key; the text lists
            those that exist.

    Example:
        >>> resolve_sigmas('set2', heatmap_size=(48, 64)).cells[:3].tolist()
        [0.85, 0.84, 0.84]
        >>> print(resolve_sigmas(dict(oks='coco', mean=2.0), (48, 64)).cells[:2].round(2))
        [0.78 0.75]
        >>> resolve_sigmas(2.0, (48, 64)).is_uniform
        True
    """
    skeleton = None if dataset is None else load_skeleton(dataset)
    scale = compute_table_scale(heatmap_size)
    if isinstance(sigmas, str):
        sigmas = {'table': sigmas}
    if isinstance(sigmas, Mapping):
        if _DERIVED_KEYS & set(sigmas):
            cells, skeleton = _resolve_derived(sigmas, scale, skeleton, load_skeleton)
        else:
            skeleton = skeleton or COCO
            cells = _resolve_by_name(sigmas, skeleton)
        return ResolvedSigmas(cells, skeleton.joint_names, is_uniform=False)
    names = None if skeleton is None else skeleton.joint_names
    if isinstance(sigmas, Real):
        sigma = _require_positive(sigmas, 'sigmas')
        count = 1 if names is None else len(names)
        return ResolvedSigmas(np.full(count, sigma), names, is_uniform=names is None)
    if not isinstance(sigmas, (Sequence, np.ndarray)) or len(sigmas) == 0:
        raise ValueError(
            f'sigmas must be the name of a table ({sorted(SIGMA_TABLES)}), a number, '
            f'one number per joint, or a dict, got {sigmas!r}'
        )
    if names is not None and len(sigmas) != len(names):
        raise ValueError(describe_count_mismatch(len(sigmas), len(names), names))
    cells = np.array(
        [
            _require_positive(
                s, f'sigma of joint {k}{f" ({names[k]})" if names else ""}'
            )
            for k, s in enumerate(sigmas)
        ]
    )
    return ResolvedSigmas(cells, names, is_uniform=False)


def describe_count_mismatch(
    num_sigmas: int, num_joints: int, joint_names: tuple[str, ...] | None
) -> str:
    """Message for a table of `num_sigmas` used for `num_joints` joints."""
    shorter = min(num_sigmas, num_joints)
    name = f'joint {shorter}'
    if joint_names is not None and shorter < len(joint_names):
        name += f" ('{joint_names[shorter]}')"
    if num_sigmas < num_joints:
        what = f'{name} is the first without a sigma'
    else:
        what = f'the sigma of {name} is the first without a joint'
    return (
        f'{num_sigmas} sigmas for {num_joints} joints: {what}; give one sigma per joint '
        "in the dataset's order, or a single number for all"
    )
