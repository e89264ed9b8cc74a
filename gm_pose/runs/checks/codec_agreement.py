"""One codec in a config: encoder, decoder and the `codec` variable have to agree.

MMEngine merges dictionaries and replaces lists, so a child config that changes only
`codec` and the head's `decoder` goes on training on the targets of its base: the
`GenerateTarget` in the base's pipeline list keeps the base's codec.
"""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from gm_pose.runs.checks.config_tree import iter_dicts
from gm_pose.runs.user_errors import UserError

__all__ = ['check_codec_agreement', 'expand_codec_options', 'iter_codec_places']

_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def iter_codec_places(cfg: Config) -> Iterator[tuple[str, Any]]:
    """Places of a merged config that hold a copy of the codec, beside `cfg.codec`.

    Yields:
        (dotted config path, value): the encoders of every data loader's pipeline, then
        the head's decoder if the model has one.
    """
    for loader in _LOADERS:
        for path, part in iter_dicts(cfg.get(loader), loader):
            if part.get('type') == 'GenerateTarget' and 'encoder' in part:
                yield f'{path}.encoder', part['encoder']
    head = (cfg.get('model') or {}).get('head') or {}
    if 'decoder' in head:
        yield 'model.head.decoder', head['decoder']


def check_codec_agreement(cfg: Config) -> None:
    """Raise UserError where an encoder or decoder differs from `cfg.codec`.

    Configs without a `codec` variable, or with several codecs in a list (MMPose's
    mixed-target recipes), are left to their authors.
    """
    codec = cfg.get('codec')
    if not isinstance(codec, dict) or 'type' not in codec:
        return
    codec = _strip(codec)
    for path, value in iter_codec_places(cfg):
        if isinstance(value, dict) and (value := _strip(value)) != codec:
            keys = sorted(
                key
                for key in {*value, *codec}
                if value.get(key, '<unset>') != codec.get(key, '<unset>')
            )
            raise UserError(
                f"the codec at {path} differs from the config's `codec` in "
                f'{", ".join(keys)} ({_pick(value, keys)} against '
                f'{_pick(codec, keys)}), so training and decoding would disagree: '
                'change it in one place with --cfg-options codec.NAME=VALUE, or wire '
                'it as docs/use-the-codec.md shows'
            )


def _strip(codec: dict) -> dict:
    """Without `_scope_`, which MMEngine adds to what comes from ``mmpose::`` bases."""
    return {key: value for key, value in codec.items() if key != '_scope_'}


def _pick(codec: dict, keys: list[str]) -> dict:
    return {key: codec[key] for key in keys if key in codec}


def expand_codec_options(cfg: Config, options: dict) -> dict:
    """Make `codec.NAME=VALUE` reach every copy of the codec in the config.

    Args:
        cfg: the config that the options will be merged into.
        options: what `--cfg-options` gave, dotted path -> value.

    Returns:
        The options, with one more entry for each copy of each `codec.` option.

    Raises:
        UserError: the config has no `codec`.
    """
    expanded = dict(options)
    for path, value in options.items():
        if not path.startswith('codec.'):
            continue
        if not isinstance(cfg.get('codec'), dict):
            raise UserError(f'--cfg-options {path}: this config defines no codec')
        name = path.removeprefix('codec.')
        for place, copy in iter_codec_places(cfg):
            if isinstance(copy, dict):
                expanded.setdefault(f'{place}.{name}', value)
    return expanded
