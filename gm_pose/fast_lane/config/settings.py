"""What can be set about the fast lane, in one place."""

from collections.abc import Mapping, MutableMapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from gm_pose.fast_lane.config.image_kinds import IMAGE_KINDS, is_image_kind

__all__ = ['FastLaneSettings', 'read_settings', 'with_fast_lane']

_CHOICES = dict(
    precision=('auto', 'float32', 'bfloat16'),
    shards=(None, 'node'),
    compile=(None, 'default', 'reduce-overhead', 'max-autotune'),
)


@dataclass(frozen=True)
class FastLaneSettings:
    """Settings of the fast lane.

    Args:
        images: where pixels come from. 'original': the files of the dataset; 'images': a
            store of decoded images; 'crops': a store of one crop a person, smaller.
            `gm_pose build-store` builds a store. 'auto': a store that is there, otherwise
            the files. 'stream:URL': shards in a folder or a bucket
            (``build-store --kind stream``), for data beyond local disks.
        precision: of the network in training. 'auto': bfloat16 on a GPU that has it,
            unless the config sets mixed precision itself; float32 elsewhere.
        compile: mode of `torch.compile` for backbone, neck and head; None: not compiled.
        cuda_graphs: replay backbone, neck and head as CUDA graphs in training, for small
            batches on a fast GPU, see `CudaGraphHook`; not together with `compile`.
        workers: processes that load data, for each rank; None: the config's number, or
            more on a GPU, where one rank is fed by up to eight of its cores.
        cache_dir: folder of packed annotations and stores; None: ``$GM_POSE_CACHE`` or
            ``~/.cache/gm_pose``.
        shards: 'node': each machine trains and evaluates on its own share of the people,
            the one that ``build-store --node I --nodes N`` stores there.
        stream_cache_gb: most that is kept on a machine of a stream.

    Raises:
        ValueError: a value that does not exist; the text has those that do.
    """

    images: str = 'auto'
    precision: str = 'auto'
    compile: str | None = None
    cuda_graphs: bool = False
    workers: int | None = None
    cache_dir: str | None = None
    shards: str | None = None
    stream_cache_gb: float = 50.0

    def __post_init__(self) -> None:
        if not isinstance(self.images, str) or not is_image_kind(self.images):
            raise ValueError(
                f'fast_lane.images is {self.images!r}; expected one of '
                f'{", ".join(map(repr, IMAGE_KINDS))}'
            )
        room = self.stream_cache_gb
        if isinstance(room, bool) or not isinstance(room, int | float) or not room >= 0:
            raise ValueError(
                f'fast_lane.stream_cache_gb is {room!r}; expected gigabytes, 0 or more'
            )
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(
                    f'fast_lane.{name} is {value!r}; expected one of '
                    f'{", ".join(map(repr, choices))}'
                )
        if not isinstance(self.cuda_graphs, bool):
            raise ValueError(
                f'fast_lane.cuda_graphs is {self.cuda_graphs!r}; expected True or False'
            )
        if self.cuda_graphs and self.compile is not None:
            raise ValueError(
                f'fast_lane.cuda_graphs is True and fast_lane.compile is {self.compile!r}; '
                "expected one of them. Fix: compile='reduce-overhead' has graphs of its own"
            )
        count = self.workers
        is_count = isinstance(count, int) and not isinstance(count, bool) and count >= 0
        if count is not None and not is_count:
            raise ValueError(
                f'fast_lane.workers is {count!r}; expected a number of processes, or None'
            )
        if self.cache_dir is not None and not isinstance(self.cache_dir, str):
            raise ValueError(
                f'fast_lane.cache_dir is {self.cache_dir!r}; expected the path of a '
                'folder, or None'
            )


def read_settings(values: Any) -> FastLaneSettings:
    """A config's `fast_lane` -> settings.

    Raises:
        ValueError: not a dict, or a setting that does not exist.
    """
    if not isinstance(values, Mapping):
        raise ValueError(
            f'fast_lane is {values!r}; expected a dict of settings. Fix: fast_lane=dict()'
        )
    known = [field.name for field in fields(FastLaneSettings)]
    for name in values:
        if name not in known:
            raise ValueError(
                f'fast_lane.{name} does not exist; the settings are {", ".join(known)}'
            )
    return FastLaneSettings(**values)


def with_fast_lane(base: MutableMapping[str, Any], **settings: Any) -> dict[str, Any]:
    """Let a config train and evaluate on the fast lane, as `--fast` does.

    In a config file, below `_base_`::

        from gm_pose import with_fast_lane

        with_fast_lane(_base_, images='crops')

    gm_pose's commands (`gm_pose train`, `mim train gm_pose`, the same for `test`) change
    the merged config when a run starts, see `apply_fast_lane`; a script of your own calls
    that function before it builds the runner.

    Args:
        base: `_base_`, or a loaded config; its `fast_lane` is set.
        **settings: see `FastLaneSettings`.

    Returns:
        The settings, a plain dict.

    Raises:
        ValueError: a setting or value that does not exist.
    """
    given = base.get('fast_lane')
    own = {} if given is None else asdict(read_settings(given))
    values = asdict(read_settings({**own, **settings}))
    base['fast_lane'] = values
    return dict(values)
