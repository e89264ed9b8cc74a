"""Per-joint OKS of uniform variants on the selection split -> a sigma for each joint."""

import numpy as np

from studies.analysis.study_results import StudyResults

# Sub-cell variants whose joints are compared, and their sigmas in cells
UNIFORM_VARIANTS = {
    f'subcell-uniform{sigma:g}': sigma for sigma in (1.0, 1.25, 1.5, 2.0, 2.5)
}
TOLERANCE = 0.5  # points of OKS


def find_common_seeds(results: StudyResults) -> list[int]:
    """Seeds that all of `UNIFORM_VARIANTS` have been run with."""
    seeds = (set(results.runs.get(name, ())) for name in UNIFORM_VARIANTS)
    return sorted(set.intersection(*seeds))


def average_oks(results: StudyResults, seeds: list[int]) -> np.ndarray:
    """Mean OKS in percent (len(UNIFORM_VARIANTS), K) on *select*, with flip test."""
    return 100 * np.array(
        [
            results.average_joints(name, 'mean_oks', 'select', 'flip', seeds)
            for name in UNIFORM_VARIANTS
        ]
    )


def select_sigmas(
    oks: np.ndarray, mirror: tuple[int, ...], tolerance: float = TOLERANCE
) -> list[float]:
    """OKS (S, K) of the uniform sigmas -> the sigma (K,) selected for each joint.

    The largest of the sigmas that finds the joint, left and right averaged, within
    `tolerance` of the best of them.
    """
    sigmas = list(UNIFORM_VARIANTS.values())
    both = (oks + oks[:, list(mirror)]) / 2
    good = both >= both.max(0) - tolerance
    return [
        max(s for s, ok in zip(sigmas, column, strict=True) if ok) for column in good.T
    ]
