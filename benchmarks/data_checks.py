"""CPU time to read and check an annotation file of COCO's size, without images.

    python benchmarks/data_checks.py --folder /tmp/coco --out benchmarks/data_checks.md

The file has what COCO train2017's has: 118,287 images and 262,465 annotations with 17
keypoints each, of which 149,813 are labelled, and an outline of 20 corners. `--before DIR`
measures a checkout of commit d33080d beside it, in turns.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

NUM_IMAGES, NUM_ANNOTATIONS, NUM_LABELLED, K = 118_287, 262_465, 149_813, 17
NAMES = [
    'nose',
    *(
        f'{side}_{name}'
        for name in ('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')
        for side in ('left', 'right')
    ),
]


def make_file(path: Path) -> None:
    """Write the annotation file; the same numbers every time."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(300, 641, (NUM_IMAGES, 2))
    images = [
        dict(id=n, file_name=f'{n:012d}.jpg', width=int(w), height=int(h), license=3)
        for n, (w, h) in enumerate(sizes)
    ]
    of_image = rng.permutation(np.arange(NUM_ANNOTATIONS) % NUM_IMAGES)
    size = sizes[of_image]
    corner = np.round(rng.uniform(0, 0.4, (NUM_ANNOTATIONS, 2)) * size, 2)
    extent = np.round(rng.uniform(0.2, 0.5, (NUM_ANNOTATIONS, 2)) * size, 2)
    annotations = []
    for n in range(NUM_ANNOTATIONS):
        points = rng.uniform(size=(K + 20, 2)) * extent[n] + corner[n]
        labelled = rng.integers(0, 3, K) if n < NUM_LABELLED else np.zeros(K, int)
        labelled[0] = 2 if n < NUM_LABELLED else 0
        joints = np.c_[points[:K].astype(int), labelled] * (labelled > 0)[:, None]
        annotations.append(
            dict(
                segmentation=[np.round(points[K:], 2).ravel().tolist()],
                num_keypoints=int((labelled > 0).sum()),
                area=float(np.round(extent[n].prod(), 4)),
                iscrowd=0,
                keypoints=joints.ravel().tolist(),
                image_id=int(of_image[n]),
                bbox=[*corner[n].tolist(), *extent[n].tolist()],
                category_id=1,
                id=n,
            )
        )
    category = dict(id=1, name='person', keypoints=NAMES)
    data = dict(images=images, annotations=annotations, categories=[category])
    path.write_text(json.dumps(data))


# What is measured, each in a process of its own: name -> statements that define `read`
# (path -> content) and `check` (content, path).
NOW = {
    'before a run': """
from gm_pose.runs.data_checks.annotation_table import AnnotationTable
from gm_pose.runs.data_checks.file_use import FileUse
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.data_checks.rules import find_refusal
from gm_pose.runs.data_checks.schema import CocoFile, check_lists
def read(path):
    return read_json(path, CocoFile)
def check(data, path):
    check_lists(data, path, ('images', 'annotations', 'categories'))
    needs = ('keypoints', 'bbox')
    find_refusal(AnnotationTable(data, 17, needs, use=FileUse()), path)
""",
    '`check-data`': """
from gm_pose.runs.data_checks import check_annotations
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.data_checks.schema import CocoFile, check_lists
def read(path):
    return read_json(path, CocoFile)
def check(data, path):
    check_lists(data, path, ('images', 'annotations'))
    check_annotations(data)
""",
    '`estimate-sigmas`': """
from pathlib import Path
from gm_pose.cli.estimate_sigmas import read_annotations
def read(path):
    return None
def check(data, path):
    read_annotations(Path(path))
""",
    '`estimate-sigmas`, whole command': """
from gm_pose.__main__ import main
def read(path):
    return None
def check(data, path):
    main(['estimate-sigmas', path])
""",
}
BEFORE = {
    'before a run': """
from gm_pose.engine.coco_layout import check_coco_layout, check_people, read_json as read
def check(data, path):
    check_coco_layout(data, path)
    check_people(data, path, 17)
""",
    '`check-data`': """
from gm_pose.data_checks import check_annotations
from gm_pose.engine.coco_layout import check_coco_frame, read_json as read
def check(data, path):
    check_coco_frame(data, path)
    check_annotations(data)
""",
    '`estimate-sigmas`': NOW['`estimate-sigmas`'].replace('.cli.', '.commands.'),
}
CLOCK = """
import sys, time
began = time.process_time()
data = read(sys.argv[1])
middle = time.process_time()
check(data, sys.argv[1])
print('CPU', middle - began, time.process_time() - middle)
"""


def measure(statements: str, path: Path, root: Path) -> tuple[float, float]:
    """Seconds of CPU: reading, checking."""
    ended = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', statements + CLOCK, str(path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=root,
        env=dict(os.environ, PYTHONPATH=str(root), OMP_NUM_THREADS='1'),
    )
    line = next(x for x in ended.stdout.splitlines() if x.startswith('CPU'))
    read, check = map(float, line.split()[1:])
    return read, check


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--folder', type=Path, required=True, help='for the file')
    parser.add_argument('--out', type=Path, help='Markdown file to write')
    parser.add_argument('--before', type=Path, help='checkout of commit d33080d')
    parser.add_argument('--repeats', type=int, default=3)
    args = parser.parse_args()
    path = args.folder.absolute() / 'people.json'
    if not path.exists():
        args.folder.mkdir(parents=True, exist_ok=True)
        make_file(path)
    trees = {'now': (NOW, Path(__file__).parents[1])}
    if args.before is not None:
        trees = {'d33080d': (BEFORE, args.before), **trees}
    seconds: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(args.repeats):
        for name in NOW:
            for tree, (statements, root) in trees.items():
                if name not in statements:  # it took repeats, of 3 people
                    continue
                found = measure(statements[name], path, root.absolute())
                seconds.setdefault((name, tree), []).append(found)
    lines = [
        "# Checking an annotation file of COCO train2017's size",
        '',
        f'{NUM_IMAGES:,} images, {NUM_ANNOTATIONS:,} annotations, '
        f'{path.stat().st_size / 1e6:.0f} MB. CPU time in seconds, least of '
        f'{args.repeats}; Python {platform.python_version()}, one thread, machine load '
        f'{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores.',
        '',
        '| | version | read JSON | check | both |',
        '|---|---|---|---|---|',
    ]
    for (name, tree), times in seconds.items():
        read, check = (min(column) for column in zip(*times, strict=True))
        both = min(map(sum, times))
        lines.append(f'| {name} | {tree} | {read:.1f} | {check:.1f} | {both:.1f} |')
    lines += [
        '',
        '`estimate-sigmas` reads and checks in one function: "check" holds both. The whole '
        'command measures masks, too.',
        'Written by `benchmarks/data_checks.py`.',
    ]
    text = '\n'.join(lines) + '\n'
    print(text)
    if args.out is not None:
        args.out.write_text(text)


if __name__ == '__main__':
    main()
