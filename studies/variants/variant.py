"""What a variant of the study is, and how its name and title follow from its settings."""

from dataclasses import dataclass, field
from typing import Any

# Still read by the codec under any later name; see `studies.training.config_hash`
LEGACY_ALIGNMENT = 'legacy_msra'

# placement -> what it changes in the codec
PLACEMENTS: dict[str, dict[str, Any]] = {
    'published': dict(alignment=LEGACY_ALIGNMENT),
    'centered': dict(alignment='centered'),
    'subcell': dict(unbiased=True),
    # MMPose's own codec with DARK's targets and decoding
    'stock': dict(type='MSRAHeatmap', unbiased=True),
}


@dataclass(frozen=True)
class SigmaTable:
    """A `sigmas` argument of the codec and what it is called.

    Attributes:
        name: as in the names of variants.
        title: as in the tables of the report.
        sigmas: the argument; '{dataset}' in it stands for the dataset's metainfo.
        coco_only: the table names COCO's 17 joints.
    """

    name: str
    title: str
    sigmas: Any
    coco_only: bool = False


@dataclass(frozen=True)
class DatasetWeights:
    """The metainfo's own joint weights, raised to a power.

    MMPose's are 1.2 for elbows and knees, 1.5 for wrists and ankles and 1 for the rest.

    Attributes:
        power: 1 for the weights as they are.
    """

    power: float = 1.0

    @property
    def name(self) -> str:
        return 'jw' if self.power == 1 else f'jw{self.power:g}'

    @property
    def title(self) -> str:
        powers = {1: '', 2: ' squared', 3: ' cubed', 4: ' to the fourth power'}
        return f"MMPose's joint weights{powers[self.power]}"


@dataclass(frozen=True)
class SigmaWeights:
    """Joint weights ``1 / sigma^power`` of mean 1.

    Power 2 gives the weights of the codec's `balance_weights`; powers below it leave more
    of the loss to joints with wide Gaussians.

    Attributes:
        table: whose sigmas, or None for the variant's own.
        power: see above.
        times_dataset: multiplied by the metainfo's own weights.
    """

    table: SigmaTable | None = None
    power: float = 2.0
    times_dataset: bool = False

    @property
    def name(self) -> str:
        name = f'weights-{self.table.name}' if self.table else 'inversesigma'
        return f'{name}-jw' if self.times_dataset else name

    @property
    def title(self) -> str:
        title = f'weights of {self.table.title}' if self.table else 'weights 1 / sigma'
        return f"{title}, times MMPose's" if self.times_dataset else title


@dataclass(frozen=True)
class Change:
    """What a variant changes besides targets and weights.

    Attributes:
        name: as in the names of variants.
        title: as in the tables of the report.
        neck: config of a neck, or None.
        head: keys of the head that differ from the base config.
        codec: keys of the codec that differ from the base config.
        hooks: further custom hooks.
        optimizer: keys of the optimizer that differ from the base config.
    """

    name: str
    title: str
    neck: dict[str, Any] | None = None
    head: dict[str, Any] = field(default_factory=dict)
    codec: dict[str, Any] = field(default_factory=dict)
    hooks: tuple[dict[str, Any], ...] = ()
    optimizer: dict[str, Any] = field(default_factory=dict)


NO_CHANGE = Change('', '')


@dataclass(frozen=True)
class Variant:
    """One row of the study.

    Attributes:
        group: key of `studies.variants.catalog.GROUPS`.
        placement: key of `PLACEMENTS`.
        table: the sigmas.
        balanced: the codec's `balance_weights`.
        weights: further joint weights in the loss, or None.
        change: of the network or of the training.
    """

    group: str
    placement: str
    table: SigmaTable
    balanced: bool = False
    weights: DatasetWeights | SigmaWeights | None = None
    change: Change = NO_CHANGE

    @property
    def name(self) -> str:
        """Name of the variant, of its results folder and in the tables."""
        words = [self.placement, self.table.name]
        if self.balanced:
            words.append('balanced')
        if self.weights is not None:
            words.append(self.weights.name)
        if self.change.name:
            words.append(self.change.name)
        return '-'.join(words)

    @property
    def title(self) -> str:
        """The settings in words; the placement is in the title of the group."""
        words = [self.table.title]
        if self.balanced:
            words.append('balanced')
        if self.weights is not None:
            words.append(self.weights.title)
        if self.change.title:
            words.append(self.change.title)
        return ', '.join(words)

    @property
    def codec(self) -> dict[str, Any]:
        """Keys of the codec that differ from the base config."""
        codec = dict(PLACEMENTS[self.placement], sigmas=self.table.sigmas)
        codec |= self.change.codec
        return codec | dict(balance_weights=True) if self.balanced else codec

    def runs_on(self, dataset: str) -> bool:
        """Whether the dataset has the joints that the variant's tables name."""
        tables = [self.table]
        if isinstance(self.weights, SigmaWeights) and self.weights.table:
            tables.append(self.weights.table)
        is_coco = dataset.startswith(('studio17', 'coco-union'))
        return is_coco or not any(t.coco_only for t in tables)
