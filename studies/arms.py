"""The study's arms: what each one changes in `base_study.py`, and nothing else.

The single source of the arms' settings. An arm is a frozen record, so that its name
always means the same training; a change of settings is a new name.
"""

from studies.arm import Arm
from studies.model_arms import make_annealed_arms, make_block_arms, make_learned_arms
from studies.sigma_arms import make_paper_arms, make_subcell_arms, make_weight_arms

GROUPS = {
    'published': "the paper's rows as published (MSRA placement)",
    'centered': 'the same rows, centred on the nearest cell',
    'subcell': 'sub-cell targets with matched refinement',
    'balanced': 'sub-cell targets, loss balanced by 1 / sigma^2',
    'weights': 'joint weights of other origin than the sigmas, alone or on top',
    'block': 'the Gaussian Mixture Block',
    'learned': 'learned widths',
    'annealed': 'sigmas from twice the table to the table during training',
}


ARMS: dict[str, Arm] = {
    arm.name: arm
    for arm in (
        *make_paper_arms('published', 'msra'),
        *make_paper_arms('centered', 'centered'),
        *make_subcell_arms(),
        *make_weight_arms(),
        *make_block_arms(),
        *make_learned_arms(),
        *make_annealed_arms(),
    )
}


def find_arms(patterns: list[str], dataset: str) -> list[Arm]:
    """Arm or group names -> arms of `dataset`, each once, in the order asked for.

    Raises:
        ValueError: a name that is neither an arm nor a group, or an arm that does not
            exist on this dataset.
    """
    found: dict[str, Arm] = {}
    for pattern in patterns:
        if pattern in GROUPS:
            group = [a for a in ARMS.values() if a.group == pattern]
            found.update({a.name: a for a in group if dataset in a.datasets})
        elif pattern in ARMS:
            if dataset not in ARMS[pattern].datasets:
                raise ValueError(
                    f"arm '{pattern}' needs COCO's 17 joints, '{dataset}' has others"
                )
            found[pattern] = ARMS[pattern]
        else:
            raise ValueError(
                f"no arm or group '{pattern}': groups {list(GROUPS)}, arms {list(ARMS)}"
            )
    return list(found.values())
