"""`gm_pose new-dataset`: from annotations to a config that trains."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gm_pose.new_dataset.keypoint_data import KeypointData

DESCRIPTION = """Check annotations and write a folder with all that a training needs: a
metainfo file (joints, links, sides, OKS sigmas, each with its reason), a short config and,
where the annotations have no split or another format, annotation files in COCO's. Reads
COCO keypoints (also of CVAT and Roboflow), CVAT for images 1.1, Label Studio JSON,
DeepLabCut's CSV and SLEAP's .slp. The files given are never changed."""
EXAMPLE = """example:
  gm_pose new-dataset mouse.json --images photos --base res50"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add('annotations', type=Path, help='file of annotated people or animals')
    add(
        '--images', type=Path, required=True, metavar='DIR', help='folder of its images'
    )
    add('--val', type=Path, metavar='FILE', help='annotations to validate on')
    add('--val-images', type=Path, metavar='DIR', help="their images (--images')")
    add(
        '--base',
        choices=('res50', 'hrnet_w32', 'vitpose_s', 'small'),
        default='res50',
        help='network to train (%(default)s); small needs no weights and no GPU',
    )
    add('--out', type=Path, metavar='DIR', help="new folder (the annotations' name)")
    add(
        '--joints',
        type=lambda text: [name.strip() for name in text.split(',')],
        metavar='NAME,...',
        help='names of the joints, in the order of the annotations',
    )
    add(
        '--swap',
        nargs='+',
        metavar='LEFT=RIGHT',
        help='joints that change places in a mirrored image, or none (by name)',
    )
    add('--category', metavar='NAME', help='which one, where several have keypoints')
    add(
        '--format',
        choices=('coco', 'cvat', 'label-studio', 'deeplabcut', 'sleap'),
        help='of the annotations (found by their content)',
    )
    add(
        '--val-share',
        type=float,
        default=0.1,
        metavar='P',
        help='part of the images to validate on, without --val (%(default)s)',
    )
    add('--seed', type=int, default=0, help='of that split (%(default)s)')
    add(
        '--ignore-findings',
        action='store_true',
        help='go on where the check finds what harms training',
    )


def run(args: argparse.Namespace) -> int:
    """Write the folder; 0, or 2 with the reason in a line."""
    from gm_pose.cli.run_arguments import limit_image_size
    from gm_pose.runs.user_errors import report_user_errors

    limit_image_size()
    with report_user_errors():
        make_dataset(args)
    return 0


def make_dataset(args: argparse.Namespace) -> Path:
    """Arguments -> path of the config that was written.

    Raises:
        UserError: the annotations, their images or an argument cannot be used.
    """
    from gm_pose.new_dataset.new_folder import require_new
    from gm_pose.new_dataset.plan import plan_dataset
    from gm_pose.new_dataset.sides import choose_pairs, read_swaps
    from gm_pose.new_dataset.write_dataset import write_dataset

    name = args.out.name if args.out else args.annotations.stem
    out = args.out or Path(name)
    require_new(out)
    parts = _read_parts(args)
    pairs = choose_pairs(parts[0].joint_names, read_swaps(args.swap))
    for data, folder in zip(parts, _list_folders(args), strict=False):
        _show_check(data, folder, pairs, args)
    plan = plan_dataset(
        parts, _list_folders(args), pairs, args.base, args.val_share, args.seed
    )
    for line in plan.describe():
        print(line)
    config = write_dataset(plan, out, name, _repeat_command(args))
    quoted = shlex.quote(str(config))
    print(f'next: gm_pose look {quoted}\n      gm_pose train {quoted}')
    return config


def _list_folders(args: argparse.Namespace) -> list[Path]:
    return [args.images, args.val_images or args.images]


def _read_parts(args: argparse.Namespace) -> list[KeypointData]:
    """The annotations, and those of --val if given."""
    from gm_pose.new_dataset.keypoint_data import add_boxes
    from gm_pose.new_dataset.readers import read_annotations
    from gm_pose.runs.user_errors import UserError

    files = [args.annotations, *([args.val] if args.val else [])]
    parts: list[KeypointData] = []
    for file, folder in zip(files, _list_folders(args), strict=False):
        if not folder.is_dir():
            raise UserError(f'{folder} is no folder. Fix: --images, that of images')
        names = args.joints or (parts[0].joint_names if parts else None)
        data = read_annotations(file, folder, args.format, args.category, args.joints)
        if not data.joint_names:
            data.joint_names = names or _ask_joints(file, data)
            data.notes.append('joints had no names')
        if parts and data.joint_names != parts[0].joint_names:
            raise UserError(
                f'{file} has the joints {", ".join(data.joint_names)}; {files[0]} has '
                f'{", ".join(parts[0].joint_names)}. Fix: annotations of the same joints'
            )
        add_boxes(data)
        parts.append(data)
    return parts


def _ask_joints(file: Path, data: KeypointData) -> list[str]:
    """Names of joints from who sits at the terminal."""
    from gm_pose.runs.user_errors import UserError

    count = max(len(a.get('keypoints') or ()) for a in data.annotations) // 3
    if not sys.stdin.isatty():
        raise UserError(
            f'{file} names none of its {count} joints. Fix: --joints with {count} names'
        )
    print(f'{file} names none of its {count} joints.')
    names: list[str] = []
    while len(names) < count:
        name = input(f'name of joint {len(names) + 1} of {count}: ').strip()
        if name and name not in names:
            names.append(name)
    return names


def _show_check(
    data: KeypointData, folder: Path, pairs: dict[int, int], args: argparse.Namespace
) -> None:
    from gm_pose.cli.check_data import show_progress
    from gm_pose.new_dataset.data_check import check_data
    from gm_pose.runs.count_words import count_words
    from gm_pose.runs.user_errors import UserError

    print(
        f'{data.source}: {count_words(len(data.annotations), "annotation")} in '
        f'{count_words(len(data.images), "image")}, '
        f'{count_words(len(data.joint_names), "joint")}'
    )
    for note in data.notes:
        print(f'  {note}')
    findings = check_data(data, folder, pairs, show_progress)
    for finding in findings:
        print(finding.format())
    harm = [f.name for f in findings if f.harmful]
    if harm and not args.ignore_findings:
        raise UserError(
            f'training would be harmed: {"; ".join(harm)}. Nothing was written. Fix: '
            'correct the annotations (`gm_pose check-data` lists all), or '
            '--ignore-findings'
        )
    print(
        'checked: ' + ('; '.join(harm) if harm else 'nothing that would harm training')
    )


def _repeat_command(args: argparse.Namespace) -> str:
    """The command, to be run again from the same folder."""
    words = [
        'gm_pose',
        'new-dataset',
        str(args.annotations),
        '--images',
        str(args.images),
    ]
    for option in ('val', 'val_images', 'out', 'category', 'format'):
        value = getattr(args, option)
        if value is not None:
            words += ['--' + option.replace('_', '-'), str(value)]
    words += ['--base', args.base]
    if args.joints:
        words += ['--joints', ','.join(args.joints)]
    if args.swap:
        words += ['--swap', *args.swap]
    if args.val is None:
        words += ['--val-share', f'{args.val_share:g}', '--seed', str(args.seed)]
    return shlex.join(words)
