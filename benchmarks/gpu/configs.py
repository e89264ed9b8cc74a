"""Configs of the jobs that train through MMEngine's Runner."""

from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).parents[2] / 'configs'
STOCK = (
    'mmpose::body_2d_keypoint/topdown_heatmap/coco/'
    'td-hm_res50_8xb64-210e_coco-256x192.py'
)


def load_config(lane: str, annotations: Path, rehearse: bool) -> Any:
    """Merged config on generated photographs, without validation and checkpoints.

    Args:
        lane: 'stock' for MMPose's own config, 'product' and 'fast' for the shipped one.
        annotations: file of `make_photographs`.
        rehearse: narrow network on the CPU.
    """
    from mmengine.config import Config
    from mmengine.hub import get_config
    from mmengine.registry import init_default_scope

    init_default_scope('mmpose')
    if lane == 'stock':
        cfg = get_config(STOCK)
    else:
        cfg = Config.fromfile(CONFIGS / 'set2_res50_coco.py')
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.test_dataloader = cfg.test_cfg = cfg.test_evaluator = None
    cfg.train_cfg.pop('val_interval', None)
    cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1)
    cfg.train_dataloader.dataset.update(
        data_root=str(annotations.parent),
        ann_file=annotations.name,
        data_prefix=dict(img='train2017/'),
    )
    cfg.model.backbone.init_cfg = None
    if rehearse:
        narrow_network(cfg.model)
    cfg.randomness = dict(seed=0)
    cfg.work_dir = str(annotations.parent / 'work')
    return cfg


def finish_config(cfg: Any, lane: str, **settings: Any) -> list[str]:
    """Add what gm_pose's train command adds -> its notes.

    Raises:
        RuntimeError: the fast lane does not take the config.
    """
    if lane == 'stock':
        return []
    from gm_pose.runs.launch.run_defaults import add_run_defaults

    add_run_defaults(cfg)
    if lane != 'fast':
        return []
    from gm_pose.fast_lane.config.apply_fast_lane import apply_fast_lane

    cfg.fast_lane = settings
    notes = apply_fast_lane(cfg, ('train',))
    if any('not used' in note for note in notes):
        raise RuntimeError('; '.join(notes))
    return notes


def narrow_network(model: Any) -> None:
    """Let a model's config build a small ResNet, for rehearsals on a CPU.

    Not of 8 channels: docs/host-stack.md says why.
    """
    model.backbone.update(depth=18, stem_channels=16, base_channels=16)
    model.head.in_channels = 128
    model.head.deconv_out_channels = (16, 16, 16)
    if model.get('neck') is not None:
        model.neck.in_channels = 128
