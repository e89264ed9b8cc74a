"""What `gm_pose build-store` stores: whose images, and which share of them."""

from __future__ import annotations

import argparse
from typing import Any

from gm_pose.cli.run_config import (
    check_fast_lane,
    drop_detection_files,
    merge_options,
    start_fast_lane,
)

__all__ = ['check_files', 'list_datasets', 'read_share']


def list_datasets(cfg: Any, args: argparse.Namespace) -> list[tuple[str, Any, Any]]:
    """(split, dataset's config, recipe) of each split that the config has."""
    from mmengine.registry import init_default_scope

    from gm_pose.fast_lane.config.recipe import NotRecognised, read_recipe
    from gm_pose.runs.user_errors import UserError

    start_fast_lane(cfg)
    merge_options(cfg, args.config, args.cfg_options)
    start_fast_lane(cfg)  # an option may have set it to None
    check_fast_lane(cfg)
    if args.cache_dir is not None:
        cfg.fast_lane = dict(cfg.fast_lane, cache_dir=args.cache_dir)
    if args.gt_boxes:
        drop_detection_files(cfg)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    found = []
    for split in args.splits:
        loader = cfg.get(f'{split}_dataloader')
        if loader is None:
            continue
        dataset = loader.dataset
        if dataset.get('type') in ('SeededDataset', 'FastTopdownDataset'):
            dataset = dataset.dataset
        try:
            found.append((split, dataset, read_recipe(dataset)))
        except NotRecognised as error:
            raise UserError(
                f'the fast lane does not know {error}, in {split}_dataloader of '
                f'{args.config}. Fix: name splits that it knows with --splits'
            ) from error
    return found


def check_files(cfg: Any, splits: list[str]) -> None:
    """Look at annotations, detections and image folders as a run does.

    Raises:
        UserError: all that is wrong with them.
    """
    from gm_pose.runs.checks.annotation_files import check_annotation_files
    from gm_pose.runs.checks.data_files import check_data_files
    from gm_pose.runs.checks.detection_files import check_detection_files
    from gm_pose.runs.checks.outline import read_outline
    from gm_pose.runs.checks.run_checks import run_checks

    checks = (check_data_files, check_annotation_files, check_detection_files)
    run_checks(read_outline(cfg, tuple(splits)), checks).raise_errors()


def read_share(args: argparse.Namespace) -> Any:
    """The share of `--node` and `--nodes`, or None.

    Raises:
        UserError: one of them without the other, no such share, or options of another kind.
    """
    from gm_pose.fast_lane.images.node_shares import NodeShare
    from gm_pose.runs.user_errors import UserError

    is_stream = args.kind == 'stream'
    if is_stream != (args.to is not None):
        raise UserError(
            '--kind stream and --to DIR_OR_URL belong together; one of them is missing'
        )
    if args.overwrite and not is_stream:
        raise UserError('--overwrite belongs to --kind stream; a store needs none')
    if (args.node is None) != (args.nodes is None):
        raise UserError(
            '--node I and --nodes N belong together; one of them is missing'
        )
    if args.node is None:
        return None
    if is_stream:
        raise UserError('--kind stream is written once for all machines: no --node')
    try:
        return NodeShare(args.node, args.nodes)
    except ValueError as error:
        raise UserError(f'--{error}') from error
