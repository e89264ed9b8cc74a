"""People per second on one core: gm_pose, MMPoseInferencer and rtmlib on one network.

    pip install --no-deps rtmlib
    python benchmarks/predict_speed.py --out benchmarks/predict_speed.md

Rendered pictures with annotated boxes, decoded beforehand, random weights. All arms run in
turns in one process, each on all pictures, with one thread and CPU time, so that a busy
machine slows all alike: the ratios are the result. Every arm crops, runs the network,
decodes, and gives joints in px of the picture. Without a flip test, unless the row says so.

    MMPoseInferencer: config and checkpoint, boxes given, nothing drawn;
    gm_pose: the same checkpoint, `PoseEstimator.stream`;
    rtmlib: `ViTPose`, its class for heatmaps, on `gm_pose export` of maps from crops;
    gm_pose, ONNX: `PoseEstimator` on `gm_pose export`;
    network alone: PyTorch's part of gm_pose's, all people in one batch, without images:
        what nobody who runs this network by PyTorch in float32 can be faster than.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault('OMP_NUM_THREADS', '1')

import cv2
import numpy as np
import onnxruntime
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.registry import MODELS

import gm_pose  # noqa: F401, it registers its parts
from gm_pose.datasets.synthetic_people import make_coco_folder
from gm_pose.export.export_onnx import ExportOptions, export_onnx
from gm_pose.inference import PoseEstimator
from gm_pose.inference.backends.onnx_backend import OnnxBackend
from gm_pose.inference.backends.torch_backend import TorchBackend
from gm_pose.inference.boxes import open_boxes
from gm_pose.inference.models.config_model import read_config_model
from gm_pose.inference.sources import open_source

CONFIGS = Path(__file__).parents[1] / 'configs'
# name of the network -> config, rounds
NETWORKS = {
    'demo, 0.5 M weights, 128x96': (CONFIGS / 'demo/demo_gm_set2_synthetic.py', 9),
    'ResNet-50, 256x192': (CONFIGS / 'set2_res50_coco.py', 3),
}
BASE = 'MMPoseInferencer'
Arm = Callable[[], Any]


def save_weights(config: Path, path: Path) -> None:
    """A checkpoint with random weights."""
    cfg = Config.fromfile(config)
    init_default_scope('mmpose')
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), path)


class Pictures:
    """Decoded pictures (h, w, 3) and their annotated boxes (n, 4), x1, y1, x2, y2 in px."""

    def __init__(self, folder: Path, annotations: Path) -> None:
        finder = open_boxes(str(annotations))
        frames = list(open_source(folder))
        self.images = [frame.image for frame in frames]
        self.boxes = [finder.find(frame).boxes_px for frame in frames]
        self.people = sum(map(len, self.boxes))


def make_inferencer_arm(
    config: Path,
    weights: Path,
    pictures: Pictures,
    flip_test: bool,
    device: str = 'cpu',
) -> Arm:
    """MMPose's own."""
    from mmpose.apis import MMPoseInferencer

    inferencer = MMPoseInferencer(
        pose2d=str(config),
        pose2d_weights=str(weights),
        device=device,
        det_model='whole_image',
        show_progress=False,
    )
    inner = inferencer.inferencer
    inner.model.test_cfg['flip_test'] = flip_test
    inner.det_cat_ids = (0,)

    def run() -> None:
        for image, boxes in zip(pictures.images, pictures.boxes, strict=True):
            # boxes given as `bboxes` are overwritten by those of its detector
            inner.detector = lambda *_, boxes=boxes, **__: give_boxes(boxes)
            next(inferencer(image, bbox_thr=0.0, nms_thr=1.0))

    return run


def give_boxes(boxes: Any) -> dict[str, Any]:
    """Boxes as MMDetection's inferencer gives them."""
    count = len(boxes)
    found = InstanceData(
        bboxes=torch.from_numpy(boxes),
        scores=torch.ones(count),
        labels=torch.zeros(count, dtype=torch.long),
    )
    return dict(predictions=[SimpleNamespace(pred_instances=found)])


def make_estimator_arm(backend: Any, pictures: Pictures, batch_size: int = 32) -> Arm:
    """Ours, on either backend."""
    pose = PoseEstimator(backend, batch_size=batch_size)
    return lambda: list(pose.stream(pictures.images, pictures.boxes))


def make_network_arm(backend: TorchBackend, people: int) -> Arm:
    """Normalised crops in, maps out, laid out as the backend has them."""
    w, h = backend.network.description.input_size
    crops = torch.randn(people, 3, h, w).to(memory_format=torch.channels_last)

    def run() -> None:
        with torch.inference_mode():
            backend.network.predict_maps(crops)

    return run


