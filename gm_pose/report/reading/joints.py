"""The joints of the people in a report: names, sides, links, and OKS sigmas."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.ops.skeleton import COCO
from gm_pose.runs.data_checks.joint_sides import find_counterparts
from gm_pose.runs.data_checks.skeleton_links import read_skeleton_links
from gm_pose.runs.user_errors import UserError

__all__ = [
    'Joints',
    'read_category_joints',
    'read_config_joints',
    'read_metainfo_joints',
]


@dataclass(frozen=True)
class Joints:
    """K joints, in the order of the annotations' keypoints.

    Attributes:
        names: K names.
        mirror: K indices of the joint of the other side, or of the joint itself.
        links: pairs of joints that a line connects in pictures.
        oks_sigmas: (K,) float64, fractions of sqrt(area).
        source: where they were read.
    """

    names: tuple[str, ...]
    mirror: tuple[int, ...]
    links: tuple[tuple[int, int], ...]
    oks_sigmas: NDArray[np.float64]
    source: str

    def __len__(self) -> int:
        return len(self.names)


def read_metainfo_joints(dataset: str) -> Joints:
    """Name of an MMPose dataset, or a metainfo file -> joints.

    Raises:
        UserError: no such dataset or file, or one without OKS sigmas.
    """
    from mmengine import Config

    from gm_pose.codecs.dataset_metainfo import find_metainfo_files, load_skeleton

    try:
        skeleton = load_skeleton(dataset)
    except ValueError as error:
        raise UserError(f'--metainfo: {error}') from error
    path = str(find_metainfo_files().get(dataset, dataset))
    info = Config.fromfile(path).dataset_info
    if skeleton.oks_sigmas is None:
        raise UserError(f'--metainfo: {dataset} has no OKS sigmas; expected `sigmas`')
    names = skeleton.joint_names
    links = [
        (names.index(link['link'][0]), names.index(link['link'][1]))
        for link in (info.get('skeleton_info') or {}).values()
    ]
    return Joints(
        names, skeleton.mirror, tuple(links), np.array(skeleton.oks_sigmas), dataset
    )


def read_config_joints(dataset: dict[str, Any]) -> Joints | None:
    """Dataset of a run's config -> joints; None where the config names none.

    Raises:
        UserError: its metainfo has no OKS sigmas.
    """
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    from gm_pose.runs.checks.dataset_keypoints import get_metainfo

    metainfo = get_metainfo(dataset)
    if not metainfo:
        return None
    found = parse_pose_metainfo(dict(metainfo))
    names = tuple(found['keypoint_id2name'][k] for k in range(found['num_keypoints']))
    sigmas = found.get('sigmas')
    if sigmas is None or len(sigmas) != len(names):
        raise UserError(
            f'metainfo of {found.get("dataset_name")} has no OKS sigma for each joint. '
            'Fix: `gm_pose estimate-sigmas`, or --metainfo NAME'
        )
    return Joints(
        names,
        tuple(int(k) for k in found['flip_indices']),
        tuple((int(a), int(b)) for a, b in found.get('skeleton_links') or ()),
        np.array(sigmas, float),
        str(found.get('dataset_name')),
    )


def read_category_joints(content: dict[str, Any], path: str) -> Joints:
    """Categories of a COCO file -> joints; OKS sigmas where they are COCO's 17.

    Raises:
        UserError: no category names joints, or they are others than COCO's.
    """
    categories = content.get('categories') or []
    posed = [c for c in categories if isinstance(c, dict) and c.get('keypoints')]
    if not posed:
        raise UserError(
            f'no category of {path} names its keypoints. Fix: --metainfo with the name of '
            'an MMPose dataset, or a metainfo file'
        )
    names = tuple(str(name) for name in posed[0]['keypoints'])
    if names != COCO.joint_names:
        raise UserError(
            f"OKS sigmas of {path}'s {len(names)} joints are not known: they are not "
            "COCO's 17. Fix: --metainfo with the name of an MMPose dataset, or a metainfo "
            'file (`gm_pose estimate-sigmas` finds sigmas)'
        )
    pairs = find_counterparts(names)
    links = tuple(read_skeleton_links(posed[0], len(names), path))
    mirror = tuple(pairs.get(k, k) for k in range(len(names)))
    return Joints(names, mirror, links, np.array(COCO.oks_sigmas), 'coco')
