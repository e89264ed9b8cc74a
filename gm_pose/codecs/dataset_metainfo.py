"""Skeletons of MMPose's datasets, read from its metainfo files or from the user's own."""

import warnings
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmengine import Config

from gm_pose.ops.skeleton import Skeleton

# In these two files of MMPose 1.3.2 the OKS sigmas stand in COCO's order while the joints
# stand in OpenPose's, so that, for one, 'right_shoulder' carries the constant of an eye.
MISORDERED_OKS_SIGMAS = frozenset({'coco_openpose', 'coco_wholebody_openpose'})


@lru_cache(maxsize=1)
def find_metainfo_files() -> dict[str, Path]:
    """Metainfo files that the installed MMPose ships, by dataset name (file stem).

    Raises:
        FileNotFoundError: the installed MMPose carries no metainfo files.
    """
    spec = find_spec('mmpose')
    roots = [Path(p) for p in (spec.submodule_search_locations or [])] if spec else []
    for root in roots:
        # `.mim` in an installed package, the parent in a source checkout
        for configs in (root / '.mim' / 'configs', root.parent / 'configs'):
            files = sorted((configs / '_base_' / 'datasets').glob('*.py'))
            if files:
                return {path.stem: path for path in files if path.stem != '__init__'}
    raise FileNotFoundError(
        'the installed mmpose carries no configs/_base_/datasets, so that datasets '
        'cannot be looked up by name: give the path of a metainfo file instead'
    )


def parse_skeleton(info: dict[str, Any], name: str) -> Skeleton:
    """MMPose's `dataset_info` dict -> Skeleton.

    Raises:
        ValueError: no keypoints, a joint named twice, a `swap` partner that does not
            exist, or a number of sigmas that is not K.
    """
    keypoint_info = info.get('keypoint_info')
    if not keypoint_info:
        raise ValueError(
            f"metainfo of '{name}' has no keypoint_info: no joints to read"
        )
    joints = [keypoint_info[key] for key in sorted(keypoint_info, key=int)]
    names = tuple(str(joint['name']) for joint in joints)
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ValueError(f"metainfo of '{name}' names a joint twice: {twice}")
    mirror = []
    for joint in joints:
        partner = joint.get('swap') or joint['name']
        if partner not in names:
            raise ValueError(
                f"metainfo of '{name}': joint '{joint['name']}' swaps with "
                f"'{partner}', which is not among its joints"
            )
        mirror.append(names.index(partner))
    one_way = [n for k, n in enumerate(names) if mirror[mirror[k]] != k]
    if one_way:  # in MMPose's own deepfashion2, for one
        warnings.warn(
            f"metainfo of '{name}': {one_way} have a swap partner that does not swap back; "
            'all joints that are connected by it get the same sigma',
            stacklevel=2,
        )
    sigmas = [float(s) for s in info.get('sigmas') or ()]
    if sigmas and len(sigmas) != len(names):
        raise ValueError(
            f"metainfo of '{name}' has {len(sigmas)} sigmas for {len(names)} joints"
        )
    return Skeleton(name, names, tuple(mirror), tuple(sigmas) or None)


def load_skeleton(dataset: str) -> Skeleton:
    """Name of an MMPose dataset, or path of a metainfo file -> Skeleton.

    Args:
        dataset: a file stem under MMPose's ``configs/_base_/datasets`` ('coco', 'mpii',
            'ap10k', ...), or the path of a metainfo file (.py, .json, .yaml) that
            defines ``dataset_info`` as MMPose's own files do. A .py file is executed,
            as MMEngine does with every config.

    Raises:
        ValueError: neither such a dataset nor such a file; the names that exist are
            listed. Or a file without a usable `dataset_info`.
    """
    path = Path(dataset)
    if path.suffix in ('.py', '.json', '.yaml', '.yml'):
        if not path.is_file():
            raise ValueError(f"metainfo file '{dataset}' does not exist")
        info = Config.fromfile(str(path)).get('dataset_info')
        if info is None:
            raise ValueError(
                f"'{dataset}' defines no dataset_info: a metainfo file looks like those "
                'in configs/_base_/datasets of MMPose'
            )
        return parse_skeleton(info, str(info.get('dataset_name', path.stem)))
    files = find_metainfo_files()
    if dataset not in files:
        raise ValueError(
            f"unknown dataset '{dataset}': MMPose ships {sorted(files)}, or give the "
            'path of your own metainfo file (.py, .json or .yaml)'
        )
    if dataset in MISORDERED_OKS_SIGMAS:
        warnings.warn(
            f"MMPose's metainfo of '{dataset}' lists its OKS sigmas in COCO's joint "
            'order, not in its own: a table derived from them gives joints the '
            "constants of others; name the joints yourself or use oks='coco'",
            stacklevel=2,
        )
    return parse_skeleton(Config.fromfile(str(files[dataset])).dataset_info, dataset)
