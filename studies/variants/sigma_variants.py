"""Variants of the sigmas, of their placement and of the weights of the loss."""

from studies.variants.model_variants import BLOCK
from studies.variants.tables import (
    FACE1_REST2,
    FACE1_REST2_5,
    OKS_CAPPED,
    SET1,
    SET2,
    SET2_MEAN2,
    make_errors,
    make_face_rest,
    make_oks,
    make_sqrt_oks,
    make_uniform,
)
from studies.variants.variant import DatasetWeights, SigmaWeights, Variant

MEANS = (1.5, 2.0, 2.5, 3.0)


def make_paper_variants(placement: str) -> list[Variant]:
    """The paper's rows; the group has the name of the placement."""
    tables = (make_uniform(2.0), make_uniform(1.5), SET1, SET2)
    return [
        *(Variant(placement, placement, table) for table in tables),
        *(Variant(placement, placement, t, change=BLOCK) for t in (SET1, SET2)),
    ]


def make_subcell_variants() -> list[Variant]:
    """Uniform sigmas and tables at the exact place, tables also balanced."""
    uniform = [make_uniform(s) for s in (1.0, 1.25, 1.5, 2.0, 2.5, 3.0)]
    tables = [SET1, SET2, SET2_MEAN2]
    tables += [make(mean) for mean in MEANS for make in (make_oks, make_sqrt_oks)]
    balanced = [*tables, *map(make_errors, (2.0, 2.5, 3.0)), OKS_CAPPED]
    return [
        *(Variant('subcell', 'subcell', table) for table in (*uniform, *tables)),
        *(Variant('balanced', 'subcell', t, balanced=True) for t in balanced),
    ]


def make_weight_variants() -> list[Variant]:
    """Joint weights of other origin than the sigmas, alone or on top."""
    variants = [
        Variant('weights', 'subcell', make_uniform(sigma), weights=SigmaWeights(table))
        for sigma in (1.5, 2.0, 2.5)
        for table in (make_sqrt_oks(2.0), make_oks(2.0))
    ]
    uniform = {sigma: (make_uniform(sigma), False) for sigma in (1.5, 2.0, 2.5, 3.0)}
    wide, narrow = (FACE1_REST2_5, True), (FACE1_REST2, True)
    plain = [
        uniform[1.5], uniform[2.0], (make_sqrt_oks(2.0), True), uniform[2.5],
        uniform[3.0], (make_oks(2.5), True), (OKS_CAPPED, True),
        (make_errors(2.5), True), (make_sqrt_oks(2.5), True), (FACE1_REST2_5, False),
        wide, narrow, (make_face_rest(0.75, 2.5), True),
    ]  # fmt: skip
    squared = [uniform[1.5], uniform[2.0], uniform[2.5], wide, narrow]
    for rows, power in ((plain, 1.0), (squared, 2.0)):
        weights = DatasetWeights(power)
        variants += [Variant('weights', 'subcell', *row, weights) for row in rows]
    inverse = SigmaWeights(power=1.0, times_dataset=True)
    other = SigmaWeights(FACE1_REST2_5, times_dataset=True)
    return [
        *variants,
        Variant('weights', 'subcell', OKS_CAPPED, weights=inverse),
        Variant('weights', 'subcell', make_uniform(2.5), weights=other),
    ]
