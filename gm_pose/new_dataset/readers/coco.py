"""COCO keypoint files, and those that CVAT, Roboflow and others export as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.runs.data_checks.annotation_table import guess_keypoint_count
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.data_checks.schema import check_lists
from gm_pose.runs.data_checks.skeleton_links import read_skeleton_links
from gm_pose.runs.user_errors import UserError

__all__ = ['read_coco']


def read_coco(path: Path, category: str | None) -> KeypointData:
    """COCO keypoint file -> people of one category.

    Joint names are empty where the category has none and `--joints` must say them.

    Raises:
        UserError: no such file, or several categories with keypoints and none chosen.
    """
    content = read_json(str(path))
    if not isinstance(content, dict):
        raise UserError(f'{path} is no COCO file: a {type(content).__name__}')
    check_lists(content, str(path), ('images', 'annotations'))
    annotations = content['annotations']
    chosen, left = _choose_category(path, content, category)
    notes = []
    if left:
        others = ', '.join(sorted({str(c.get('name')) for c in left.values()}))
        kept = [a for a in annotations if a.get('category_id') not in left]
        if len(kept) < len(annotations):
            number = len(annotations) - len(kept)
            notes.append(
                f'{number} annotations of other categories ({others}) left out'
            )
            annotations = kept
    count = guess_keypoint_count(dict(content, annotations=annotations))
    names = [str(name) for name in chosen.get('keypoints') or ()]
    links = read_skeleton_links(chosen, count, str(path))
    lost = len(chosen.get('skeleton') or ()) - len(links)
    if lost:
        notes.append(
            f'{lost} links of the category left out: they name joints that are not there '
            f'(1 is the first, {count} the last)'
        )
    if names and len(names) != count:
        raise UserError(
            f'{path}: category {chosen.get("name")!r} names {len(names)} joints and its '
            f'annotations have {count}. Fix: --joints with {count} names, in their order'
        )
    return KeypointData(
        source='COCO keypoints',
        images=content['images'],
        annotations=annotations,
        joint_names=names,
        links=links,
        category=dict(id=chosen.get('id', 1), name=str(chosen.get('name', 'object'))),
        notes=notes,
        is_own_format=True,
    )


def _choose_category(
    path: Path, content: dict[str, Any], name: str | None
) -> tuple[dict[str, Any], dict[Any, dict[str, Any]]]:
    """Content -> the category with keypoints, and the others by id."""
    categories = [c for c in content.get('categories') or () if isinstance(c, dict)]
    used = {a.get('category_id') for a in content['annotations'] if a.get('keypoints')}
    posed = [c for c in categories if c.get('id') in used]
    if name is not None:
        posed = [c for c in posed if c.get('name') == name]
        if len(posed) != 1:
            known = [c.get('name') for c in categories]
            raise UserError(
                f'--category {name} is not one with keypoints in {path}; it has {known}'
            )
    if len(posed) > 1:
        names = ', '.join(str(c.get('name')) for c in posed)
        raise UserError(
            f'{path} has keypoints of {len(posed)} categories: {names}. A model has one '
            'set of joints. Fix: --category NAME'
        )
    chosen = posed[0] if posed else {}
    return chosen, {c.get('id'): c for c in categories if c is not chosen}
