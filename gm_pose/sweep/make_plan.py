"""Config and the user's arguments -> plan of a sweep."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gm_pose.codecs.with_codec import with_codec
from gm_pose.ops.skeleton import Skeleton
from gm_pose.report.reading.joints import read_config_joints
from gm_pose.runs.user_errors import UserError, as_user_errors
from gm_pose.sweep.part_files import PartRequest, Parts, find_parts, find_training_data
from gm_pose.sweep.plan import Plan
from gm_pose.sweep.read_candidates import read_candidates
from gm_pose.sweep.run_config import hash_config

if TYPE_CHECKING:
    from mmengine.config import Config

__all__ = ['SweepRequest', 'make_plan']


@dataclass(frozen=True)
class SweepRequest:
    """What a user asks for.

    Attributes:
        config: file name of the config, for the result.
        sigmas: words of `--sigmas`.
        num_seeds: trainings of each candidate.
        parts: of the data.
    """

    config: str
    sigmas: Sequence[str]
    num_seeds: int
    parts: PartRequest


def make_plan(cfg: Config, request: SweepRequest, folder: Path) -> tuple[Plan, Parts]:
    """Merged config -> plan, and the data with the files that are still to be written.

    Args:
        cfg: of a top-down heatmap model on one COCO-style dataset.
        request: what is asked for.
        folder: of the sweep; nothing is written into it.

    Raises:
        UserError: the config is none of these, its metainfo has no OKS sigmas, or the
            request does not fit it.
    """
    find_training_data(cfg)
    skeleton, heatmap_size = _read_joints(cfg)
    candidates = read_candidates(request.sigmas, skeleton, heatmap_size)
    data = find_parts(cfg, request.parts, folder / 'parts')
    is_split = not (request.parts.choose and request.parts.report)
    plan = Plan(
        request.config,
        hash_config(cfg),
        tuple(candidates),
        tuple(range(request.num_seeds)),
        data.parts,
        data.kept_together,
        request.parts.split_seed if is_split else None,
        skeleton.joint_names,
    )
    return plan, data


def _read_joints(cfg: Config) -> tuple[Skeleton, tuple[int, int]]:
    """Config -> its joints, and the size [W, H] of its heatmaps in cells."""
    with as_user_errors(ValueError, TypeError, KeyError, AttributeError):
        codec = with_codec(copy.deepcopy(cfg))
    joints = read_config_joints(cfg.train_dataloader.dataset)
    if joints is None:
        raise UserError(
            'train_dataloader.dataset has no metainfo; expected the joints and their OKS '
            "sigmas. Fix: metainfo=dict(from_file='FILE.py')"
        )
    sigmas = tuple(float(s) for s in joints.oks_sigmas)
    width, height = codec['heatmap_size']
    skeleton = Skeleton(joints.source, joints.names, joints.mirror, sigmas)
    return skeleton, (width, height)
