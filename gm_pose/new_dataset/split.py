"""Training and validation images of a file that has no split."""

from __future__ import annotations

import numpy as np

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.runs.user_errors import UserError

__all__ = ['split_images']


def split_images(
    data: KeypointData, share: float, seed: int
) -> tuple[list[dict], list[dict]]:
    """Images with people -> those for training, those for validation.

    By image, so that people of one photograph, and repeats of one person, are on one side.
    The same seed and file give the same split, in whatever order the file lists images.

    Args:
        share: part of the images that is for validation, above 0 and below 1.
        seed: of the permutation.

    Raises:
        UserError: fewer than two images with people, or a share out of range.
    """
    if not 0 < share < 1:
        raise UserError(f'--val-share is {share:g}; expected above 0 and below 1')
    used = {
        a['image_id'] for a in data.annotations if any(a.get('keypoints', ())[2::3])
    }
    images = sorted(
        (i for i in data.images if i['id'] in used), key=lambda i: str(i['file_name'])
    )
    if len(images) < 2:
        raise UserError(
            f'{len(images)} image with people; expected at least 2, one for training and '
            'one for validation. Fix: annotate more, or give --val FILE'
        )
    count = min(max(round(share * len(images)), 1), len(images) - 1)
    order = np.random.default_rng(seed).permutation(len(images))
    chosen = set(order[:count].tolist())
    train = [image for n, image in enumerate(images) if n not in chosen]
    return train, [images[n] for n in sorted(chosen)]
