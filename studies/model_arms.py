"""Arms that change the network or let it learn or change the sigmas."""

from typing import Any

from studies.arm import Arm, scale_oks

BLOCK = dict(type='GaussianMixtureBlock', in_channels=112, mid_channels=64)


def make_block_arms() -> list[Arm]:
    uniform = dict(sigmas=2.0, unbiased=True)
    adaptive = dict(sigmas=scale_oks(2.0, 0.5), unbiased=True, balance_weights=True)
    after = dict(type='GaussianMixtureHead')
    return [
        Arm('sub-u2.0-block', 'block', 'uniform 2.0 + block before', uniform, BLOCK),
        Arm('sub-u2.0-head', 'block', 'uniform 2.0 + block after', uniform, head=after),
        Arm(
            'bal-sqrt-m2.0-block', 'block', 'sqrt OKS, balanced + block before',
            adaptive, BLOCK,
        ),
        Arm(
            'bal-sqrt-m2.0-head', 'block', 'sqrt OKS, balanced + block after',
            adaptive, head=after,
        ),
        Arm(
            'bal-sqrt-m2.0-block-fixed', 'block', 'same, widths not learned',
            adaptive, dict(BLOCK, learn_sigmas=False),
        ),
        Arm(
            'bal-sqrt-m2.0-block-mean', 'block', 'same, plain average',
            adaptive, dict(BLOCK, mixing='uniform'),
        ),
        Arm(
            'bal-sqrt-m2.0-block-one', 'block', 'same, one component',
            adaptive, dict(BLOCK, num_components=1),
        ),
    ]  # fmt: skip


def make_annealed_arms() -> list[Arm]:
    hooks = (dict(type='SigmaAnnealingHook', start=2.0, fraction=0.67),)
    tables: list[tuple[str, str, Any, bool]] = [
        ('ann-u1.5', 'uniform 1.5, annealed', 1.5, False),
        ('ann-u2.0', 'uniform 2.0, annealed', 2.0, False),
        (
            'ann-bal-sqrt-m1.5',
            'sqrt OKS, mean 1.5, balanced, annealed',
            scale_oks(1.5, 0.5),
            True,
        ),
        (
            'ann-bal-sqrt-m2.0',
            'sqrt OKS, mean 2.0, balanced, annealed',
            scale_oks(2.0, 0.5),
            True,
        ),
    ]
    return [
        Arm(
            name,
            'annealed',
            title,
            dict(sigmas=sigmas, unbiased=True, balance_weights=balance),
            hooks=hooks,
        )
        for name, title, sigmas, balance in tables
    ]


def make_learned_arms() -> list[Arm]:
    uniform = dict(sigmas=2.0, unbiased=True)
    table = dict(sigmas=scale_oks(2.0, 0.5), unbiased=True)
    position = dict(type='PositionHeatmap')
    scale_map = dict(type='ScaleMapHead')
    return [
        Arm(
            'learn-u2.0', 'learned', 'sigma per joint learned from 2.0',
            uniform | position, head=dict(type='LearnedSigmaHead'),
        ),
        Arm(
            'learn-sqrt-m2.0', 'learned', 'sigma per joint learned from sqrt OKS',
            table | position, head=dict(type='LearnedSigmaHead'),
        ),
        Arm('swahr-u2.0', 'learned', 'SWAHR: scale map, weight-adaptive', uniform,
            head=scale_map),
        Arm('wahr-u2.0', 'learned', 'weight-adaptive loss alone', uniform,
            head=dict(scale_map, learn_scales=False)),
        Arm('swahr-bal-sqrt-m2.0', 'learned', 'SWAHR on the balanced sqrt OKS table',
            table | dict(balance_weights=True), head=scale_map),
    ]  # fmt: skip
