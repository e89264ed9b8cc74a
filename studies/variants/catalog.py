"""All variants by name: what each one changes in `base_study.py`, and nothing else.

A variant is a frozen record and its name follows from it, so that a name always means the
same training.
"""

import warnings

from studies.variants.former_names import FORMER_NAMES
from studies.variants.loss_variants import make_loss_variants
from studies.variants.model_variants import (
    make_annealed_variants,
    make_block_variants,
    make_learned_variants,
)
from studies.variants.sigma_variants import (
    make_paper_variants,
    make_subcell_variants,
    make_weight_variants,
)
from studies.variants.variant import Variant

GROUPS = {
    'published': "the paper's rows as published (MSRA placement)",
    'centered': 'the same rows, centered on the nearest cell',
    'subcell': 'sub-cell targets, each joint decoded with its own sigma',
    'balanced': 'sub-cell targets, loss balanced by 1 / sigma²',
    'weights': 'joint weights of other origin than the sigmas, alone or on top',
    'block': 'the Gaussian Mixture Block',
    'learned': 'learned sigmas',
    'annealed': 'sigmas from twice the table to the table during training',
    'forms': 'forms of the target and of the loss, for both sides alike',
}


# Some forms are variants of an older group too, which they then belong to: the last wins.
VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        *make_loss_variants(),
        *make_paper_variants('published'),
        *make_paper_variants('centered'),
        *make_subcell_variants(),
        *make_weight_variants(),
        *make_block_variants(),
        *make_learned_variants(),
        *make_annealed_variants(),
    )
}


def find_variants(patterns: list[str], dataset: str) -> list[Variant]:
    """Names of variants or groups -> variants of `dataset`, each once, in this order.

    Names of earlier versions are accepted with a DeprecationWarning.

    Raises:
        ValueError: a name that is neither a variant nor a group, or a variant that does
            not exist on this dataset.
    """
    found: dict[str, Variant] = {}
    for pattern in patterns:
        name = FORMER_NAMES.get(pattern, pattern)
        if name != pattern:
            warnings.warn(
                f"variant '{pattern}' is now called '{name}'",
                DeprecationWarning,
                stacklevel=2,
            )
        if name in GROUPS:
            group = [v for v in VARIANTS.values() if v.group == name]
            found.update({v.name: v for v in group if v.runs_on(dataset)})
        elif name in VARIANTS:
            if not VARIANTS[name].runs_on(dataset):
                raise ValueError(
                    f"variant '{name}' needs COCO's 17 joints, '{dataset}' has others"
                )
            found[name] = VARIANTS[name]
        else:
            raise ValueError(
                f"no variant or group '{name}'; expected a group of {list(GROUPS)} or a "
                'name that `run_study.py --list` prints'
            )
    return list(found.values())
