"""The metainfo file of a new dataset, as text."""

from __future__ import annotations

import colorsys
import textwrap
from collections.abc import Sequence

from gm_pose.new_dataset.joints import Joint

__all__ = ['format_metainfo']

LEFT, RIGHT, MIDDLE = (0, 180, 90), (230, 110, 0), (60, 120, 230)  # RGB


def format_metainfo(
    name: str,
    joints: Sequence[Joint],
    links: Sequence[tuple[int, int]],
    links_from: str,
    pairs_from: str,
    made_by: str,
) -> str:
    """Joints and links -> content of a metainfo file (Python).

    Args:
        name: the dataset's.
        joints: K.
        links: pairs of joint indices.
        links_from: who says which joints are linked.
        pairs_from: who says which joints are left and right.
        made_by: the command.
    """
    width = max(len(repr(j.name)) for j in joints)
    lines = [
        f'# Joints of {name}, as MMPose reads them. Written by:',
        f'#   {made_by}',
        'dataset_info = dict(',
        f'    dataset_name={name!r},',
        *_comment(f'swap: joints that change places in a mirrored image. {pairs_from}'),
        "    # type: half of the body, for RandomHalfBody ('': not known)",
        '    keypoint_info={',
    ]
    for k, joint in enumerate(joints):
        lines.append(
            f'        {k}: dict(name={joint.name!r}, id={k}, color={_colour(k, joints)}, '
            f'type={joint.part!r}, swap={joint.swap!r}),'
        )
    lines += ['    },', *_comment(links_from), '    skeleton_info={']
    for n, (a, b) in enumerate(links):
        first, second = joints[a], joints[b]
        colour = _colour(a if _side(first, joints) else b, joints)
        lines.append(
            f'        {n}: dict(link=({first.name!r}, {second.name!r}), id={n}, '
            f'color={colour}),'
        )
    lines += [
        '    },',
        '    # of the loss, used with use_dataset_keypoint_weights=True alone',
        f'    joint_weights={[round(j.weight, 3) for j in joints]},',
        '    # OKS sigmas: how far annotators differ, as a fraction of sqrt(area). They',
        '    # decide AP; keep them once results are reported.',
        '    sigmas=[',
    ]
    for joint in joints:
        lines.append(
            f'        {f"{joint.oks_sigma:g},":8}# {joint.name!r:{width}}  {joint.reason}'
        )
    return '\n'.join([*lines, '    ],', ')', ''])


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, 88, initial_indent='    # ', subsequent_indent='    #   '
    )


def _side(joint: Joint, joints: Sequence[Joint]) -> int:
    """1 for the first joint of a pair, 2 for the second, 0 for the middle."""
    if not joint.swap:
        return 0
    names = [j.name for j in joints]
    return 1 if names.index(joint.name) < names.index(joint.swap) else 2


def _colour(k: int, joints: Sequence[Joint]) -> list[int]:
    """One hue for each side, with a shade for each joint."""
    base = (MIDDLE, LEFT, RIGHT)[_side(joints[k], joints)]
    hue, light, saturation = colorsys.rgb_to_hls(*(c / 255 for c in base))
    light = min(0.75, light + 0.25 * k / max(len(joints), 1))
    return [round(255 * c) for c in colorsys.hls_to_rgb(hue, light, saturation)]
