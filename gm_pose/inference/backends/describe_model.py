"""MMPose's dataset metainfo -> description of a model."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gm_pose.inference.backends.pose_backend import ModelDescription
from gm_pose.inference.models.metainfo import read_names, read_sigmas
from gm_pose.runs.user_errors import UserError

__all__ = ['describe_model']


def describe_model(
    metainfo: Mapping[str, Any],
    name: str,
    input_size: tuple[int, int],
    heatmap_size: tuple[int, int],
) -> ModelDescription:
    """Parsed metainfo -> description.

    Args:
        metainfo: as `mmpose.datasets.datasets.utils.parse_pose_metainfo` makes it; one
            from a checkpoint may hold anything and is checked.
        name: of the model, for messages and results.
        input_size: (w, h) px.
        heatmap_size: (W, H) cells.

    Raises:
        UserError: it is not of that kind, or contradicts itself.
    """
    try:
        names = read_names(metainfo)
        sigmas = metainfo.get('sigmas')
        known = sigmas is not None and len(sigmas) > 0
        return ModelDescription(
            name=name,
            joint_names=names,
            skeleton_links=tuple(
                (int(a), int(b)) for a, b in metainfo.get('skeleton_links') or ()
            ),
            flip_indices=tuple(int(k) for k in metainfo['flip_indices']),
            oks_sigmas=read_sigmas(sigmas) if known else None,
            input_size=input_size,
            heatmap_size=heatmap_size,
            joint_colours=_read_colours(metainfo.get('keypoint_colors')),
            link_colours=_read_colours(metainfo.get('skeleton_link_colors')),
            dataset=str(metainfo.get('dataset_name', '')),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f'no {error}' if isinstance(error, KeyError) else str(error)
        raise UserError(
            f'the dataset metainfo of {name} cannot be used ({reason}). Fix: give the '
            'config that it was trained with as MODEL and the checkpoint as --weights'
        ) from error


def _read_colours(colours: Any) -> tuple[tuple[int, int, int], ...]:
    if colours is None or len(colours) == 0:
        return ()
    rows = np.asarray(colours).astype(np.int64).clip(0, 255).reshape(-1, 3)
    return tuple((int(r), int(g), int(b)) for r, g, b in rows)
