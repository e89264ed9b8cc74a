"""What an exported file costs in accuracy, and what it saves: fp32, fp16 and int8.

Boxes are the annotated ones. AP is pycocotools', a person's score the mean peak. Time is
CPU time on one thread from decoded images to joints, the backends taking turns on the same
people; the median of the rounds. Ranges of int8 come from other images than AP.

Usage:
    python benchmarks/export_accuracy.py CHECKPOINT COCO_FOLDER [--rounds 5] [--out FILE]
"""

import argparse
import contextlib
import io
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TITLE = """# Accuracy and speed of exported files

Written by `python benchmarks/export_accuracy.py {checkpoint}
{coco}`, which says how it is measured. AP is of {people} people, without a flip
test; {timed} of them are timed, {rounds} rounds; int8 is calibrated on {calibrated}
others. The size in PyTorch's row is the checkpoint's. {platform}, Python {python},
PyTorch {torch}, ONNX Runtime {onnxruntime}.

"""
COLUMNS = (
    'network',
    'AP',
    'MB',
    'joints move by, px (median)',
    'people a second and core',
)


def export_files(
    opened: Any, torch_backend: Any, calibration: Any, folder: str
) -> dict:
    """One conversion -> files by their rows' names."""
    from gm_pose.export.build_graph import build_graph, convert_graph
    from gm_pose.export.export_onnx import ExportOptions, write_model
    from gm_pose.export.file_metadata import add_metadata, describe_file
    from gm_pose.export.precision import to_fp16, to_int8

    graph = build_graph(torch_backend.network, opened, 'image', 'joints')
    proto = convert_graph(graph)
    add_metadata(proto, describe_file(torch_backend, opened, ExportOptions()))
    paths = {name: f'{folder}/{name}.onnx' for name in ('fp32', 'fp16', 'int8')}
    write_model(proto, paths['fp32'])
    write_model(to_fp16(proto), paths['fp16'])
    import onnx

    to_int8(onnx.load(paths['fp32']), paths['int8'], graph, calibration)
    return paths


def read_people(folder: Path, split: str, most: int) -> tuple[list[Any], str]:
    """Images of a split with annotated boxes -> samples, path of the annotations."""
    from gm_pose.export.samples import read_samples
    from gm_pose.inference.boxes import open_boxes
    from gm_pose.inference.sources import open_source

    annotations = str(folder / 'annotations' / f'person_keypoints_{split}.json')
    frames = open_source(str(folder / split))
    return read_samples(frames, open_boxes(annotations), most), annotations


def measure_ap(backend: Any, folder: Path, annotations: str) -> tuple[float, int]:
    """AP of a backend on the annotated boxes of a split, and how many those are."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    from gm_pose import PoseEstimator

    results = []
    for people in PoseEstimator(backend).stream(str(folder), annotations):
        results += people.to_coco()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(annotations)
        evaluation = COCOeval(truth, truth.loadRes(results), 'keypoints')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), len(results)


def measure_speed(backends: dict, samples: list, rounds: int) -> dict[str, float]:
    """People a second of CPU time."""
    images, boxes = [s.image for s in samples], [s.boxes_px for s in samples]
    seconds: dict[str, list[float]] = {name: [] for name in backends}
    for k in range(rounds + 1):
        for name, backend in backends.items():
            start = time.process_time()
            backend.estimate(images, boxes)
            if k:  # the first warms up
                seconds[name].append(time.process_time() - start)
    people = sum(map(len, boxes))
    return {name: people / float(np.median(taken)) for name, taken in seconds.items()}


def list_distances(backend: Any, samples: list, reference: list | None) -> Any:
    """Joints of a backend, or their distances in px from those of another."""
    found = backend.estimate([s.image for s in samples], [s.boxes_px for s in samples])
    joints = np.concatenate([people.keypoints_px for people in found])
    if reference is None:
        return joints
    return np.linalg.norm(joints - reference, axis=-1)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('checkpoint')
    parser.add_argument('coco', type=Path, help='train2017, val2017, annotations')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--timed-people', type=int, default=64)
    parser.add_argument('--out', type=Path)
    args = parser.parse_args()

    import onnxruntime
    import torch

    from gm_pose.inference.backends.onnx_backend import OnnxBackend
    from gm_pose.inference.backends.torch_backend import TorchBackend
    from gm_pose.inference.models.open_model import open_model

    torch.set_num_threads(1)
    opened = open_model(args.checkpoint)
    exporting = TorchBackend(opened, 'cpu')
    exporting.network.model.to(memory_format=torch.contiguous_format)
    calibration, _ = read_people(args.coco, 'train2017', 256)
    samples, annotations = read_people(args.coco, 'val2017', args.timed_people)
    with tempfile.TemporaryDirectory() as folder:
        paths = export_files(opened, exporting, calibration, folder)
        backends: dict[str, Any] = {'PyTorch': TorchBackend(opened, 'cpu')}
        for name, path in paths.items():
            backends[f'ONNX Runtime, {name}'] = OnnxBackend(path, threads=1)
        speed = measure_speed(backends, samples, args.rounds)
        reference = list_distances(backends['PyTorch'], samples, None)
        sizes = [
            os.path.getsize(args.checkpoint),
            *map(os.path.getsize, paths.values()),
        ]
        lines = [make_row(*COLUMNS), '|---|--:|--:|--:|--:|']
        for (name, backend), size in zip(backends.items(), sizes, strict=True):
            ap, people = measure_ap(backend, args.coco / 'val2017', annotations)
            moved = np.median(list_distances(backend, samples, reference))
            row = (name, f'{ap:.4f}', f'{size / 1e6:.2f}', f'{moved:.2g}')
            lines.append(make_row(*row, f'{speed[name]:.1f}'))
            print(lines[-1], flush=True)
    title = TITLE.format(
        checkpoint=args.checkpoint,
        coco=args.coco,
        people=people,
        timed=count_people(samples),
        calibrated=count_people(calibration),
        rounds=args.rounds,
        platform=platform.machine(),
        python=platform.python_version(),
        torch=torch.__version__.partition('+')[0],
        onnxruntime=onnxruntime.__version__,
    )
    if args.out:
        args.out.write_text(title + '\n'.join(lines) + '\n', encoding='utf-8')


def make_row(*cells: str) -> str:
    """Cells -> row of a Markdown table."""
    return f'| {" | ".join(cells)} |'


def count_people(samples: list[Any]) -> int:
    """How many boxes they have."""
    return sum(len(sample.boxes_px) for sample in samples)


if __name__ == '__main__':
    main()
