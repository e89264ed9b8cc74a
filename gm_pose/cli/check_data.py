"""Check a COCO keypoint file, and its images, before training on it."""

import argparse
import os.path as osp
import sys
import time
from typing import Any

EXAMPLE = """example:
  gm_pose check-data coco/annotations/person_keypoints_train2017.json \\
      --images coco/train2017 --config configs/gm_best_res50_coco.py"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('annotations', help='COCO keypoint JSON file')
    parser.add_argument(
        '--images', metavar='DIR', help='read every image below DIR too'
    )
    parser.add_argument(
        '--config',
        metavar='CFG',
        help="compare with the dataset of this config's training",
    )
    parser.add_argument(
        '--boxes',
        metavar='FILE',
        help='check a file of detected boxes of these images too',
    )
    parser.add_argument(
        '--workers', type=int, help='processes that read images (default: one per CPU)'
    )


def run(args: argparse.Namespace) -> int:
    """Print the findings; 1 if training would be harmed, else 0."""
    from gm_pose.runs.count_words import count_words
    from gm_pose.runs.data_checks import (
        AnnotationTable,
        check_annotations,
        check_images,
    )
    from gm_pose.runs.data_checks.annotation_table import guess_keypoint_count
    from gm_pose.runs.data_checks.detection_rules import check_detections
    from gm_pose.runs.data_checks.images import TURNED
    from gm_pose.runs.data_checks.json_file import read_json
    from gm_pose.runs.data_checks.schema import CocoFile, check_lists
    from gm_pose.runs.data_checks.turned_joints import compare_with_turns
    from gm_pose.runs.user_errors import UserError

    if args.images is not None and not osp.isdir(args.images):
        raise ValueError(
            f'--images {args.images} is no folder. Fix: give that of images'
        )
    if args.workers is not None and args.workers < 1:
        raise ValueError(f'--workers {args.workers} is too few; expected at least 1')
    began = time.monotonic()
    try:
        definition = {}
        if args.config:
            definition = read_definition(args.config, args.annotations)
        data = read_json(args.annotations, CocoFile)
        # test-dev's file has images alone, for which boxes are detected all the same
        is_posed = not args.boxes or 'annotations' in data
        lists = ('images', 'annotations') if is_posed else ('images',)
        check_lists(data, args.annotations, lists)
        min_score = definition.pop('min_score', float('-inf'))
        faults: list[Any] = []
        use = ''
        if args.boxes:
            faults, use = check_detections(
                args.boxes, data, args.annotations, min_score
            )
    except UserError as error:
        raise ValueError(str(error)) from error
    findings = check_annotations(data, **definition) if is_posed else []
    annotations = count_words(len(data.get('annotations') or []), 'annotation')
    images = count_words(len(data['images']), 'image')
    print(
        f'{args.annotations}: {annotations} in {images}, checked in '
        f'{time.monotonic() - began:.1f} s'
    )
    if args.images is not None:
        began = time.monotonic()
        turns: dict[str, int] = {}
        findings += check_images(
            data['images'], args.images, args.workers, show_progress, turns
        )
        print(f'{args.images}: {images} read in {time.monotonic() - began:.1f} s')
        if turns and is_posed:
            table = AnnotationTable(data, guess_keypoint_count(data))
            findings.append(compare_with_turns(table, turns))
    for finding in findings:
        print(finding.format())
    for fault in faults:
        print(f'  HARM  {fault}')
    if use:
        print(f'  note  {use}')
    harm = [finding.name for finding in findings if finding.harmful and finding.count]
    harm += [f'boxes of {args.boxes}'] if faults else []
    if harm:
        print(f'training would be harmed: {"; ".join(harm)}')
        return 1
    turned = sum(finding.count for finding in findings if finding.name == TURNED)
    condition = (
        f', if joints fit the {turned} images as EXIF turns them' if turned else ''
    )
    print(f'nothing that would harm training{condition}')
    return 0


def show_progress(done: int, total: int) -> None:
    """A bar on a terminal; elsewhere every tenth part of the way."""
    if sys.stderr.isatty():
        if done % 20 == 0 or done == total:
            filled = 30 * done // total
            bar = '#' * filled + '.' * (30 - filled)
            end = '\n' if done == total else ''
            print(
                f'\r[{bar}] {done}/{total} images', end=end, file=sys.stderr, flush=True
            )
    elif done == total or 10 * done // total > 10 * (done - 1) // total:
        print(f'{done}/{total} images', file=sys.stderr, flush=True)


def _find_datasets(outline: Any, annotations: str) -> list[tuple[Any, Any]]:
    """(split, dataset) of this annotation file, else of what it trains or tests on."""
    name = osp.basename(annotations)
    places = [(s, dataset) for s in outline.splits for dataset in s.datasets]
    own = [p for p in places if osp.basename(p[1].get('ann_file') or '') == name]
    posed = [p for p in places if p[1].is_posed and p[0].name != 'val']
    if not own and not posed:
        raise ValueError('it has no train_dataloader.dataset')
    return own or posed[:1]


def read_definition(path: str, annotations: str) -> dict[str, Any]:
    """Config -> K, joint names, flip pairs, use and lowest score of boxes of its dataset.

    Raises:
        UserError: the config cannot be read or names no joints.
    """
    from mmengine.config import Config
    from mmengine.registry import init_default_scope
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    from gm_pose.runs.checks.annotation_files import read_use
    from gm_pose.runs.checks.dataset_keypoints import get_metainfo
    from gm_pose.runs.checks.detection_files import read_score_threshold
    from gm_pose.runs.checks.outline import read_outline
    from gm_pose.runs.user_errors import UserError

    try:
        cfg = Config.fromfile(path)
        init_default_scope(cfg.get('default_scope', 'mmpose'))
        places = _find_datasets(read_outline(cfg), annotations)
        dataset = places[0][1]
        uses = [read_use(*place) for place in places]
        use = next((u for u in uses if u.is_evaluated), uses[0])
        parsed = parse_pose_metainfo(dict(get_metainfo(dataset.config)))
    except Exception as error:  # whatever a config's Python may raise
        text = ' '.join(str(error).split())[:300]
        raise UserError(f'--config {path} cannot be used: {text}') from error
    names = [parsed['keypoint_id2name'][k] for k in range(parsed['num_keypoints'])]
    return dict(
        num_keypoints=len(names),
        names=names,
        flip_pairs=list(parsed['flip_pairs']),
        use=use,
        min_score=read_score_threshold(dataset),
    )
