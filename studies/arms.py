"""The study's arms: what each one changes in `base_study.py`, and nothing else.

The single source of the arms' settings. An arm is a frozen record, so that its name
always means the same training; a change of settings is a new name.
"""

from dataclasses import dataclass, field
from typing import Any

GROUPS = {
    'published': "the paper's rows as published (MSRA placement)",
    'centered': 'the same rows, centred on the nearest cell',
    'subcell': 'sub-cell targets with matched refinement',
    'balanced': 'sub-cell targets, loss balanced by 1 / sigma^2',
    'weights': 'joint weights of other origin than the sigmas',
    'block': 'the Gaussian Mixture Block',
    'learned': 'learned widths',
    'annealed': 'sigmas from twice the table to the table during training',
}


@dataclass(frozen=True)
class Arm:
    """One row of the study.

    Attributes:
        name: name of the arm, of its results folder and in the tables.
        group: key of `GROUPS`.
        title: what the tables print.
        codec: keys of the codec that differ from the base config.
        neck: config of a neck, or None.
        head: keys of the head that differ from the base config.
        weights_of: a `sigmas` argument whose 1 / sigma^2 becomes the joints' loss
            weights (MMPose's `dataset_keypoint_weights`), 'dataset' for the metainfo's
            own (elbows and knees 1.2, wrists and ankles 1.5), or None.
        hooks: further custom hooks.
        datasets: where the arm makes sense.
    """

    name: str
    group: str
    title: str
    codec: dict[str, Any]
    neck: dict[str, Any] | None = None
    head: dict[str, Any] = field(default_factory=dict)
    weights_of: Any = None
    hooks: tuple[dict[str, Any], ...] = ()
    datasets: tuple[str, ...] = ('studio17', 'lspet-4k')


_COCO_ONLY = ('studio17',)
_PAPER_ROWS: dict[str, tuple[str, Any]] = {
    'u2.0': ('uniform 2.0', 2.0),
    'u1.5': ('uniform 1.5', 1.5),
    'set1': ('Set 1', 'set1'),
    'set2': ('Set 2', 'set2'),
}
_BLOCK = dict(type='GaussianMixtureBlock', in_channels=112, mid_channels=64)


def _oks(mean: float, power: float) -> dict[str, Any]:
    """Sigmas proportional to OKS sigmas to a power; the dataset's name is filled in."""
    return dict(oks='{dataset}', mean=mean, power=power)


def _paper_arms(group: str, alignment: str) -> list[Arm]:
    prefix = {'msra': 'msra', 'centered': 'ctr'}[alignment]
    arms = []
    for key, (title, sigmas) in _PAPER_ROWS.items():
        codec = dict(sigmas=sigmas, alignment=alignment)
        where = _COCO_ONLY if isinstance(sigmas, str) else Arm.datasets
        arms.append(Arm(f'{prefix}-{key}', group, title, codec, datasets=where))
    for key in ('set1', 'set2'):
        title, sigmas = _PAPER_ROWS[key]
        arms.append(
            Arm(
                f'{prefix}-{key}-block',
                group,
                f'GM block + {title}',
                dict(sigmas=sigmas, alignment=alignment),
                neck=_BLOCK,
                datasets=_COCO_ONLY,
            )
        )
    return arms


def _subcell_arms() -> list[Arm]:
    arms = []
    for sigma in (1.0, 1.25, 1.5, 2.0, 2.5, 3.0):
        codec = dict(sigmas=sigma, unbiased=True)
        arms.append(Arm(f'sub-u{sigma}', 'subcell', f'uniform {sigma}', codec))
    tables: list[tuple[str, str, Any, tuple[str, ...]]] = [
        ('set1', 'Set 1', 'set1', _COCO_ONLY),
        ('set2', 'Set 2', 'set2', _COCO_ONLY),
        ('set2-m2.0', 'Set 2, mean 2.0', dict(table='set2', mean=2.0), _COCO_ONLY),
    ]
    for mean in (1.5, 2.0, 2.5, 3.0):
        tables += [
            (f'oks-m{mean}', f'OKS, mean {mean}', _oks(mean, 1.0), Arm.datasets),
            (f'sqrt-m{mean}', f'sqrt OKS, mean {mean}', _oks(mean, 0.5), Arm.datasets),
        ]
    for key, title, sigmas, where in tables:
        codec = dict(sigmas=sigmas, unbiased=True)
        arms.append(Arm(f'sub-{key}', 'subcell', title, codec, datasets=where))
        codec = dict(codec, balance_weights=True)
        arms.append(
            Arm(f'bal-{key}', 'balanced', f'{title}, balanced', codec, datasets=where)
        )
    return arms


