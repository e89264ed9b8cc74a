"""What the drawing tools share: their arguments, and the run whose pictures they draw."""

import argparse
from typing import Any

from gm_pose.cli.run_config import merge_options, read_config


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """A config, its checkpoint, how many pictures, and where to."""
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint of that config')
    parser.add_argument('--out', required=True, help='folder for the pictures')
    parser.add_argument(
        '--images',
        type=int,
        default=6,
        metavar='N',
        help='images, evenly spaced over the validation set (%(default)s)',
    )
    parser.add_argument('--device', help='cpu, cuda:0, ... (a GPU where there is one)')


def open_run(args: argparse.Namespace) -> tuple[Any, Any]:
    """Arguments -> the model with its weights, the validation dataset.

    Raises:
        UserError: an argument, the config, its data or the checkpoint is wrong.
    """
    from mmengine.registry import init_default_scope

    from gm_pose.runs.user_errors import UserError

    if args.images < 1:
        raise UserError(f'--images is {args.images}: ask for at least 1')
    cfg = read_drawable_config(args.config)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    return build_model(cfg, args.checkpoint, args.device), build_dataset(cfg)


def read_drawable_config(path: str, options: dict[str, Any] | None = None) -> Any:
    """Config file -> config with ground-truth boxes and heatmaps as an output.

    Args:
        path: the file.
        options: what `--cfg-options` says.
    """
    from gm_pose.runs.checks.codec_agreement import check_codec_agreement
    from gm_pose.runs.checks.data_files import check_data_files
    from gm_pose.runs.checks.outline import read_outline
    from gm_pose.runs.checks.run_checks import run_checks
    from gm_pose.runs.checks.settings import check_sections
    from gm_pose.runs.user_errors import UserError

    cfg = read_config(path)
    merge_options(cfg, path, options or {})
    model = cfg.get('model') or {}
    if model:
        run_checks(read_outline(cfg, ()), [check_sections]).raise_errors()
    if cfg.get('data_mode', 'topdown') != 'topdown' or 'head' not in model:
        raise UserError(
            f'config {path} is not a top-down heatmap model: only those are drawn'
        )
    if cfg.get('val_dataloader') is None:
        raise UserError(f'config {path} has no val_dataloader, whose images are drawn')
    cfg.val_dataloader.dataset.bbox_file = None
    outline = read_outline(cfg, ('val',))
    run_checks(outline, [check_codec_agreement, check_data_files]).raise_errors()
    cfg.model.setdefault('test_cfg', {})
    cfg.model.test_cfg.output_heatmaps = True
    if 'backbone' in cfg.model:
        cfg.model.backbone.init_cfg = None  # the checkpoint brings the weights
    return cfg


def build_dataset(cfg: Any) -> Any:
    """The validation dataset, with target heatmaps drawn by the model's codec."""
    from mmpose.registry import DATASETS

    settings = cfg.val_dataloader.dataset
    pipeline = [dict(step) for step in settings.pipeline]
    target = dict(type='GenerateTarget', encoder=cfg.model.head.decoder)
    pack = [step['type'] for step in pipeline].index('PackPoseInputs')
    pipeline.insert(pack, target)
    return DATASETS.build(dict(settings, pipeline=pipeline))


def build_model(cfg: Any, path: str, device: str | None) -> Any:
    """The config's model with the checkpoint's weights, ready to predict."""
    import torch
    from mmengine.runner import load_checkpoint
    from mmpose.registry import MODELS

    from gm_pose.runs.checks.checkpoint_fit import check_checkpoint_fits
    from gm_pose.runs.checks.component_arguments import build_component
    from gm_pose.runs.resume.resumable_checkpoint import read_checkpoint

    model = build_component(MODELS, cfg.model, 'model')
    check_checkpoint_fits(read_checkpoint(path), model, path)
    load_checkpoint(model, path, map_location='cpu')
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    return model.to(device).eval()


def choose_images(dataset: Any, count: int) -> list[list[int]]:
    """Indices of the people in each of `count` images, evenly spaced."""
    people: dict[int, list[int]] = {}
    for index in range(len(dataset)):
        people.setdefault(dataset.get_data_info(index)['img_id'], []).append(index)
    groups = list(people.values())
    count = min(count, len(groups))
    return [groups[i * len(groups) // count] for i in range(count)]
