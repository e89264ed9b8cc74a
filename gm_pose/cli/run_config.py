"""Reading a config, and merging the arguments of a command into it."""

from __future__ import annotations

import argparse
import os
import os.path as osp
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmengine.config import Config


def read_config(path: str) -> Config:
    """Config file -> config.

    Raises:
        UserError: it does not exist or cannot be read, or imports what is not there.
    """
    from mmengine.config import Config

    from gm_pose.runs.user_errors import UserError

    if not osp.isfile(path):
        raise UserError(
            f'config {path} does not exist. Fix: give the path of a config file (`mim '
            'train gm_pose NAME.py` also finds the shipped ones by name)'
        )
    try:
        return Config.fromfile(path)
    except ImportError as error:
        name = _find_missing_module(error) or error
        raise UserError(
            f'config {path} imports {name}, which cannot be imported. Fix: install it, '
            'put its folder into PYTHONPATH, or take it out of custom_imports'
        ) from error
    except Exception as error:  # whatever a config's Python may raise
        raise UserError(
            f'config {path} cannot be read: {_describe_place(error)}{error}'
        ) from error


def load_config(args: argparse.Namespace) -> Config:
    """Read `args.config` and merge the shared arguments into it.

    Raises:
        UserError: the config does not exist or cannot be read, an option does not fit, or
            the launcher named did not start this process.
    """
    from gm_pose.runs.checks.codec_agreement import find_searched_options
    from gm_pose.runs.launch.processes import check_launcher
    from gm_pose.runs.user_errors import UserError

    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    check_launcher(args.launcher)
    cfg = read_config(args.config)
    if args.interval < 1:
        raise UserError(f'--interval {args.interval} is too small; expected at least 1')
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        name = osp.splitext(osp.basename(args.config))[0]
        cfg.work_dir = osp.join('work_dirs', name)
    if args.show or args.show_dir is not None:
        _enable_pictures(cfg, args)
    if args.fast or sets_fast_lane(args.cfg_options):
        start_fast_lane(cfg)
    options = {**find_searched_options(cfg, args.config), **args.cfg_options}
    merge_options(cfg, args.config, options)
    if args.fast is False:
        cfg.fast_lane = None
    check_fast_lane(cfg)
    if args.gt_boxes:  # after the options, which may name such a file
        drop_detection_files(cfg)
    if 'preprocess_cfg' in cfg and isinstance(cfg.get('model'), dict):
        cfg.model.setdefault('data_preprocessor', cfg.preprocess_cfg)
    _add_score_hook(cfg)
    return cfg


def sets_fast_lane(options: dict[str, Any]) -> bool:
    """Whether `--cfg-options` has a setting of the fast lane."""
    return any(name.startswith('fast_lane.') for name in options)


def start_fast_lane(cfg: Config) -> None:
    """Let a config have settings of the fast lane, where it has none or None."""
    if cfg.get('fast_lane') is None:
        cfg.fast_lane = {}


def check_fast_lane(cfg: Config) -> None:
    """Look at a merged config's settings of the fast lane.

    Raises:
        UserError: one that does not exist, or a value that does not.
    """
    from gm_pose.fast_lane.config.settings import read_settings
    from gm_pose.runs.user_errors import as_user_errors

    if cfg.get('fast_lane') is not None:
        with as_user_errors(ValueError):
            read_settings(cfg.fast_lane)


def merge_options(cfg: Config, path: str, options: dict[str, Any]) -> None:
    """Merge what `--cfg-options` says into a config, in place.

    Raises:
        UserError: an option does not fit.
    """
    from gm_pose.runs.checks.codec_agreement import expand_codec_options
    from gm_pose.runs.checks.data_root import expand_root_options
    from gm_pose.runs.user_errors import UserError

    if not options:
        return
    try:
        cfg.merge_from_dict(
            expand_root_options(cfg, expand_codec_options(cfg, options))
        )
    except (KeyError, TypeError, IndexError) as error:
        raise UserError(
            f'--cfg-options {options} does not fit {path}: {error}'
        ) from error


def drop_detection_files(cfg: Config) -> None:
    """Evaluate on annotated boxes."""
    for split in ('val', 'test'):
        loader = cfg.get(f'{split}_dataloader')
        if loader is not None and 'bbox_file' in loader.dataset:
            loader.dataset.bbox_file = None


def _add_score_hook(cfg: Config) -> None:
    """Add the hook that a codec's ``score='expected_oks'`` needs."""
    codec = cfg.get('codec')
    if isinstance(codec, dict) and codec.get('score') == 'expected_oks':
        from gm_pose.codecs.expected_oks_scores import add_score_hook

        add_score_hook(cfg, codec)


def _enable_pictures(cfg: Config, args: argparse.Namespace) -> None:
    from gm_pose.runs.user_errors import UserError

    hook = (cfg.get('default_hooks') or {}).get('visualization')
    if hook is None:
        raise UserError(
            '--show and --show-dir need default_hooks.visualization in the config: add '
            "visualization=dict(type='PoseVisualizationHook')"
        )
    hook.enable = True
    hook.show = args.show
    hook.out_dir = args.show_dir
    hook.interval = args.interval
    if args.show:
        hook.wait_time = args.wait_time


def _describe_place(error: Exception) -> str:
    """'NameError in line 7 of FILE: ' if a config's own code raised the error."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        if frame.name == '<module>':
            return (
                f'{type(error).__name__} in line {frame.lineno} of {frame.filename}: '
            )
    return ''


def _find_missing_module(error: BaseException | None) -> str | None:
    """The module that could not be imported, however often the error was wrapped."""
    while error is not None:
        name = getattr(error, 'name', None)
        if name:
            return name
        error = error.__cause__ or error.__context__
    return None
