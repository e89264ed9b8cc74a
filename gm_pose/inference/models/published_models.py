"""Models that MMPose and MMDetection published: names, configs, weights."""

import difflib
import importlib.util
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gm_pose.runs.user_errors import UserError

__all__ = ['Published', 'find_published']

# package -> where its files of metadata have names of models
_TITLES = {'mmpose': 'MMPose', 'mmdet': 'MMDetection'}


@dataclass(frozen=True)
class Published:
    """One model of a zoo.

    Attributes:
        name: as its file of metadata has it.
        config: file within the installed package.
        url: of the weights.
    """

    name: str
    config: Path
    url: str

    def list_places(self) -> list[Path]:
        """Files that mim and PyTorch download these weights to."""
        file = self.url.rpartition('/')[2]
        cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
        torch_home = Path(os.environ.get('TORCH_HOME') or cache / 'torch')
        return [
            Path.home() / '.cache' / 'mim' / file,
            torch_home / 'hub' / 'checkpoints' / file,
        ]

    def fetch_weights(self) -> str:
        """Path of the weights, downloaded into PyTorch's cache where they are nowhere.

        Raises:
            UserError: they are nowhere and cannot be downloaded.
        """
        places = self.list_places()
        for place in places:
            if place.is_file():
                return str(place)
        from gm_pose.runs.host.checkpoints.safe_loading import DownloadError, load_url

        try:
            load_url(self.url, check_hash=True)
        except DownloadError as error:
            reason = error.__cause__ or error
            raise UserError(
                f'weights of {self.name} could not be downloaded from {self.url} '
                f'({reason}). Fix: download that file elsewhere and put it at '
                f'{places[0]}, or give its path as --weights (of a detector: '
                '--box-weights)'
            ) from error
        return str(places[1])


def find_published(package: str, name: str) -> Published | None:
    """Name or alias of a model -> what is published of it; None for an unknown name.

    Args:
        package: 'mmpose' or 'mmdet'.
        name: with or without `.py`.
    """
    return _list_published(package).get(name.removesuffix('.py'))


def suggest_names(package: str, name: str) -> str:
    """'did you mean A, B?' of names that are close, for a message."""
    close = difflib.get_close_matches(name, _list_published(package), 3, 0.5)
    return f'did you mean {", ".join(close)}?' if close else ''


@lru_cache(maxsize=2)
def _list_published(package: str) -> dict[str, Published]:
    import yaml

    loader: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(
            f'{_TITLES[package]} is not installed, which holds models by name. Fix: give '
            'a checkpoint of a run or an ONNX file'
        )
    folder = Path(spec.origin).parent
    roots = [folder / '.mim', folder.parent]  # installed, or a source checkout
    found: dict[str, Published] = {}
    for root in roots:
        index = root / 'model-index.yml'
        if not index.is_file():
            continue
        files = yaml.load(index.read_text(encoding='utf-8'), loader).get('Import') or []
        for file in files:
            path = root / file
            if path.is_file():
                content = yaml.load(path.read_text(encoding='utf-8'), loader)
                _add_models(found, content, root)
        break
    return found


def _add_models(found: dict[str, Published], content: Any, root: Path) -> None:
    models = content.get('Models') if isinstance(content, dict) else content
    for model in models or []:
        config, url = model.get('Config'), model.get('Weights')
        if not config or not url or not (root / config).is_file():
            continue
        published = Published(model['Name'], root / config, url)
        aliases = model.get('Alias') or []
        aliases = [aliases] if isinstance(aliases, str) else aliases
        for name in (model['Name'], Path(config).stem, *aliases):
            found.setdefault(str(name), published)
