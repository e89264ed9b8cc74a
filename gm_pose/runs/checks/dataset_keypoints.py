"""The joints of a dataset, as a config describes them."""

from typing import Any

__all__ = ['count_keypoints', 'get_metainfo']


def get_metainfo(dataset: dict) -> Any:
    """Dataset's config -> its metainfo, else that of its class, else None."""
    from mmpose.registry import DATASETS

    kind = DATASETS.get(dataset['type']) if 'type' in dataset else None
    return dataset.get('metainfo') or getattr(kind, 'METAINFO', None)


def count_keypoints(dataset: dict) -> int | None:
    """Dataset's config -> K of its metainfo, or None where the config does not say.

    Raises:
        FileNotFoundError: the metainfo names a file that does not exist.
    """
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    metainfo = get_metainfo(dataset)
    return parse_pose_metainfo(dict(metainfo))['num_keypoints'] if metainfo else None
