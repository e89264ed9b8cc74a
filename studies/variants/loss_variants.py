"""Variants of the form of the target and of the loss, uniform and joint-adaptive alike.

Every form stands once for each table of a side, so that both sides have the same number of
trials.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gm_pose.ops.skeleton import COCO
from studies.variants.tables import make_face_rest, make_uniform
from studies.variants.variant import Change, DatasetWeights, SigmaTable, Variant

# Mean sigma of OKS's own Gaussians on studio17's training people, in cells (measured by
# `studies.training.train_run.choose_decode_sigmas`)
MEAN_TOLERANCE = 3.05
# Root of the area of a median person of it, in cells: of OKS's Gaussian the rest
MEDIAN_ROOT = round(MEAN_TOLERANCE / (2 * float(np.mean(COCO.oks_sigmas or ()))), 2)
_MSE = dict(type='KeypointMSELoss', use_target_weight=True)
JW2 = DatasetWeights(2.0)


def _make_loss(
    kind: str, table: SigmaTable, is_adaptive: bool, **options: Any
) -> dict[str, Any]:
    """A loss that compares joints by OKS; a uniform side has one tolerance for all."""
    tolerances: Any = MEAN_TOLERANCE
    if is_adaptive:
        tolerances = dict(oks='{dataset}', mean=MEAN_TOLERANCE)
    return dict(
        type=kind,
        sigmas=table.sigmas,
        tolerances=tolerances,
        heatmap_size=(48, 64),
        **dict(dict(balanced=is_adaptive), **options),
    )


def add_expected_oks(
    table: SigmaTable, is_adaptive: bool, weight: float, sharpness: float = 20.0
) -> Change:
    """The squared error plus the expected-OKS loss."""
    loss = _make_loss(
        'ExpectedOKSLoss', table, is_adaptive, loss_weight=weight, sharpness=sharpness
    )
    sharp = '' if sharpness == 20 else f'-sharp{sharpness:g}'
    return Change(
        f'eoks{weight:g}{sharp}',
        f'plus {weight:g} expected-OKS loss{sharp and f" (sharpness {sharpness:g})"}',
        head=dict(loss=dict(type='HeatmapLossSum', losses=[_MSE, loss])),
    )


def add_position_oks(
    table: SigmaTable, is_adaptive: bool, weight: float, sharpness: float = 20.0
) -> Change:
    """The squared error plus the OKS loss of the mean position."""
    loss = _make_loss(
        'PositionOKSLoss', table, is_adaptive, loss_weight=weight, sharpness=sharpness
    )
    return Change(
        f'poks{weight:g}',
        f'plus {weight:g} OKS loss of the mean position',
        head=dict(loss=dict(type='HeatmapLossSum', losses=[_MSE, loss])),
    )


def use_expected_oks_alone(table: SigmaTable, is_adaptive: bool) -> Change:
    """The expected-OKS loss instead of the squared error."""
    loss = _make_loss(
        'ExpectedOKSLoss', table, is_adaptive, sharpness=10.0, balanced=False
    )
    return Change(
        'eoks-alone',
        'expected-OKS loss alone',
        head=dict(type='ProbabilityHead', sharpness=10.0, read_sigma=0.6, loss=loss),
    )


def use_divergence(rate: float = 1e-3, sharpness: float = 10.0) -> Change:
    """Softmax and cross-entropy."""
    return Change(
        f'softmax-lr{rate:g}',
        f'softmax and cross-entropy, learning rate {rate:g}',
        head=dict(
            type='ProbabilityHead',
            sharpness=sharpness,
            loss=dict(type='HeatmapDivergenceLoss', sharpness=sharpness),
        ),
        optimizer=dict(lr=rate),
    )


def add_foot(share: float, factor: float) -> Change:
    """A wider Gaussian below the joint's own."""
    return Change(
        f'foot{share:g}x{factor:g}',
        f'foot of {share:g} at {factor:g} sigma',
        codec=dict(type='FootHeatmap', foot=dict(share=share, factor=factor)),
    )


