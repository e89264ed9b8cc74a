"""What hooks ask of a batch's `data_samples`, in either of its forms.

MMPose's data loaders give a list of `PoseDataSample`. With `--fast` it is a dict of arrays,
one row a sample: `visible` (B, K), `keypoints_px` (B, K, 2), `sample_indices` (B,),
`skipped_images` (strings).
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gm_pose.runs.data_checks.unreadable_image import SKIPPED

__all__ = ['get_samples', 'has_target', 'iter_skipped_images', 'list_sample_names']


def get_samples(batch: Any) -> Any:
    """`data_samples` of a batch, empty where it has none."""
    return (batch.get('data_samples') or []) if isinstance(batch, dict) else []


def iter_skipped_images(samples: Any) -> Iterator[str]:
    """'path: reason' of every unreadable image that another sample replaced."""
    if isinstance(samples, dict):
        yield from samples.get(SKIPPED, ())
        return
    for sample in samples:
        # Not `sample.metainfo`, which copies all fields of every sample.
        yield from getattr(sample, SKIPPED, ())


def has_target(samples: Any, input_size: tuple[int, int] | None = None) -> bool:
    """Whether a joint of the batch has a weight; True where the codec makes no weights.

    Args:
        samples: `data_samples`; of a list the first sample with a target decides.
        input_size: (w, h) of the crops in px, for a dict's joints: one outside its crop
            has no target.
    """
    if isinstance(samples, dict):
        return _has_target_rows(samples, input_size)
    return any(map(_has_target_sample, samples))


def _has_target_sample(sample: Any) -> bool:
    labels = getattr(sample, 'gt_instance_labels', None)
    weights = getattr(labels, 'keypoint_weights', None)  # (N, K)
    return weights is None or bool((weights > 0).any())


def _has_target_rows(samples: dict, input_size: tuple[int, int] | None) -> bool:
    has_weight = np.asarray(samples['visible']) > 0
    if 'dataset_keypoint_weights' in samples:
        has_weight = has_weight & (np.asarray(samples['dataset_keypoint_weights']) > 0)
    if input_size is not None and 'keypoints_px' in samples:
        places = np.asarray(samples['keypoints_px'])
        is_inside = (places >= 0) & (places < np.asarray(input_size))
        has_weight = has_weight & is_inside[..., 0] & is_inside[..., 1]
    return bool(has_weight.any())


def list_sample_names(samples: Any, dataset: Any = None) -> list[str]:
    """Annotation and image id of each sample, for messages.

    Args:
        samples: `data_samples`.
        dataset: looks a dict's rows up; without it they are named by their index.
    """
    if isinstance(samples, dict):
        indices: Iterable = samples.get('sample_indices', ())
        return [_name_row(int(index), dataset) for index in indices]
    return [
        f'id {sample.metainfo.get("id")} in image {sample.metainfo.get("img_id")}'
        for sample in samples
    ]


def _name_row(index: int, dataset: Any) -> str:
    try:
        info = dataset.get_data_info(index)
        return f'id {info["id"]} in image {info["img_id"]}'
    except Exception:  # naming a sample must not hide what is wrong with it
        return f'sample {index} of the dataset'
