"""Variants of the network, of learned sigmas and of sigmas that change during training."""

from typing import Any

from studies.variants.tables import make_sqrt_oks, make_uniform
from studies.variants.variant import Change, Variant

_NECK: dict[str, Any] = dict(
    type='GaussianMixtureBlock', in_channels=112, mid_channels=64
)
BLOCK = Change('block', 'block before', _NECK)
BLOCK_AFTER = Change(
    'block-after', 'block after', head=dict(type='GaussianMixtureHead')
)
BLOCK_CONTROLS = (
    Change('block-fixed', 'block, sigmas not learned', dict(_NECK, learn_sigmas=False)),
    Change('block-average', 'block, plain average', dict(_NECK, mixing='uniform')),
    Change('block-single', 'block, one component', dict(_NECK, num_components=1)),
)
LEARNED = Change(
    'learned',
    'sigmas learned from there',
    head=dict(type='LearnedSigmaHead'),
    codec=dict(type='PositionHeatmap'),
)
SWAHR = Change('swahr', 'SWAHR', head=dict(type='ScaleMapHead'))
WAHR = Change(
    'wahr',
    'weight-adaptive loss alone',
    head=dict(type='ScaleMapHead', learn_scales=False),
)
ANNEALED = Change(
    'annealed',
    'annealed',
    # the default; its results were recorded with the key in their config
    codec=dict(balance_weights=False),
    hooks=(dict(type='SigmaAnnealingHook', start=2.0, fraction=0.67),),
)


def make_block_variants() -> list[Variant]:
    uniform, table = make_uniform(2.0), make_sqrt_oks(2.0)
    return [
        *(
            Variant('block', 'subcell', uniform, change=change)
            for change in (BLOCK, BLOCK_AFTER)
        ),
        *(
            Variant('block', 'subcell', table, balanced=True, change=change)
            for change in (BLOCK, BLOCK_AFTER, *BLOCK_CONTROLS)
        ),
    ]


def make_learned_variants() -> list[Variant]:
    uniform, table = make_uniform(2.0), make_sqrt_oks(2.0)
    return [
        Variant('learned', 'subcell', uniform, change=LEARNED),
        Variant('learned', 'subcell', table, change=LEARNED),
        Variant('learned', 'subcell', uniform, change=SWAHR),
        Variant('learned', 'subcell', uniform, change=WAHR),
        Variant('learned', 'subcell', table, balanced=True, change=SWAHR),
    ]


def make_annealed_variants() -> list[Variant]:
    rows = [(make_uniform(sigma), False) for sigma in (1.5, 2.0)]
    rows += [(make_sqrt_oks(mean), True) for mean in (1.5, 2.0)]
    return [Variant('annealed', 'subcell', *row, change=ANNEALED) for row in rows]
