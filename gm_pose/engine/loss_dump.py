"""A training step in a file: weights, batch, random states, config; and its replay."""

from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from mmpose.structures import PoseDataSample

from gm_pose.engine.rng_state import preserve_rng, restore_rng

__all__ = ['pack_loss_dump', 'replay_loss_dump']

_KINDS = {kind.__name__: kind for kind in (InstanceData, PixelData, PoseDataSample)}


def pack_loss_dump(
    model: Any, cfg: Config, batch: dict | None, rng: dict | None
) -> dict[str, Any]:
    """A step before its forward pass -> dict that loads without running code.

    Args:
        model: the model, its weights as they are now.
        cfg: the run's config; its text is kept.
        batch: as the data loader gave it: ``inputs`` (B images, (3, h, w) each) and
            ``data_samples``.
        rng: what `capture_rng` gave before the forward pass.
    """
    module = model.module if is_model_wrapper(model) else model
    weights = {name: value.cpu() for name, value in module.state_dict().items()}
    return dict(
        meta=dict(cfg=cfg.pretty_text, kind='gm_pose loss dump'),
        state_dict=weights,
        batch=_to_plain(batch),
        rng=rng,
    )


def replay_loss_dump(dump: dict[str, Any]) -> dict[str, float]:
    """Compute a dumped step's losses again, on the CPU -> name: value.

    Raises:
        ValueError: the dict is no dump of `pack_loss_dump`.
    """
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS

    if dump.get('meta', {}).get('kind') != 'gm_pose loss dump':
        raise ValueError('this file is no loss dump: give a non_finite_loss_iter_N.pth')
    cfg = Config.fromstring(dump['meta']['cfg'], file_format='.py')
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    with preserve_rng():
        model = MODELS.build(cfg.model)
        model.load_state_dict(dump['state_dict'])
        model.train()
        if dump['rng'] is not None:
            restore_rng({k: v for k, v in dump['rng'].items() if k != 'cuda'})
        with torch.no_grad():
            data = model.data_preprocessor(_from_plain(dump['batch']), True)
            losses = model(**data, mode='loss')
    return {
        name: float(value.mean() if torch.is_tensor(value) else value)
        for name, value in losses.items()
    }


def _to_plain(value: Any) -> Any:
    """Data elements -> dicts that name their kind, so that loading is safe."""
    if isinstance(value, BaseDataElement):
        return dict(
            __kind__=type(value).__name__,
            metainfo={key: _to_plain(item) for key, item in value.metainfo_items()},
            data={key: _to_plain(item) for key, item in value.items()},
        )
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    return value


def _from_plain(value: Any) -> Any:
    if isinstance(value, dict) and '__kind__' in value:
        element = _KINDS[value['__kind__']](metainfo=_from_plain(value['metainfo']))
        for key, item in value['data'].items():
            item = _from_plain(item)
            if isinstance(element, PixelData):
                element.set_data({key: item})
            else:
                setattr(element, key, item)
        return element
    if isinstance(value, dict):
        return {key: _from_plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_plain(item) for item in value]
    return value
