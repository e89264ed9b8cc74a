"""Candidates that are not worth another seed.

Only finished runs are compared: half way, a narrow sigma is behind because it learns more
slowly at first, not because it ends lower. On the part for choosing alone: the one for
reporting must not decide what is tried.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from gm_pose.sweep.differences import compare_candidates
from gm_pose.sweep.measured_runs import MeasuredRuns

__all__ = ['explain_stop', 'find_hopeless']

CONFIDENCE = 0.99
SEED_DEVIATION = 1.0
"""Points of AP by which a paired difference varies from seed to seed at least.

What a second seed of the same candidate would show is not known from the first. Of the 71
paired differences in docs/study.md over three seeds and more the standard deviation has a
median of 0.5 points and is at most 1.3.
"""


def find_hopeless(runs: MeasuredRuns) -> dict[str, str]:
    """Candidates that are behind the best of their kind -> why, in one line.

    Uniform ones are compared with the best uniform one, tables with the best table: the
    best of each kind is needed for the answer. A candidate is hopeless where the upper end
    of a one-sided 99 % interval of its difference is below 0, from the variance over people
    and over seeds, that over seeds not below `SEED_DEVIATION`'s.
    """
    found = {}
    for kind in (runs.uniform, runs.per_joint):
        measured = {name: runs.get(name, 'choose') for name in kind}
        started = {name: seeds for name, seeds in measured.items() if seeds}
        if len(started) < 2:
            continue
        best = max(
            started, key=lambda n: np.mean([r.ap.value for r in started[n].values()])
        )
        for name, seeds in started.items():
            reason = None if name == best else explain_stop(seeds, started[best], best)
            if reason is not None:
                found[name] = reason
    return found


def explain_stop(own: dict, others: dict, best: str) -> str | None:
    """Runs of a candidate and of the best one, by seed -> why to stop; None: go on."""
    difference = compare_candidates(own, others)
    if difference is None:
        return None
    seeds = difference.seeds
    samples = 100 * np.mean(
        [own[s].ap_samples - others[s].ap_samples for s in seeds], axis=0
    )
    values = [100 * (own[s].ap.value - others[s].ap.value) for s in seeds]
    spread = np.std(values, ddof=1) if len(seeds) > 1 else 0.0
    by_seeds = max(float(spread), SEED_DEVIATION) ** 2 / len(seeds)
    error = float(np.sqrt(np.nanvar(samples) + by_seeds))
    upper = difference.mean + float(stats.norm.ppf(CONFIDENCE)) * error
    if upper >= 0:
        return None
    return (
        f'{difference.mean:+.1f} points of AP against {best} on the part for choosing, '
        f'at most {upper:+.1f}'
    )
