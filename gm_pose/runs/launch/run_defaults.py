"""What every training run gets, whatever its config: exact resume, safe files, checks.

Added to the merged config rather than to the shipped ones, because MMEngine replaces
lists: a config that sets `custom_hooks` would lose them silently. The config that
a run dumps into its work directory shows them all, and one that lists any of them with
settings of its own keeps those.
"""

from typing import Any

from mmengine.config import Config, ConfigDict

from gm_pose.runs.config_dicts import iter_dicts

__all__ = ['add_run_defaults', 'use_readable_images']

RUN_HOOKS = (
    'ExactResumeHook',
    'ValidateOnResumeHook',
    'EffectiveBatchHook',
    'EmptyTargetHook',
    'BadImageReportHook',
    'NonFiniteLossHook',
)
_OLD_NAMES = {
    'GuardedDataset': 'SeededDataset',
    'PendingValidationHook': 'ValidateOnResumeHook',
}


def add_run_defaults(cfg: Config) -> None:
    """Add hooks, checkpoint writing, sample seeds and image checks to `cfg`.

    * ``custom_hooks``: each of `RUN_HOOKS` that is not there;
    * ``default_hooks.checkpoint``: `CheckpointHook` becomes `AtomicCheckpointHook`;
    * ``train_dataloader``: dataset in a `SeededDataset`, sampler in a `SeededSampler`;
    * every pipeline: `LoadImage` becomes `LoadReadableImage`;
    * ``custom_imports``: `gm_pose`, so that the dumped config finds all of these.
    """
    hooks = list(cfg.get('custom_hooks') or [])
    present = {_get_type(hook) for hook in hooks if isinstance(hook, dict)}
    hooks += [ConfigDict(type=name) for name in RUN_HOOKS if name not in present]
    cfg.custom_hooks = hooks

    checkpoint = (cfg.get('default_hooks') or {}).get('checkpoint')
    if checkpoint is not None and checkpoint.get('type') == 'CheckpointHook':
        checkpoint.type = 'AtomicCheckpointHook'

    loader = cfg.train_dataloader
    if _get_type(loader.dataset) != 'SeededDataset':
        loader.dataset = ConfigDict(type='SeededDataset', dataset=loader.dataset)
    sampler = loader.get('sampler')
    if sampler is not None and sampler.get('type') != 'SeededSampler':
        loader.sampler = ConfigDict(type='SeededSampler', sampler=sampler)

    use_readable_images(cfg)
    imports = cfg.get('custom_imports') or ConfigDict(imports=[])
    names = imports['imports']
    names = [names] if isinstance(names, str) else list(names)
    if 'gm_pose' not in names:
        imports['imports'] = [*names, 'gm_pose']
        cfg.custom_imports = imports


def _get_type(component: dict) -> Any:
    name = component.get('type')
    return _OLD_NAMES.get(name, name) if isinstance(name, str) else name


def use_readable_images(cfg: Config) -> None:
    """Let every data loader's pipeline check an image's header before its pixels."""
    for split in ('train', 'val', 'test'):
        for _, component in iter_dicts(cfg.get(f'{split}_dataloader')):
            if component.get('type') == 'LoadImage':
                component['type'] = 'LoadReadableImage'
