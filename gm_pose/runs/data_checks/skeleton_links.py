"""The links of a skeleton as a category of a COCO file names them."""

from __future__ import annotations

from typing import Any

from gm_pose.runs.user_errors import UserError

__all__ = ['read_skeleton_links']


def read_skeleton_links(
    category: dict[str, Any], num_keypoints: int, path: str
) -> list[tuple[int, int]]:
    """Category of a file -> pairs of joints, counted from 0; links to others are left out.

    Example:
        >>> read_skeleton_links(dict(skeleton=[[1, 2], [2, 9]]), 3, 'people.json')
        [(0, 1)]

    Raises:
        UserError: the category's `skeleton` is no list of pairs of numbers.
    """
    skeleton = category.get('skeleton') or ()
    try:
        links = [(int(a) - 1, int(b) - 1) for a, b in skeleton]  # COCO counts from 1
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f'{path}: the skeleton of category {category.get("name")!r} is '
            f'{str(skeleton)[:40]}; expected pairs of joints, [[1, 2], ...]'
        ) from error
    return [link for link in links if 0 <= min(link) <= max(link) < num_keypoints]
