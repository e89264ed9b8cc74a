"""Probabilities to logits and back (numpy or torch)."""

from gm_pose.ops.array_types import ArrayT, get_namespace

# Logits are taken this far from 0 and 1.
MARGIN = 1e-4


def compute_logits(probabilities: ArrayT) -> ArrayT:
    """Probabilities, any shape -> ``log(p / (1 - p))``, p at least MARGIN inside (0, 1).

    Example:
        >>> import numpy as np
        >>> compute_logits(np.array([0.5, 0.9])).round(2)
        array([0. , 2.2])
    """
    xp = get_namespace(probabilities)
    inside = probabilities.clip(MARGIN, 1 - MARGIN)
    return xp.log(inside / (1 - inside))


def compute_sigmoid(logits: ArrayT) -> ArrayT:
    """Logits, any shape -> ``1 / (1 + exp(-x))``.

    Example:
        >>> import numpy as np
        >>> compute_sigmoid(np.array([0.0]))
        array([0.5])
    """
    xp = get_namespace(logits)
    return 1 / (1 + xp.exp(-logits.clip(-60, 60)))
