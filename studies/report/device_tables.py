"""Runs on a device -> the tables of docs/study.md and docs/study-runs.md about them."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from gm_pose.ops.skeleton import COCO
from studies.analysis.device_results import FLIP, SHIFTED_FLIP, DeviceResults
from studies.analysis.intervals import (
    compare_paired,
    compute_interval,
    format_interval,
)
from studies.analysis.two_level_bootstrap import Difference, bootstrap_seeds_and_people
from studies.device.arms import (
    ADAPTIVE,
    STOCK,
    UNIFORM,
    Trial,
    choose_finalists,
    choose_reading,
    judge,
    rank,
)
from studies.device.read_maps import READINGS, UNIFORM_READINGS
from studies.report.main_tables import PLACEMENT_TITLES
from studies.report.tables import to_markdown
from studies.variants.catalog import VARIANTS

NOT_RUN = 'No run on a device is finished yet.'
PEOPLE = {
    'studio17': 'studio17, 200 people',
    'coco-union': 'coco-union, 384 people',
    'coco-and-studio': 'coco-union, 384 people, trained on both sets',
    'studio17-modern': 'studio17, modern recipe',
}
_DECODINGS = {
    'own': "the targets' own sigmas",
    'oks': "the metric's sigmas",
    'uniform': "the metric's mean sigma",
    'stock': "MMPose's decoding",
}
_SCORINGS = {
    'peaks': 'peaks',
    'mean': 'mean of the values',
    'expected': 'expected OKS of the maps',
}
GOAL_OVER_STOCK = 3.0
STOCK_READING = f'{SHIFTED_FLIP}/stock-peaks'


def describe_trial(name: str) -> str:
    """Name of a trial -> its settings in words."""
    first, *rest = (VARIANTS[part] for part in name.split('>'))
    if first.placement == 'stock':
        return 'stock MMPose, uniform 2.0'
    words = f'{PLACEMENT_TITLES[first.placement]}: {first.title}'
    for variant in rest:
        words += f'; last third: {variant.change.title}'
    return words


class Side(NamedTuple):
    """A trial and how its maps are read."""

    trial: str
    reading: str


class Finals:
    """The finalists of both sides, and their differences.

    Attributes:
        results: all runs.
        adaptive, uniform: the finalists in the readings chosen on their own folds.
        stock: MMPose as anyone runs it.
    """

    def __init__(self, results: DeviceResults) -> None:
        self.results = results
        finalists = choose_finalists(results.scores)[:2]
        self.adaptive, self.uniform = (
            Side(trial.name, results.choose_reading(trial)) for trial in finalists
        )
        self.stock = Side(STOCK.name, STOCK_READING)
        self.compare: Callable[[str, Side, Side], Difference] = cache(self._compare)

    def average(self, dataset: str, side: Side) -> float:
        """Mean AP over the seeds."""
        return float(self.results.get_ap(dataset, *side).mean())

    def _compare(self, dataset: str, variant: Side, reference: Side) -> Difference:
        people = [
            {
                seed: self.results.get_people(dataset, *side, seed)
                for seed in self.results.get_ap(dataset, *side).index
            }
            for side in (variant, reference)
        ]
        return bootstrap_seeds_and_people(*people)

    def list_comparisons(self) -> list[tuple[str, str, Side, Side]]:
        """What, dataset, the two sides; those that decide first."""
        rows = []
        for dataset in ('studio17', 'coco-union', 'coco-and-studio'):
            rows += [
                ('adaptive - uniform', dataset, self.adaptive, self.uniform),
                ('adaptive - stock MMPose', dataset, self.adaptive, self.stock),
                ('uniform - stock MMPose', dataset, self.uniform, self.stock),
            ]
        pair = [self.adaptive.trial, self.uniform.trial]
        own = [Side(name, f'{FLIP}/own-peaks') for name in pair]
        known = [
            Side(ADAPTIVE, self.adaptive.reading),
            Side(UNIFORM, self.uniform.reading),
        ]
        rows += [
            ('adaptive - uniform, own sigmas and peaks', 'studio17', own[0], own[1]),
            ('adaptive - uniform, own sigmas and peaks', 'coco-union', own[0], own[1]),
            ('adaptive - uniform, learning rate 0.001', 'studio17', *known),
            ('adaptive, learning rate 0.001 - stock', 'studio17', known[0], self.stock),
            ('adaptive - uniform', 'studio17-modern', self.adaptive, self.uniform),
        ]
        return [
            row
            for row in rows
            if len(self.results.get_ap(row[1], *row[2]))
            and len(self.results.get_ap(row[1], *row[3]))
        ]


def render_differences(finals: Finals) -> str:
    """Every comparison of the finals, interval over people and seeds."""
    rows = []
    for what, dataset, variant, reference in finals.list_comparisons():
        difference = finals.compare(dataset, variant, reference)
        rows.append(
            {
                'what': what,
                'people': PEOPLE[dataset],
                'seeds': str(difference.count),
                'AP': f'{finals.average(dataset, variant):.1f}',
                'AP of the other': f'{finals.average(dataset, reference):.1f}',
                'difference (95 %)': str(difference),
            }
        )
    return to_markdown(rows)


def render_goals(finals: Finals | None) -> str:
    """The goals set before the runs, and what came of each."""
    if finals is None:
        return NOT_RUN
    adaptive, uniform, stock = finals.adaptive, finals.uniform, finals.stock
    plain = Side(ADAPTIVE, adaptive.reading)
    best, crowd, both, over_stock, uniform_over_stock, plain_over_stock = (
        finals.compare(*row)
        for row in (
            ('studio17', adaptive, uniform),
            ('coco-union', adaptive, uniform),
            ('coco-and-studio', adaptive, uniform),
            ('studio17', adaptive, stock),
            ('studio17', uniform, stock),
            ('studio17', plain, stock),
        )
    )
    levels = [
        finals.average(name, uniform) for name in ('coco-union', 'coco-and-studio')
    ]
    rows = [
        (
            '+1.0 AP over the best uniform sigma, interval above zero, 8 seeds',
            _answer(best.mean >= 1 and best.is_above_zero and best.count >= 8),
            f'{best}, {best.count} seeds; the interval is '
            f'{"above zero" if best.is_above_zero else "not above zero"}',
        ),
        (
            'the same sign on other photographs (coco-union)',
            'yes' if both.is_above_zero else '**not shown**',
            f'trained on both sets {both} at {levels[1]:.1f} AP, {both.count} seeds; '
            f'trained on the other photographs alone {crowd} at {levels[0]:.1f} AP, too '
            'low to show a difference',
        ),
        (
            '+3.0 AP over stock MMPose',
            _answer(over_stock.mean >= GOAL_OVER_STOCK),
            f"{over_stock}; the uniform sigma has {uniform_over_stock}, and with stock's "
            f'learning rate the table has {plain_over_stock}',
        ),
    ]
    return to_markdown(
        [
            {'goal': goal, 'reached': reached, 'found': found}
            for goal, reached, found in rows
        ]
    )


def _answer(is_reached: bool) -> str:
    return 'yes' if is_reached else '**no**'


def render_finals(results: DeviceResults) -> str:
    """Every reported arm."""
    rows = []
    for (dataset, name), runs in sorted(results.finals.items()):
        stock = VARIANTS[name].placement == 'stock'
        readings = {
            'AP, own sigmas, peaks': 'stock-peaks' if stock else 'own-peaks',
            "AP, metric's sigmas, mean": 'stock-mean' if stock else 'oks-mean',
            "AP, metric's mean sigma, mean": '' if stock else 'uniform-mean',
        }
        cells = {'AP, no flip test': f'plain/{readings["AP, own sigmas, peaks"]}'}
        cells |= {key: f'{FLIP}/{way}' for key, way in readings.items() if way}
        cells |= {"AP, MMPose's flip test": STOCK_READING} if stock else {}
        aps = {key: results.get_ap(dataset, name, way) for key, way in cells.items()}
        rows.append(
            {'people': PEOPLE[dataset], 'arm': f'`{name}`'}
            | {'in words': describe_trial(name), 'seeds': str(len(runs))}
            | {key: format_interval(compute_interval(ap)) for key, ap in aps.items()}
        )
    columns = dict.fromkeys(key for row in rows for key in row)
    table = to_markdown([{key: row.get(key, '') for key in columns} for row in rows])
    return '\n\n'.join((table, describe_machines(results)))


def describe_machines(results: DeviceResults) -> str:
    """Which seeds ran where."""
    places: dict[str, list[str]] = {}
    for trial, machines in results.list_elsewhere().items():
        for seed, machine in machines.items():
            places.setdefault(machine, []).append(f'seed {seed} of `{trial}`')
    words = ''.join(f'; {", ".join(runs)} on {m}' for m, runs in places.items())
    return f'All ran on the GPU{words and f", except{words[1:]}"}.'


def render_readings(finals: Finals) -> str:
    """Training-free ways to read the finalists' maps, on studio17's report people."""
    rows = []
    for way in READINGS:
        reading = f'{FLIP}/{way}'
        row = {'decoded at': _DECODINGS[way.split('-')[0]]}
        row |= {'scored by': _SCORINGS[way.split('-')[1]]}
        for title, side in (('uniform', finals.uniform), ('adaptive', finals.adaptive)):
            ap = finals.results.get_ap('studio17', side.trial, reading)
            own = finals.results.get_ap('studio17', side.trial, f'{FLIP}/own-peaks')
            row[title] = format_interval(compute_interval(ap))
            row[f'{title}, gain'] = format_interval(compare_paired(ap, own), True)
        rows.append(row)
    return to_markdown(rows)


def render_screening(results: DeviceResults) -> str:
    """Every trial, best first of each side: AP on the people held out of training."""
    scores, rows = results.scores, []

    def order(trial: Trial) -> float:
        return -judge(scores[trial], trial.readings)

    for adaptive, side in ((True, 'adaptive'), (False, 'uniform')):
        for trial in sorted(rank(scores, adaptive, READINGS), key=order):
            best = judge(scores[trial], trial.readings)
            own = judge(scores[trial], ['own-peaks'])
            rows.append(
                {'side': side, 'trial': f'`{trial.name}`'}
                | {'in words': describe_trial(trial.name)}
                | {'AP, best open reading': f'{best:.1f}'}
                | {'AP, own sigmas, peaks': f'{own:.1f}'}
            )
    return to_markdown(rows)


def render_folds(results: DeviceResults) -> str:
    """Trials that were trained on further folds: AP of each fold, best first."""
    scores, rows = results.further_scores, []
    for adaptive, side in ((True, 'adaptive'), (False, 'uniform')):
        readings = READINGS if adaptive else UNIFORM_READINGS
        for trial in rank(scores, adaptive, readings):
            aps = scores[trial][choose_reading(scores[trial], readings)]
            own = judge(scores[trial], ['own-peaks'])
            rows.append(
                {'side': side, 'trial': f'`{trial.name}`'}
                | {f'fold {fold}': f'{ap:.1f}' for fold, ap in enumerate(aps)}
                | {'mean': f'{np.mean(aps):.1f}'}
                | {'own sigmas, peaks, mean': f'{own:.1f}'}
            )
    return to_markdown(rows) if rows else NOT_RUN


def compute_joint_gains(finals: Finals, dataset: str = 'studio17') -> dict[str, list]:
    """Joint, left and right together -> mean OKS: adaptive, uniform, stock; percent."""
    results, sides = finals.results, (finals.adaptive, finals.uniform, finals.stock)
    aps = [results.get_ap(dataset, *side) for side in sides]
    seeds = set.intersection(*(set(ap.index) for ap in aps))
    columns = []
    for side in sides:
        decoding = side.reading.split('/')[1].split('-')[0]
        oks = results.get_joints(dataset, side.trial, decoding, sorted(seeds))
        columns.append((oks + oks[list(COCO.mirror)]) / 2)
    return {
        name.removeprefix('left_'): [float(column[k]) for column in columns]
        for k, name in enumerate(COCO.joint_names)
        if COCO.mirror[k] >= k
    }


def render_joint_gains(finals: Finals) -> str:
    """Mean OKS of each joint in the finals."""
    rows = []
    for name, (adaptive, uniform, stock) in compute_joint_gains(finals).items():
        rows.append(
            {
                'joint': name,
                'adaptive': f'{adaptive:.1f}',
                'uniform': f'{uniform:.1f}',
                'stock MMPose': f'{stock:.1f}',
                'adaptive - uniform': f'{adaptive - uniform:+.1f}',
                'adaptive - stock': f'{adaptive - stock:+.1f}',
            }
        )
    return to_markdown(rows)


def render_device_blocks(
    results: DeviceResults, finals: Finals | None
) -> dict[str, str]:
    """Names of generated blocks and their Markdown."""
    tables = 'differences finals readings screening folds device-joints'
    if finals is None:
        return dict.fromkeys(tables.split(), NOT_RUN)
    return {
        'differences': render_differences(finals),
        'finals': render_finals(results),
        'readings': render_readings(finals),
        'screening': render_screening(results),
        'folds': render_folds(results),
        'device-joints': render_joint_gains(finals),
    }
