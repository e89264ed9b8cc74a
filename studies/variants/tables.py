"""The sigma tables of the study, in heatmap cells."""

from studies.variants.variant import SigmaTable

SET1 = SigmaTable('set1', 'Set 1', 'set1', coco_only=True)
SET2 = SigmaTable('set2', 'Set 2', 'set2', coco_only=True)
SET2_MEAN2 = SigmaTable(
    'set2mean2', 'Set 2, mean 2.0', dict(table='set2', mean=2.0), coco_only=True
)


def make_uniform(sigma: float) -> SigmaTable:
    """One sigma for all joints."""
    return SigmaTable(f'uniform{sigma:g}', f'uniform {sigma}', sigma)


def make_oks(mean: float) -> SigmaTable:
    """Proportional to the dataset's OKS sigmas."""
    sigmas = dict(oks='{dataset}', mean=mean, power=1.0)
    return SigmaTable(f'oks{mean:g}', f'OKS, mean {mean}', sigmas)


def make_sqrt_oks(mean: float) -> SigmaTable:
    """Proportional to the square roots of the dataset's OKS sigmas."""
    sigmas = dict(oks='{dataset}', mean=mean, power=0.5)
    return SigmaTable(f'sqrtoks{mean:g}', f'sqrt OKS, mean {mean}', sigmas)


# The OKS table of mean 2.5, cut at 2.5 cells
OKS_CAPPED = SigmaTable(
    'oks2.5max2.5',
    'OKS, mean 2.5, at most 2.5',
    [0.97, 0.93, 0.93, 1.31, 1.31, 2.5, 2.5, 2.5, 2.5, 2.32, 2.32, *[2.5] * 6],
    coco_only=True,
)

# Median error in input px of sub-cell uniform 2, seed 0, on the selection split, with flip
# test, left and right averaged: nose, eyes, ears, shoulders, elbows, wrists, hips, knees,
# ankles
MEDIAN_ERRORS = (1.29, 1.13, 1.01, 1.56, 2.12, 3.19, 2.41, 2.68, 2.51)


def make_errors(mean: float) -> SigmaTable:
    """Proportional to `MEDIAN_ERRORS`: wide where a joint is hard to find."""
    nose, *pairs = MEDIAN_ERRORS
    errors = [nose, *(error for error in pairs for _ in range(2))]
    sigmas = [round(error * mean * len(errors) / sum(errors), 2) for error in errors]
    return SigmaTable(
        f'errors{mean:g}', f'median errors, mean {mean}', sigmas, coco_only=True
    )


def make_face_rest(face: float, rest: float) -> SigmaTable:
    """One sigma for nose and eyes, another for COCO's other 14 joints."""
    return SigmaTable(
        f'face{face:g}-rest{rest:g}',
        f'nose and eyes {face}, others {rest}',
        [*[face] * 3, *[rest] * 14],
        coco_only=True,
    )


# What `studies.analysis.select_sigmas` selects from the uniform variants
FACE1_REST2_5 = make_face_rest(1.0, 2.5)
# The same over 2.0, the best uniform sigma of a longer training
FACE1_REST2 = make_face_rest(1.0, 2.0)
