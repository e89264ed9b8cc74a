"""What a run's config says: data, scoring, target sigmas, and its differences."""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mmengine.config import Config

__all__ = [
    'ConfigDifference',
    'Targets',
    'compare_configs',
    'find_base',
    'find_config',
    'read_scoring',
    'read_targets',
    'read_test_files',
]


class Targets(NamedTuple):
    """Target heatmaps that a run trained on.

    Attributes:
        sigmas_cells: K sigmas.
        heatmap_size: (W, H) in cells.
        input_size: (w, h) in px.
    """

    sigmas_cells: list[float]
    heatmap_size: tuple[int, int]
    input_size: tuple[int, int]


class ConfigDifference(NamedTuple):
    """A setting that two configs do not share; None where one has none."""

    key: str
    before: str | None
    after: str | None


def read_test_files(cfg: Config) -> tuple[str | None, str | None]:
    """Config -> annotation file and image folder of its test."""
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    root = dataset.get('data_root') or ''
    own = dataset.get('ann_file')
    metric = _find_metric(cfg)
    annotations = metric.get('ann_file') or (own and osp.join(root, own))
    prefix = (dataset.get('data_prefix') or {}).get('img')
    folder = osp.join(root, prefix) if prefix is not None else None
    return annotations, folder


def read_scoring(cfg: Config) -> dict[str, Any]:
    """Config -> arguments of its `CocoMetric`."""
    return dict(_find_metric(cfg))


def _find_metric(cfg: Config) -> dict[str, Any]:
    """The first metric of the test that is one of COCO's kind, or an empty dict."""
    evaluator: Any = cfg.get('test_evaluator') or {}
    if isinstance(evaluator, dict) and 'metrics' in evaluator:
        evaluator = evaluator['metrics']
    metrics = evaluator if isinstance(evaluator, (list, tuple)) else [evaluator]
    for metric in metrics:
        if 'CocoMetric' in str(metric.get('type')):
            return metric
    return {}


def read_targets(cfg: Config, num_keypoints: int) -> Targets | None:
    """Config -> sigmas of its heatmaps; None for a codec without any.

    Raises:
        ValueError: the codec of the head refuses its arguments.
    """
    from mmpose.registry import KEYPOINT_CODECS

    settings = ((cfg.get('model') or {}).get('head') or {}).get('decoder')
    if not isinstance(settings, dict):
        return None
    codec = KEYPOINT_CODECS.build(dict(settings))
    sigmas = getattr(codec, 'sigmas_cells', getattr(codec, 'sigma', None))
    size, pixels = (getattr(codec, n, None) for n in ('heatmap_size', 'input_size'))
    if sigmas is None or size is None or pixels is None:
        return None
    try:
        values = [
            float(s) for s in (sigmas if hasattr(sigmas, '__len__') else [sigmas])
        ]
    except (TypeError, ValueError):  # MegviiHeatmap's pyramid, for one
        return None
    values = values * num_keypoints if len(values) == 1 else values
    if len(values) != num_keypoints:
        return None
    return Targets(values, (size[0], size[1]), (pixels[0], pixels[1]))


def find_config(name: str) -> Path | None:
    """File name of a run's config -> the file it came from.

    MMEngine writes the merged config and not where it came from. A config of this name is
    looked for in `configs` of the current folder, of gm_pose and of MMPose.
    """
    import mmpose

    import gm_pose

    roots = [Path('configs')]
    for package in (gm_pose, mmpose):
        folder = Path(package.__file__ or '').parent
        roots += [folder / '.mim' / 'configs', folder.parent / 'configs']
    return next((f for root in roots for f in sorted(root.rglob(name))), None)


def find_base(config: Path) -> Path | None:
    """Config file -> its first `_base_`; None without one."""
    from mmengine.config import Config

    bases = Config._get_base_files(str(config))
    return (config.parent / bases[0]).resolve() if bases else None


def compare_configs(before: Config, after: Config) -> list[ConfigDifference]:
    """Two merged configs -> the settings that differ, by dotted key."""
    old, new = (dict(_flatten(cfg._cfg_dict, '')) for cfg in (before, after))
    keys = [*old, *(key for key in new if key not in old)]
    return [
        ConfigDifference(key, old.get(key), new.get(key))
        for key in keys
        if old.get(key) != new.get(key) and not key.startswith(_NO_SETTINGS)
    ]


_NO_SETTINGS = ('work_dir', 'launcher', 'load_from', 'resume')


def _flatten(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """Leaves of nested dicts, and of lists that hold dicts."""
    if isinstance(node, dict) and node:
        for name, value in node.items():
            yield from _flatten(value, f'{key}.{name}' if key else str(name))
    elif isinstance(node, (list, tuple)) and any(isinstance(n, dict) for n in node):
        for place, value in enumerate(node):
            yield from _flatten(value, f'{key}[{place}]')
    else:
        yield key, repr(list(node) if isinstance(node, tuple) else node)
