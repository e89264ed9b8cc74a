"""MMPose's own top-down heatmap configs with our codec, and their geometry."""

from pathlib import Path
from types import SimpleNamespace

import mmpose
import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.structures import PoseDataSample

ROOT = Path(mmpose.__file__).parent / '.mim' / 'configs'
NAMES = sorted(
    str(path.relative_to(ROOT)) for path in ROOT.glob('**/topdown_heatmap/**/*.py')
)

RECIPE = """\
_base_ = ['{base}']
from gm_pose import with_codec

codec = with_codec(_base_, {options})
"""


def load_with_codec(base: str, folder: Path, options: str = '') -> Config:
    """MMPose config -> the config that a user writes on it, merged.

    By its path: for ``mmpose::`` MMEngine reads all of MMPose's model index, half a second.
    """
    path = folder / 'with_codec.py'
    path.write_text(RECIPE.format(base=ROOT / base, options=options))
    return Config.fromfile(path)


def crop(cfg: Config, keypoints: np.ndarray, split: str = 'val') -> dict:
    """Joints (1, K, 2) in px of a 375x500 image -> what the split's pipeline crops.

    Its box is the whole image, and only the steps that define the geometry are run.
    """
    init_default_scope('mmpose')
    steps = [
        step
        for step in cfg[f'{split}_dataloader'].dataset.pipeline
        if step['type'] in ('GetBBoxCenterScale', 'TopdownAffine')
    ]
    person = dict(
        img=np.zeros((500, 375, 3), np.uint8),
        bbox=np.array([[0, 0, 375, 500]], np.float32),
        keypoints=keypoints.astype(np.float32),
    )
    return Compose(steps)(person)


def to_image(keypoints: np.ndarray, cropped: dict) -> np.ndarray:
    """Decoded joints (1, K, 2) -> px of the image, by MMPose's own estimator."""
    sample = PoseDataSample()
    geometry = ('input_size', 'input_center', 'input_scale')
    sample.set_metainfo({key: cropped[key] for key in geometry})
    sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
    predicted = InstanceData(
        keypoints=keypoints.copy(), keypoint_scores=np.ones(keypoints.shape[:2])
    )
    TopdownPoseEstimator.add_pred_to_datasample(
        SimpleNamespace(test_cfg={}), [predicted], None, [sample]
    )
    return sample.pred_instances.keypoints
