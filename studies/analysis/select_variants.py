"""The best uniform and the best joint-adaptive variant, selected on the selection split."""

import pandas as pd

from studies.analysis.study_results import StudyResults
from studies.variants.catalog import VARIANTS
from studies.variants.variant import NO_CHANGE, DatasetWeights, Variant

ENOUGH_SEEDS = 3


def is_candidate(variant: Variant, adaptive: bool) -> bool:
    """Whether a variant competes as a uniform sigma or as a joint-adaptive table.

    This compares sigma tables, with the codec's balance or without. MMPose's own joint
    weights, to whatever power, are open to both sides; blocks, learned or annealed sigmas
    and the weights of another table are not.
    """
    if variant.change != NO_CHANGE:
        return False
    if not isinstance(variant.weights, DatasetWeights | None):
        return False
    return isinstance(variant.table.sigmas, float) != adaptive


def select_best(
    results: StudyResults, adaptive: bool, test: str = 'flip'
) -> str | None:
    """Best uniform or joint-adaptive variant by AP in `test` on the selection split.

    Only variants with `ENOUGH_SEEDS` seeds compete (while none has, those with the most).
    Every two of them are compared over the seeds that both have, and the one that wins
    most comparisons is the best (ties: its mean AP). So a lucky seed does not count
    against a variant that lacks it, and finalists with further seeds are compared over all
    of them.
    """
    candidates = {
        name: results.get_metric(name, 'AP', 'select', test)
        for name in results.runs
        if is_candidate(VARIANTS[name], adaptive)
    }
    enough = min(ENOUGH_SEEDS, max(map(len, candidates.values()), default=0))
    full = {n: ap for n, ap in candidates.items() if len(ap) and len(ap) >= enough}

    table = pd.DataFrame(full)  # seeds x variants, NaN where one lacks a seed

    def rank(name: str) -> tuple[int, float]:
        differences = table.rsub(table[name], axis=0)
        return int((differences.sum() > 0).sum()), float(full[name].mean())

    return max(full, key=rank, default=None)


def select_pair(
    results: StudyResults, test: str = 'flip'
) -> tuple[str | None, str | None]:
    """Best joint-adaptive and best uniform variant, see `select_best`."""
    return select_best(results, True, test), select_best(results, False, test)
