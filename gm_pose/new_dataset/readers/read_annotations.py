"""Which format a file of annotations has, and its reader."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

from gm_pose.new_dataset.keypoint_data import KeypointData
from gm_pose.new_dataset.readers import coco, cvat_xml, deeplabcut, label_studio, sleap
from gm_pose.runs.user_errors import UserError

__all__ = ['FORMATS', 'find_format', 'read_annotations']

FORMATS = {
    'coco': 'COCO keypoints (also of CVAT and Roboflow)',
    'cvat': 'CVAT for images 1.1',
    'label-studio': 'Label Studio JSON',
    'deeplabcut': 'DeepLabCut CSV',
    'sleap': 'SLEAP .slp',
}
# What to export instead of what no reader is here for.
ADVICE = {
    '.h5': 'DeepLabCut writes a .csv beside each CollectedData_*.h5; give that one. Of '
    "SLEAP's analysis .h5 give the project, .slp",
    '.hdf5': 'give the .csv (DeepLabCut) or the .slp (SLEAP) that it was made from',
    '.zip': 'unpack it and give the annotation file inside',
    '.txt': "YOLO's label files name no joints; export COCO keypoints",
    '.yaml': "YOLO's label files name no joints; export COCO keypoints",
    '.pkl': 'pickles run code when they are read; export COCO keypoints or .slp',
}


def find_format(path: Path) -> str:
    """File -> name of its format, by its ending and its first bytes.

    Raises:
        UserError: no reader; the text names what to export instead.
    """
    ending = path.suffix.lower()
    if ending == '.slp':
        return 'sleap'
    if ending == '.csv':
        return 'deeplabcut'
    with open(path, 'rb') as file:
        head = file.read(4096)
    if not head:
        raise UserError(f'{path} is empty; expected a file of annotations')
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.decode('utf-16', 'ignore').encode()  # the reader says if it may be
    head = head.lstrip(b'\xef\xbb\xbf \t\r\n')
    if head.startswith(b'<'):
        return 'cvat'
    if head.startswith(b'['):
        return 'label-studio'
    if head.startswith(b'{') and ending not in ADVICE:
        return 'coco'
    advice = ADVICE.get(ending, 'export COCO keypoints (JSON)')
    if ending == '.h5' and path.with_suffix('.csv').is_file():
        # the same labels; reading the .h5 would take PyTables, which may unpickle
        advice = f'{path.with_suffix(".csv")}, which lies beside it'
    raise UserError(
        f'{path} has no format that is read here: {", ".join(FORMATS.values())}. '
        f'Fix: {advice}'
    )


def read_annotations(
    path: Path,
    images: Path,
    format_name: str | None = None,
    category: str | None = None,
    joint_names: list[str] | None = None,
) -> KeypointData:
    """File of annotations -> people in COCO's fields.

    Args:
        path: the file.
        images: folder of its images.
        format_name: one of FORMATS; None finds it.
        category: the one to take, where a file has several with keypoints.
        joint_names: in place of the file's.

    Raises:
        UserError: the file cannot be read, names no joints, or has nobody in it; or a
            package is missing, whose command the text has.
    """
    if not path.is_file():
        raise UserError(f'{path} does not exist; expected a file of annotations')
    kind = format_name or find_format(path)
    if kind == 'coco':
        data = coco.read_coco(path, category)
    elif kind == 'cvat':
        data = cvat_xml.read_cvat(path, images, category)
    elif kind == 'label-studio':
        data = label_studio.read_label_studio(path, images, joint_names)
    elif kind == 'deeplabcut':
        data = deeplabcut.read_deeplabcut(path, images)
    else:
        data = sleap.read_sleap(path, images)
    data.path = str(path)
    if joint_names is not None:
        _rename(data, joint_names)
    twice = sorted({n for n in data.joint_names if data.joint_names.count(n) > 1})
    if twice:
        raise UserError(
            f'{path} names the joints {", ".join(twice)} twice. Fix: --joints NAME,NAME,...'
        )
    for k, name in enumerate(data.joint_names, 1):
        if not name.strip() or not name.isprintable():
            raise UserError(
                f'{path}: the name of joint {k} is {name!r}; expected text. Fix: --joints '
                'NAME,NAME,...'
            )
    for entry in data.annotations:
        if not isinstance(entry.get('keypoints', []), list):
            raise UserError(
                f'{path}: keypoints of annotation {entry.get("id")} are '
                f'{str(entry["keypoints"])[:40]}; expected a list of x, y, visibility'
            )
    if not any(any(a.get('keypoints', ())[2::3]) for a in data.annotations):
        what = 'has no labelled joint; expected annotated people'
        if not data.images and data.notes:
            what = 'is of other images than those in --images'
        notes = ''.join(f'; {note}' for note in data.notes)
        raise UserError(f'{path} {what}{notes}')
    return data


def _rename(data: KeypointData, names: list[str]) -> None:
    old = data.joint_names
    if old and len(old) != len(names):
        raise UserError(
            f'--joints has {len(names)} names and the annotations have {len(old)} '
            f'joints: {", ".join(old)}'
        )
    if old and old != names:
        data.notes.append(f'joints have the names of --joints, not {json.dumps(old)}')
    elif not old:
        data.notes.append('joints have the names of --joints')
    data.joint_names = [*names]
