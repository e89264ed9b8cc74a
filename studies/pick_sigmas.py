"""Per-joint OKS of uniform arms on the part for choosing -> a sigma for each joint."""

import numpy as np

from studies.report_tables import Results

# Sub-cell arms whose joints are compared, and their sigmas in cells
UNIFORM_ARMS = {f'sub-u{sigma}': sigma for sigma in (1.0, 1.25, 1.5, 2.0, 2.5)}
TOLERANCE = 0.5  # points of OKS


def find_common_seeds(grouped: Results) -> list[int]:
    """Seeds that all of `UNIFORM_ARMS` have been run with."""
    return sorted(set.intersection(*(set(grouped.get(a, ())) for a in UNIFORM_ARMS)))


def average_oks(grouped: Results, seeds: list[int]) -> np.ndarray:
    """Mean OKS in percent (len(UNIFORM_ARMS), K) on *select*, with flip test."""

    def read(arm: str, seed: int) -> list[float]:
        test = grouped[arm][seed]['evaluation']['select']['flip']
        return test['joints']['mean_oks']

    return 100 * np.array(
        [np.mean([read(arm, seed) for seed in seeds], axis=0) for arm in UNIFORM_ARMS]
    )


def pick_sigmas(
    oks: np.ndarray, mirror: tuple[int, ...], tolerance: float = TOLERANCE
) -> list[float]:
    """OKS (S, K) of the uniform sigmas -> (K,) sigma that is picked for each joint.

    The widest of the sigmas that finds the joint, left and right averaged, within
    `tolerance` of the best of them.
    """
    sigmas = list(UNIFORM_ARMS.values())
    both = (oks + oks[:, list(mirror)]) / 2
    good = both >= both.max(0) - tolerance
    return [
        max(s for s, ok in zip(sigmas, column, strict=True) if ok) for column in good.T
    ]


def render_picks(
    grouped: Results, names: tuple[str, ...], mirror: tuple[int, ...]
) -> str:
    """The rule's table: OKS by joint and uniform sigma, and what is picked."""
    seeds = find_common_seeds(grouped)
    if 0 not in seeds:
        return 'The uniform arms are not finished yet.'
    every = average_oks(grouped, seeds)
    picks = {
        'picked, seed 0': pick_sigmas(average_oks(grouped, [0]), mirror),
        f'picked, seeds {", ".join(map(str, seeds))}': pick_sigmas(every, mirror),
    }
    head = ['joint', *(f'{s:g}' for s in UNIFORM_ARMS.values()), *picks]
    lines = ['| ' + ' | '.join(head) + ' |', '|---' * len(head) + '|']
    for k, name in enumerate(names):
        if mirror[k] < k:
            continue
        values = (every[:, k] + every[:, mirror[k]]) / 2
        kind = name.removeprefix('left_') if mirror[k] != k else name
        cells = [f'{v:.1f}' for v in values] + [f'{p[k]:g}' for p in picks.values()]
        lines.append(f'| {kind} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)
