"""Which variants are compared with which, and what the difference shows."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd


class Comparison(NamedTuple):
    """Two variants and what their difference in AP shows."""

    variant: str
    reference: str
    what: str


def _load_comparisons(table: str) -> tuple[Comparison, ...]:
    rows = pd.read_csv(Path(__file__).with_suffix('.csv'))
    rows = rows[rows.table == table].drop(columns='table')
    return tuple(Comparison(*row) for row in rows.itertuples(index=False))


COMPARISONS = _load_comparisons('all')
# Narrow nose and eyes against uniform 2, beside the pair that the rule selects
MAIN_COMPARISONS = _load_comparisons('main')
