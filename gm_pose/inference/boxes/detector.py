"""Boxes from a detector of MMDetection."""

import os.path as osp
import warnings
from typing import Any

import numpy as np

from gm_pose.inference.boxes.box_finder import FoundBoxes
from gm_pose.inference.models.published_models import find_published, suggest_names
from gm_pose.inference.sources.frame import Frame
from gm_pose.runs.user_errors import UserError

__all__ = ['Detector']


class Detector:
    """Finds people; all classes count where none is called person.

    Args:
        name: name or alias of a published detector ('rtmdet-m'), or a config file.
        weights: checkpoint; None: where mim and PyTorch keep what they downloaded, else
            downloaded.
        threshold: boxes with a lower score are left out.
        device: 'cpu', 'cuda:0', ...; None: a GPU where there is one.

    Raises:
        UserError: no such detector, no weights, or weights of another one.
    """

    def __init__(
        self, name: str, weights: str | None, threshold: float, device: str | None
    ) -> None:
        import gm_pose  # noqa: F401  mends the host before MMDetection is imported

        config, path = _find_files(name, weights)
        self._threshold = threshold
        self._model = _build(config, path, device)
        classes = [
            str(c).lower() for c in self._model.dataset_meta.get('classes') or ()
        ]
        self._person = classes.index('person') if 'person' in classes else None
        self._pipeline: Any = None

    def find(self, frame: Frame) -> FoundBoxes:
        """Boxes of the people in a frame, best first."""
        from mmdet.apis import inference_detector
        from mmengine.registry import DefaultScope

        with DefaultScope.overwrite_default_scope('mmdet'):
            result = inference_detector(
                self._model, frame.image, test_pipeline=self._get_pipeline()
            )
        found = result.pred_instances.cpu().numpy()
        kept = found.scores >= self._threshold
        if self._person is not None:
            kept &= found.labels == self._person
        order = np.argsort(-found.scores[kept], kind='stable')
        return FoundBoxes(
            found.bboxes[kept][order].astype(np.float32),
            found.scores[kept][order].astype(np.float32),
        )

    def _get_pipeline(self) -> Any:
        """The config's test pipeline for an array."""
        if self._pipeline is None:
            from mmcv.transforms import Compose
            from mmdet.utils import get_test_pipeline_cfg

            steps = get_test_pipeline_cfg(self._model.cfg.copy())
            steps[0]['type'] = 'mmdet.LoadImageFromNDArray'
            self._pipeline = Compose(steps)
        return self._pipeline


def _find_files(name: str, weights: str | None) -> tuple[str, str]:
    """Config and weights."""
    if name.endswith('.py') and osp.isfile(name):
        if weights is None:
            raise UserError(
                f'--boxes {name} is a config, which holds no weights. Fix: --box-weights '
                'CHECKPOINT.pth'
            )
        return name, weights
    published = find_published('mmdet', name)
    if published is None:
        raise UserError(
            f'--boxes {name} is no file and no published detector of MMDetection. Fix: '
            f'{suggest_names("mmdet", name) or ""} whole, a COCO file (.json), or a '
            "detector's name such as rtmdet-m"
        )
    return str(published.config), weights or published.fetch_weights()


def _build(config: str, weights: str, device: str | None) -> Any:
    import torch
    from mmdet.apis import init_detector
    from mmengine.config import Config
    from mmengine.registry import DefaultScope

    from gm_pose.runs.checks.checkpoint_fit import check_checkpoint_fits
    from gm_pose.runs.resume.resumable_checkpoint import read_checkpoint

    checkpoint = read_checkpoint(weights)
    device = device or ('cuda:0' if torch.cuda.is_available() else 'cpu')
    cfg = Config.fromfile(config)
    with (
        DefaultScope.overwrite_default_scope('mmdet'),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter('ignore')
        model = init_detector(cfg, None, palette='coco', device='cpu')
        weights_only = {
            k: v
            for k, v in checkpoint.get('state_dict', checkpoint).items()
            if not k.startswith('data_preprocessor.')
        }
        check_checkpoint_fits({'state_dict': weights_only}, model, weights)
        model.load_state_dict(weights_only, strict=False)
    classes = (checkpoint.get('meta') or {}).get('dataset_meta') or {}
    if classes.get('classes') or classes.get('CLASSES'):
        names = classes.get('classes') or classes.get('CLASSES')
        model.dataset_meta = {**model.dataset_meta, 'classes': names}
    return model.to(device).eval()