def _weight_arms() -> list[Arm]:
    arms = []
    for sigma in (1.5, 2.0, 2.5):
        for key, title, power in (('sqrt', 'sqrt OKS', 0.5), ('oks', 'OKS', 1.0)):
            arms.append(
                Arm(
                    f'sub-u{sigma}-w-{key}',
                    'weights',
                    f'uniform {sigma}, weights of {title} table',
                    dict(sigmas=sigma, unbiased=True),
                    weights_of=_oks(2.0, power),
                )
            )
    balanced = dict(sigmas=_oks(2.0, 0.5), unbiased=True, balance_weights=True)
    return [
        *arms,
        Arm(
            'sub-u2.0-w-hard', 'weights', "uniform 2.0, MMPose's joint weights",
            dict(sigmas=2.0, unbiased=True), weights_of='dataset',
        ),
        Arm(
            'bal-sqrt-m2.0-w-hard', 'weights',
            "sqrt OKS, mean 2.0, balanced, times MMPose's joint weights",
            balanced, weights_of='dataset',
        ),
    ]  # fmt: skip


def _block_arms() -> list[Arm]:
    uniform = dict(sigmas=2.0, unbiased=True)
    adaptive = dict(sigmas=_oks(2.0, 0.5), unbiased=True, balance_weights=True)
    after = dict(type='GaussianMixtureHead')
    return [
        Arm('sub-u2.0-block', 'block', 'uniform 2.0 + block before', uniform, _BLOCK),
        Arm('sub-u2.0-head', 'block', 'uniform 2.0 + block after', uniform, head=after),
        Arm(
            'bal-sqrt-m2.0-block', 'block', 'sqrt OKS, balanced + block before',
            adaptive, _BLOCK,
        ),
        Arm(
            'bal-sqrt-m2.0-head', 'block', 'sqrt OKS, balanced + block after',
            adaptive, head=after,
        ),
        Arm(
            'bal-sqrt-m2.0-block-fixed', 'block', 'same, widths not learned',
            adaptive, dict(_BLOCK, learn_sigmas=False),
        ),
        Arm(
            'bal-sqrt-m2.0-block-mean', 'block', 'same, plain average',
            adaptive, dict(_BLOCK, mixing='uniform'),
        ),
        Arm(
            'bal-sqrt-m2.0-block-one', 'block', 'same, one component',
            adaptive, dict(_BLOCK, num_components=1),
        ),
    ]  # fmt: skip


def _annealed_arms() -> list[Arm]:
    hooks = (dict(type='SigmaAnnealingHook', start=2.0, fraction=0.67),)
    tables: list[tuple[str, str, Any, bool]] = [
        ('ann-u1.5', 'uniform 1.5, annealed', 1.5, False),
        ('ann-u2.0', 'uniform 2.0, annealed', 2.0, False),
        (
            'ann-bal-sqrt-m1.5',
            'sqrt OKS, mean 1.5, balanced, annealed',
            _oks(1.5, 0.5),
            True,
        ),
        (
            'ann-bal-sqrt-m2.0',
            'sqrt OKS, mean 2.0, balanced, annealed',
            _oks(2.0, 0.5),
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


def _learned_arms() -> list[Arm]:
    uniform = dict(sigmas=2.0, unbiased=True)
    table = dict(sigmas=_oks(2.0, 0.5), unbiased=True)
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


ARMS: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        *_paper_arms('published', 'msra'),
        *_paper_arms('centered', 'centered'),
        *_subcell_arms(),
        *_weight_arms(),
        *_block_arms(),
        *_learned_arms(),
        *_annealed_arms(),
    )
}


def find_arms(patterns: list[str], dataset: str) -> list[Arm]:
    """Arm or group names -> arms of `dataset`, each once, in the order asked for.

    Raises:
        ValueError: a name that is neither an arm nor a group, or an arm that does not
            exist on this dataset.
    """
    found: dict[str, Arm] = {}
    for pattern in patterns:
        if pattern in GROUPS:
            group = [a for a in ARMS.values() if a.group == pattern]
            found.update({a.name: a for a in group if dataset in a.datasets})
        elif pattern in ARMS:
            if dataset not in ARMS[pattern].datasets:
                raise ValueError(
                    f"arm '{pattern}' needs COCO's 17 joints, '{dataset}' has others"
                )
            found[pattern] = ARMS[pattern]
        else:
            raise ValueError(
                f"no arm or group '{pattern}': groups {list(GROUPS)}, arms {list(ARMS)}"
            )
    return list(found.values())
