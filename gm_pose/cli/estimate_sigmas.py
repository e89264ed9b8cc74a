"""`gm_pose estimate-sigmas`: a sigma table from a COCO-style annotation file."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gm_pose.ops.skeleton import Skeleton

EXAMPLE = """example:
  gm_pose estimate-sigmas coco/annotations/person_keypoints_train2017.json --oks coco"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('annotations', type=Path, help='COCO-style keypoint JSON file')
    parser.add_argument(
        '--method',
        choices=('auto', 'repeats', 'masks', 'boxes'),
        default='auto',
        help='what to measure: spread of repeated annotations, extent within masks, '
        'distance between joints; auto takes the first with enough people for each joint',
    )
    parser.add_argument(
        '--person-key',
        default='person_id',
        help="annotations' field that identifies a person's repeats (default: %(default)s; "
        'without it, boxes that coincide)',
    )
    parser.add_argument(
        '--mean', type=float, default=2.0, help='mean sigma in cells (%(default)s)'
    )
    parser.add_argument(
        '--power',
        type=float,
        default=1.0,
        help='sigma in cells ~ size to this power; 0.5 evens a table out (%(default)s)',
    )
    parser.add_argument(
        '--oks',
        metavar='DATASET',
        help="name or metainfo file of a dataset whose metric's sigmas in cells are "
        'printed, too: what `decode_sigmas` takes',
    )
    parser.add_argument(
        '--metainfo',
        metavar='DATASET',
        help='name or metainfo file whose `swap` fields say which joints are left and '
        'right of each other (default: that of --oks, else their names)',
    )
    parser.add_argument(
        '--heatmap-size',
        type=int,
        nargs=2,
        metavar=('W', 'H'),
        help='of the crop, in cells, for --oks (default: 48 64)',
    )


def find_mirror(names: list[str], skeleton: Skeleton | None) -> tuple[list[int], str]:
    """Joint names -> index of each one's left or right counterpart, and who says so."""
    from gm_pose.runs.data_checks.joint_sides import find_counterparts

    if skeleton is not None:
        return list(skeleton.mirror), f'swap of {skeleton.name}'
    pairs = find_counterparts(names)
    return [pairs.get(k, k) for k in range(len(names))], 'name'


UNNAMED = 'joint_{}'  # of a file whose category names no joints


def read_annotations(path: Path) -> tuple[list[dict], list[str]]:
    """File -> annotations with keypoints, joint names.

    Raises:
        ValueError: not a COCO-style keypoint file; the text says what is wrong.
    """
    from gm_pose.runs.data_checks import box_rules, keypoint_rules, people_rules
    from gm_pose.runs.data_checks.annotation_table import (
        AnnotationTable,
        guess_keypoint_count,
    )
    from gm_pose.runs.data_checks.json_file import read_json
    from gm_pose.runs.data_checks.rules import find_refusal
    from gm_pose.runs.data_checks.schema import check_lists
    from gm_pose.runs.user_errors import UserError

    try:
        data = read_json(str(path))
        check_lists(data, str(path), ('annotations', 'categories'), with_fields=False)
    except UserError as error:
        raise ValueError(str(error)) from error
    for entry in data['annotations']:
        if entry.get('keypoints') == []:
            del entry['keypoints']
    count = guess_keypoint_count(data)
    table = AnnotationTable(data, count, needs=('keypoints',))
    fields = (
        people_rules.nobody_described,
        keypoint_rules.wrong_counts,
        keypoint_rules.joints_not_finite,
        box_rules.malformed_boxes,
        box_rules.boxes_not_finite,
        box_rules.malformed_areas,
        box_rules.areas_not_finite,
    )
    problem = find_refusal(table, str(path), fields)
    if problem is not None:
        raise ValueError(str(problem))
    annotations = [data['annotations'][n] for n in table.keypoints.at]
    for entry in annotations:
        if isinstance(entry.get('image_id'), (list, dict)):
            raise ValueError(
                f'{path}: an image_id is {str(entry["image_id"])[:40]}; expected a number'
            )
    return annotations, table.own_names or [UNNAMED.format(k) for k in range(count)]


def format_oks_sigmas(
    annotations: list[dict], skeleton: Skeleton, dataset: str, size: tuple[int, int]
) -> str:
    """Annotations of the skeleton's joints -> its OKS sigmas, as `decode_sigmas`."""
    from gm_pose.ops.oks_sigmas import measure_mean_oks_sigma

    try:
        mean = measure_mean_oks_sigma(annotations, skeleton.oks_sigmas or (), size)
    except ValueError as error:
        raise ValueError(f'--oks: {error}') from error
    return (
        f'\nOKS sigmas of a median person in {size[0]}x{size[1]} cells:\n'
        f'decode_sigmas=dict(oks={dataset!r}, mean={mean:.2f})'
    )


def load_own_skeleton(dataset: str, names: list[str], option: str) -> Skeleton:
    """Dataset -> its skeleton, which must be the annotations'; with OKS sigmas for --oks.

    Raises:
        ValueError: it is not, or has none; the text names `option`.
    """
    from gm_pose.codecs.dataset_metainfo import load_skeleton

    skeleton = load_skeleton(dataset)
    if option == '--oks' and skeleton.oks_sigmas is None:
        raise ValueError(f"--oks: '{dataset}' defines no OKS sigmas")
    if len(skeleton) != len(names):
        raise ValueError(
            f"{option}: '{dataset}' has {len(skeleton)} joints and the annotations have "
            f'{len(names)}'
        )
    if names == [UNNAMED.format(k) for k in range(len(names))]:
        return skeleton
    for ours, theirs in zip(names, skeleton.joint_names, strict=True):
        if ours != theirs:
            raise ValueError(
                f"{option}: the annotations' joint '{ours}' is '{theirs}' in '{dataset}'"
            )
    return skeleton


def run(args: argparse.Namespace) -> int:
    """Print the table; 0, or 1 where a joint has too few people for a sigma."""
    from gm_pose.cli.sigma_report import format_table
    from gm_pose.ops.paper_sigmas import REFERENCE_HEATMAP_SIZE
    from gm_pose.ops.sigma_estimation import measure_joints
    from gm_pose.runs.data_checks.json_file import no_garbage_collection

    if not args.mean > 0 or not all(map(math.isfinite, (args.mean, args.power))):
        raise ValueError(f'--mean {args.mean:g} must be > 0 and --power finite')
    if args.heatmap_size and not args.oks:
        raise ValueError('--heatmap-size changes nothing without --oks DATASET')
    size = tuple(args.heatmap_size or REFERENCE_HEATMAP_SIZE)
    if min(size) < 1:
        raise ValueError(f'--heatmap-size {size[0]} {size[1]} must be above 0')
    with no_garbage_collection():
        annotations, names = read_annotations(args.annotations)
        metric, sides = (
            None if dataset is None else load_own_skeleton(dataset, names, option)
            for dataset, option in ((args.oks, '--oks'), (args.metainfo, '--metainfo'))
        )
        found = measure_joints(annotations, len(names), args.method, args.person_key)
    mirror = find_mirror(names, sides or metric)
    text, complete = format_table(found, names, mirror, args.mean, args.power)
    print(text)
    if metric is not None:
        print(format_oks_sigmas(annotations, metric, args.oks, size))
    return 0 if complete else 1
