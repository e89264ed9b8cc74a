"""People as rows of a table, COCO results, supervision's key points."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gm_pose.inference.people_fields import PeopleFields
from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    import pandas
    import supervision

__all__ = [
    'ARRAYS',
    'COLUMNS',
    'import_extra',
    'make_coco_results',
    'make_columns',
    'make_dataframe',
    'make_supervision_keypoints',
]

ARRAYS = (
    'keypoints_px',
    'keypoint_scores',
    'covariances_px2',
    'presence',
    'scores',
    'bboxes_px',
    'bbox_scores',
)
"""Fields of `People` with a row for each person."""

COLUMNS = (
    'source',
    'frame',
    'person',
    'track_id',
    'person_score',
    'joint',
    'x_px',
    'y_px',
    'score',
    'presence',
    'cov_xx_px2',
    'cov_xy_px2',
    'cov_yy_px2',
)
"""Columns of the table of joints; frame is -1 for pictures, track_id without a track."""


def import_extra(module: str, extra: str) -> Any:
    """Import an optional package.

    Raises:
        UserError: it is not installed; the text has the command.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise UserError(
            f'{module} cannot be imported ({error}). Fix: pip install "gm_pose[{extra}]"'
        ) from error


def _make_readable(name: str) -> str:
    """Bytes of a file name that are no UTF-8, which tables cannot hold, as ``\\udce9``."""
    return name.encode('utf-8', 'backslashreplace').decode()


def make_columns(people: PeopleFields) -> dict[str, Any]:
    """People of one image -> columns of N K rows."""
    count, joints = people.keypoint_scores.shape
    tracks = people.track_ids
    tracks = np.full(count, -1) if tracks is None else tracks
    covariances = people.covariances_px2.reshape(-1, 4)
    points = people.keypoints_px.reshape(-1, 2)
    values = (
        [_make_readable(people.source)] * (count * joints),
        np.full(count * joints, -1 if people.frame is None else people.frame),
        np.repeat(np.arange(count), joints),
        np.repeat(tracks, joints),
        np.repeat(people.scores, joints),
        list(people.joint_names) * count,
        points[:, 0],
        points[:, 1],
        people.keypoint_scores.reshape(-1),
        people.presence.reshape(-1),
        covariances[:, 0],
        covariances[:, 1],
        covariances[:, 3],
    )
    return dict(zip(COLUMNS, values, strict=True))


def make_dataframe(images: Iterable[PeopleFields]) -> pandas.DataFrame:
    """People of several images -> a row for each joint."""
    pandas = import_extra('pandas', 'predict')
    parts = [make_columns(people) for people in images]
    parts = [part for part in parts if part['source']]
    if not parts:
        return pandas.DataFrame({name: [] for name in COLUMNS})
    columns = {name: np.concatenate([p[name] for p in parts]) for name in COLUMNS}
    return pandas.DataFrame(columns)


def make_coco_results(
    people: PeopleFields, image_id: int | str | None = None
) -> list[dict[str, Any]]:
    """People of one image -> COCO keypoint results.

    Besides COCO's own fields: `keypoint_covariances`, xx, xy, yy in px^2 for each joint;
    `keypoint_presence`; `bbox_score`; `track_id` where there is one.
    """
    if image_id is None:
        image_id = people.image_id if people.image_id is not None else 0
    joints = np.concatenate(
        [people.keypoints_px, people.keypoint_scores[..., None]], -1
    )
    shape = (*people.keypoint_scores.shape, 4)  # N may be 0
    covariances = people.covariances_px2.reshape(shape)[..., [0, 1, 3]]
    corners, ends = people.bboxes_px[:, :2], people.bboxes_px[:, 2:]
    boxes = np.concatenate([corners, ends - corners], 1)
    results = []
    for k in range(len(people)):
        result = dict(
            image_id=image_id,
            category_id=1,
            keypoints=joints[k].ravel().tolist(),
            score=float(people.scores[k]),
            bbox=boxes[k].tolist(),
            bbox_score=float(people.bbox_scores[k]),
            keypoint_covariances=covariances[k].tolist(),
            keypoint_presence=people.presence[k].tolist(),
        )
        if people.track_ids is not None:
            result['track_id'] = int(people.track_ids[k])
        results.append(result)
    return results


def make_supervision_keypoints(people: PeopleFields) -> supervision.KeyPoints:
    """People of one image -> supervision's key points, covariances in `data`."""
    key_points = import_extra('supervision', 'predict').KeyPoints
    if len(people) == 0:
        return key_points.empty()
    accepted = inspect.signature(key_points).parameters
    # the name until supervision 0.30
    name = 'keypoint_confidence' if 'keypoint_confidence' in accepted else 'confidence'
    options = {name: people.keypoint_scores.astype(np.float32)}
    if 'detection_confidence' in accepted:
        options['detection_confidence'] = people.scores.astype(np.float32)
    return key_points(
        xy=people.keypoints_px.astype(np.float32),
        class_id=np.zeros(len(people), int),
        data=dict(covariances_px2=people.covariances_px2, presence=people.presence),
        **options,
    )