def use_two_maps(factor: float) -> Change:
    """A narrow and a wide map for each joint."""
    return Change(
        f'two-maps{factor:g}',
        f'narrow map and one {factor:g} times as wide',
        head=dict(type='NarrowWideHead', factor=factor),
    )


def change_rate(rate: float) -> Change:
    """Another learning rate."""
    return Change(
        f'lr{rate:g}', f'learning rate {rate:g}', optimizer=dict(lr=rate)
    )  # fmt: skip


def follow_people(rate: float) -> Change:
    """Sigmas that grow with the person, at the finalists' learning rate."""
    return Change(
        f'person-lr{rate:g}',
        f'sigmas by person, learning rate {rate:g}',
        codec=dict(type='PersonHeatmap', root_cells=MEDIAN_ROOT),
        optimizer=dict(lr=rate),
    )


def make_face_ears_rest(face: float, ears: float, rest: float) -> SigmaTable:
    """Sigmas of nose and eyes, of ears, and of COCO's other 12 joints."""
    return SigmaTable(
        f'face{face:g}-ears{ears:g}-rest{rest:g}',
        f'nose and eyes {face}, ears {ears}, others {rest}',
        [*[face] * 3, *[ears] * 2, *[rest] * 12],
        coco_only=True,
    )


def make_loss_variants() -> list[Variant]:
    """The forms for both sides; `studies.device.arms` names the trials."""
    found: dict[str, Variant] = {}

    def add(
        table: SigmaTable, adaptive: bool, change: Change, power: float = 2
    ) -> None:
        weights = DatasetWeights(power)
        variant = Variant('forms', 'subcell', table, adaptive, weights, change)
        found[variant.name] = variant

    none = Change('', '')
    tables: list[tuple[bool, Callable[[float], SigmaTable]]] = [
        (False, make_uniform),
        (True, lambda rest: make_face_rest(rest / 2, rest)),
    ]
    for adaptive, make in tables:
        for sigma in (1.5, 1.75, 2.0, 2.25, 2.5, 3.0):
            add(make(sigma), adaptive, none)
        base = make(2.0)
        for power in (1, 3):
            add(base, adaptive, none, power)
        for change in (
            add_expected_oks(base, adaptive, 0.001),
            add_expected_oks(base, adaptive, 0.003),
            add_expected_oks(base, adaptive, 0.01),
            add_expected_oks(base, adaptive, 0.003, sharpness=10),
            add_position_oks(base, adaptive, 0.001),
            add_position_oks(base, adaptive, 0.003),
            add_position_oks(base, adaptive, 0.01),
            use_expected_oks_alone(base, adaptive),
            use_divergence(1e-3),
            use_divergence(3e-4),
            add_foot(0.4, 2.0),
            add_foot(0.2, 3.0),
            use_two_maps(2.0),
            change_rate(2e-3),
            change_rate(5e-4),
        ):
            add(base, adaptive, change)
        for change in (add_foot(0.4, 2.0), use_two_maps(2.0), use_divergence(1e-3)):
            add(make(1.5), adaptive, change)
        # balanced on both sides: over people, where there is one sigma for all joints
        person = Variant('forms', 'subcell', base, True, JW2, follow_people(2e-3))
        found[person.name] = person
    for table in (
        make_face_rest(0.75, 2.0),
        make_face_rest(1.25, 2.0),
        make_face_rest(1.0, 2.5),
        make_face_ears_rest(1.0, 1.5, 2.0),
        make_face_ears_rest(1.0, 1.5, 2.5),
    ):
        add(table, True, none)
    for sigma, power in ((1.25, 2), (2.75, 2), (2.25, 1), (2.25, 3), (2.0, 4)):
        add(make_uniform(sigma), False, none, power)
    stock = Variant('forms', 'stock', make_uniform(2.0))
    return [stock, *found.values()]