def make_rtmlib_arm(maps: Path, input_size: Any, pictures: Pictures) -> Arm:
    """The class for heatmaps, with one thread, which it has no option for."""
    from rtmlib import ViTPose

    session = onnxruntime.InferenceSession

    def open_with_one_thread(path_or_bytes: str, **options: Any) -> Any:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        return session(path_or_bytes, settings, **options)

    onnxruntime.InferenceSession = open_with_one_thread
    try:
        model = ViTPose(str(maps), tuple(input_size), backend='onnxruntime')
    finally:
        onnxruntime.InferenceSession = session

    def run() -> None:
        for image, boxes in zip(pictures.images, pictures.boxes, strict=True):
            model(image, boxes)

    return run


def make_arms(config: Path, folder: Path, pictures: Pictures) -> dict[str, Arm]:
    """Name -> what predicts all pictures."""
    weights = folder / 'weights.pth'
    save_weights(config, weights)
    opened = read_config_model(str(config), str(weights))
    export_onnx(opened, folder / 'joints.onnx')
    maps = ExportOptions(takes='crop', gives='maps')
    export_onnx(opened, folder / 'maps.onnx', maps)
    joints = str(folder / 'joints.onnx')
    size = opened.settings.crop.input_size
    backend = TorchBackend(opened, 'cpu')
    return {
        BASE: make_inferencer_arm(config, weights, pictures, False),
        'gm_pose': make_estimator_arm(backend, pictures),
        'network alone': make_network_arm(backend, pictures.people),
        'rtmlib': make_rtmlib_arm(folder / 'maps.onnx', size, pictures),
        'gm_pose, ONNX': make_estimator_arm(
            OnnxBackend(joints, 'cpu', threads=1), pictures
        ),
        f'{BASE}, flip test': make_inferencer_arm(config, weights, pictures, True),
        'gm_pose, flip test': make_estimator_arm(
            TorchBackend(opened, 'cpu', flip_test=True), pictures
        ),
    }


def measure(arms: dict[str, Arm], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each round, in turns; one round more that does not count."""
    times: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(rounds + 1):
        for name, run in arms.items():
            start = time.process_time()
            run()
            if turn:
                times[name].append(time.process_time() - start)
    return times


def make_rows(network: str, times: dict[str, list[float]], people: int) -> list[str]:
    """People per second and the ratio to MMPoseInferencer's, round by round."""
    rows = []
    for name, seconds in times.items():
        base = times[f'{BASE}, flip test' if 'flip' in name else BASE]
        ratio = np.median(np.array(base) / np.array(seconds))
        speed = people / np.median(seconds)
        rows.append(f'| {network} | {name} | {speed:.1f} | {ratio:.2f} |')
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--out', type=Path, help='file to write the table to')
    parser.add_argument('--people', type=int, default=16)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / 'data'
        make_coco_folder(data, train_people=1, val_people=args.people, seed=0)
        pictures = Pictures(
            data / 'val2017', data / 'annotations/person_keypoints_val2017.json'
        )
        for network, (config, rounds) in NETWORKS.items():
            folder = Path(name) / config.stem
            folder.mkdir()
            arms = make_arms(config, folder, pictures)
            rows += make_rows(network, measure(arms, rounds), pictures.people)
            print(*rows[-len(arms) :], sep='\n', flush=True)
            if args.out:
                args.out.write_text(make_page(rows, pictures))


def make_page(rows: list[str], pictures: Pictures) -> str:
    """The table as Markdown."""
    packages = ('numpy', 'torch', 'mmpose', 'mmcv-lite', 'onnxruntime', 'rtmlib')
    versions = ', '.join(f'{name} {find_version(name)}' for name in packages)
    return '\n'.join(
        [
            '# Speed of prediction',
            '',
            'Written by `python benchmarks/predict_speed.py`, which says how it is '
            f'measured: {pictures.people} people on {len(pictures.images)} pictures, one '
            'thread, CPU time, in turns in one process.',
            '',
            f'{platform.machine()}, Python {platform.python_version()}, {versions}. Load '
            f'average at the end {os.getloadavg()[1]:.0f} on {os.cpu_count()} cores.',
            '',
            '| network | | people/s on a core | times MMPoseInferencer |',
            '|---|---|---|---|',
            *rows,
            '',
        ]
    )


def find_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return '-'


if __name__ == '__main__':
    main()
