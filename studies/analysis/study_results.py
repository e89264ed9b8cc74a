"""All results of one dataset, and their metrics by seed."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from studies.analysis.intervals import Interval, compare_paired
from studies.training.result_files import Run
from studies.variants.catalog import VARIANTS

METRICS = ('AP', 'AP50', 'AP75', 'AR')
# Split and flip test of the differences that the tables of comparisons have
COMPARED = (('report', 'plain'), ('report', 'flip'), ('select', 'flip'))


class StudyResults:
    """Results of the known variants on one dataset.

    Attributes:
        runs: variant -> seed -> result.

    Args:
        results: of any datasets, see `studies.training.result_files.load_results`.
        dataset: the one that counts.
    """

    def __init__(self, results: Iterable[dict], dataset: str):
        self.runs: dict[str, dict[int, dict]] = {}
        rows = []
        for result in results:
            run = Run(result['dataset'], result['variant'], result['seed'])
            if run.dataset != dataset or run.variant not in VARIANTS:
                continue
            self.runs.setdefault(run.variant, {})[run.seed] = result
            rows += [
                (run.variant, split, test, metric, run.seed, values[metric])
                for split, tests in result['evaluation'].items()
                for test, values in tests.items()
                for metric in METRICS
                if metric in values
            ]
        columns = ['variant', 'split', 'test', 'metric', 'seed', 'value']
        frame = pd.DataFrame(rows, columns=columns).set_index(columns[:-1])['value']
        self._by_seed = frame.unstack('seed') if rows else pd.DataFrame()

    def __contains__(self, variant: str | None) -> bool:
        return variant in self.runs

    def get_metric(
        self, variant: str, metric: str, split: str = 'report', test: str = 'plain'
    ) -> pd.Series:
        """Metric in percent by seed, of the runs that have this test."""
        key = (variant, split, test, metric)
        if key not in self._by_seed.index:
            return pd.Series(dtype=float)
        return self._by_seed.loc[key].dropna()

    def compare_ap(
        self,
        variant: str,
        reference: str,
        decoded: str = '',
        reference_decoded: str = '',
    ) -> list[Interval | None]:
        """Differences in AP of two variants: report plain, report flip, select flip.

        A decoding is '' or '_oks', see `studies.training.evaluate_model.OKS_DECODINGS`.
        """
        return [
            compare_paired(
                self.get_metric(variant, 'AP', split, test + decoded),
                self.get_metric(reference, 'AP', split, test + reference_decoded),
            )
            for split, test in COMPARED
        ]

    def average_joints(
        self,
        variant: str,
        key: str,
        split: str = 'report',
        test: str = 'plain',
        seeds: Iterable[int] | None = None,
    ) -> np.ndarray:
        """Mean over the seeds (all, or some) of a list over the joints: (K,) or (K, 2)."""
        runs = self.runs[variant]
        chosen = runs.values() if seeds is None else [runs[seed] for seed in seeds]
        return np.mean(
            [run['evaluation'][split][test]['joints'][key] for run in chosen], axis=0
        )

    def get_people(
        self, variant: str, splits: tuple[str, ...], test: str
    ) -> dict[int, np.ndarray]:
        """Seed -> OKS and scores (2, N) of the people of all `splits`, where recorded."""
        found = {}
        for seed, run in self.runs[variant].items():
            people = [run['evaluation'][s].get(test, {}).get('people') for s in splits]
            if all(people):
                found[seed] = np.hstack([[p['oks'], p['score']] for p in people])
        return found
