"""What an arm of the study is."""

from dataclasses import dataclass, field
from typing import Any

COCO_ONLY = ('studio17', 'studio17-long')


@dataclass(frozen=True)
class DatasetWeights:
    """The metainfo's own joint weights, raised to a power.

    MMPose's are 1.2 for elbows and knees, 1.5 for wrists and ankles and 1 for the rest.

    Attributes:
        power: 1 for the weights as they are.
    """

    power: float = 1.0


@dataclass(frozen=True)
class PowerWeights:
    """Joint weights ``1 / sigma^power``, of mean 1, times the metainfo's own weights.

    Power 2 is the codec's `balance_weights`; powers below it leave more of the loss to
    joints with wide Gaussians.

    Attributes:
        power: see above.
        sigmas: a `sigmas` argument, or None for the arm's own.
    """

    power: float = 2.0
    sigmas: Any = None


@dataclass(frozen=True)
class Arm:
    """One row of the study.

    Attributes:
        name: name of the arm, of its results folder and in the tables.
        group: key of `studies.arms.GROUPS`.
        title: what the tables print.
        codec: keys of the codec that differ from the base config.
        neck: config of a neck, or None.
        head: keys of the head that differ from the base config.
        weights_of: a `sigmas` argument whose 1 / sigma^2 becomes the joints' loss
            weights (MMPose's `dataset_keypoint_weights`), `DatasetWeights`,
            `PowerWeights`, or None.
        hooks: further custom hooks.
        datasets: where the arm makes sense.
    """

    name: str
    group: str
    title: str
    codec: dict[str, Any]
    neck: dict[str, Any] | None = None
    head: dict[str, Any] = field(default_factory=dict)
    weights_of: Any = None
    hooks: tuple[dict[str, Any], ...] = ()
    datasets: tuple[str, ...] = (*COCO_ONLY, 'lspet-4k')


def scale_oks(mean: float, power: float) -> dict[str, Any]:
    """`sigmas` argument proportional to OKS sigmas to a power.

    '{dataset}' stands for the metainfo of the dataset that the arm runs on.
    """
    return dict(oks='{dataset}', mean=mean, power=power)
