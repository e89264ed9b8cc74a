"""A checkpoint of a run: weights, config, metainfo and calibration in one file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gm_pose.inference.models.embedded_config import (
    REMEDY,
    check_types,
    parse_config_text,
)
from gm_pose.inference.models.metainfo import make_skeleton
from gm_pose.inference.models.model_settings import ModelSettings, read_settings
from gm_pose.ops.uncertainty.calibration import META_KEY, Calibration
from gm_pose.runs.user_errors import UserError

__all__ = ['OpenedModel', 'read_calibration', 'read_run_checkpoint']


@dataclass(frozen=True)
class OpenedModel:
    """All that a torch backend is built of.

    Attributes:
        settings: of the model.
        checkpoint: content of the file with the weights.
        metainfo: parsed, of the data set that it was trained on.
        calibration: None for the neutral one.
        path: of the weights.
    """

    settings: ModelSettings
    checkpoint: dict[str, Any]
    metainfo: Mapping[str, Any]
    calibration: Calibration | None
    path: str


def read_run_checkpoint(path: str) -> OpenedModel:
    """Checkpoint file that MMEngine wrote -> what it holds; none of it is executed.

    Raises:
        UserError: it is missing, damaged, unsafe, or holds weights alone.
    """
    from gm_pose.runs.resume.resumable_checkpoint import read_checkpoint

    checkpoint = read_checkpoint(path)
    meta = checkpoint.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    text, metainfo = meta.get('cfg'), meta.get('dataset_meta')
    if not isinstance(text, str) or not isinstance(metainfo, Mapping):
        lacks = 'config' if not isinstance(text, str) else 'dataset metainfo'
        raise UserError(f'checkpoint {path} holds no {lacks}. {REMEDY}')
    try:
        settings = read_settings(parse_config_text(text, path), path)
        check_types(settings.model, path)
    except (AttributeError, TypeError, KeyError, RecursionError) as error:
        raise UserError(
            f'the config in checkpoint {path} is no config of a model ({error!r}). {REMEDY}'
        ) from error
    return OpenedModel(
        settings=_fix_codec(settings, metainfo, path),
        checkpoint=checkpoint,
        metainfo=metainfo,
        calibration=read_calibration(meta, path),
        path=path,
    )


def read_calibration(meta: Any, path: str) -> Calibration | None:
    """`meta` of a checkpoint -> calibration, None where there is none.

    Raises:
        UserError: there is something else under its name.
    """
    stored = meta.get(META_KEY) if isinstance(meta, Mapping) else None
    if stored is None:
        return None
    try:
        return Calibration.from_dict(stored)
    except ValueError as error:
        raise UserError(f'checkpoint {path}: {error}') from error


def _fix_codec(
    settings: ModelSettings, metainfo: Mapping[str, Any], path: str
) -> ModelSettings:
    """Write the codec's sigmas as numbers.

    Tables may refer to a metainfo file, which is Python, which need not be there on
    another machine, and which a stranger's checkpoint must not name. The skeleton of that
    file is the one of the metainfo.
    """
    from gm_pose.codecs import load_skeleton
    from gm_pose.codecs.base_codec import OURS, get_type
    from gm_pose.ops import decode_sigmas, sigma_tables

    head = settings.model['head']
    codec = head.get('decoder')
    if not isinstance(codec, Mapping) or get_type(codec) != OURS:
        return settings

    def load(dataset: Any) -> Any:
        is_name = isinstance(dataset, str) and dataset.isidentifier()
        return load_skeleton(dataset) if is_name else make_skeleton(metainfo)

    try:
        size, dataset = codec['heatmap_size'], codec.get('dataset')
        sigmas = codec['sigmas']
        resolved = sigma_tables.resolve_sigmas(sigmas, size, dataset, load)
        fixed = {k: v for k, v in codec.items() if k != 'dataset'}
        fixed['sigmas'] = _plain(resolved)
        if codec.get('decode_sigmas') is not None:
            read = decode_sigmas.resolve_decode_sigmas(
                codec['decode_sigmas'], sigmas, resolved, size, dataset, load
            )
            fixed['decode_sigmas'] = _plain(read)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'the codec in checkpoint {path} cannot be used ({error}). {REMEDY}'
        ) from error
    model = {**settings.model, 'head': {**head, 'decoder': fixed}}
    return replace(settings, model=model)


def _plain(resolved: Any) -> Any:
    cells = resolved.cells.tolist()
    return cells[0] if resolved.is_uniform else cells
