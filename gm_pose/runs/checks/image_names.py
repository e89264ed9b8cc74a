"""Images that an annotation file names, looked for where the config says they are."""

import os.path as osp
from typing import Any

from gm_pose.runs.checks.component import Dataset
from gm_pose.runs.checks.data_files import join_root
from gm_pose.runs.data_checks.file_names import explain_missing_images
from gm_pose.runs.problem import Problem

__all__ = ['choose_images', 'find_missing_images']

_LOOKED_AT = 20
"""Images looked for: if all are missing, the folder or the names are wrong, not a few."""


def choose_images(images: list[dict]) -> list[dict]:
    """Images spread over a list; of those that were chosen, all."""
    return images[:: max(1, len(images) // _LOOKED_AT)][:_LOOKED_AT]


def find_missing_images(dataset: Dataset, images: list[dict]) -> list[Problem]:
    """A dataset and the list `images` of its file -> a problem if none of them is there."""
    prefix: Any = (dataset.get('data_prefix') or {}).get('img', '')
    folder = join_root(dataset, prefix) if isinstance(prefix, str) else '://'
    if '://' in folder or not osp.isdir(folder or '.'):
        return []  # `check_data_files` reports a folder that is missing
    names = [str(image['file_name']) for image in choose_images(images)]
    if any(osp.exists(osp.join(folder, name)) for name in names):
        return []
    fault, fix = explain_missing_images(names, folder) or (
        f'`file_name` is {names[0]}, which is not there',
        f'set {dataset.path}.data_prefix.img to the folder of the images',
    )
    return [
        Problem(
            f'{dataset.path}.data_prefix.img',
            f'is {folder}, with none of {len(names)} images looked for: {fault}',
            fix,
        )
    ]
