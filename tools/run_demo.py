"""The demo: render a small dataset, train, evaluate, draw; skip what is done.

Example:
    python tools/run_demo.py --work-dir work_dirs/demo
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIG = 'demo_gm_set2_synthetic.py'
COCO_NUMBERS = (
    'AP',
    'AP .5',
    'AP .75',
    'AP (M)',
    'AP (L)',
    'AR',
    'AR .5',
    'AR .75',
    'AR (M)',
    'AR (L)',
)


def log(text: str) -> None:
    print(f'demo: {text}', flush=True)


def run(command: list[str], env: dict[str, str]) -> None:
    """Run one step with its output shown; exit with its code if it fails."""
    log(' '.join(command))
    code = subprocess.call(command, env=env, cwd=ROOT)
    if code != 0:
        log(f'this step failed with code {code}; see its message above')
        sys.exit(code)


def hash_sources(data: Path) -> str:
    """Digest of what the demo's result depends on -> hex string."""
    digest = hashlib.sha256(str(data).encode())
    for pattern in (
        'gm_pose/**/*.py',
        'configs/**/*.py',
        'tools/*.py',
        'requirements/*',
    ):
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                name = path.relative_to(ROOT).as_posix()
                digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()


def find_checkpoint(work_dir: Path) -> Path:
    """Newest checkpoint of the run, as MMEngine records it."""
    record = work_dir / 'last_checkpoint'
    return Path(record.read_text().strip())


def print_results(metrics: dict, outputs: list[Path]) -> None:
    """Print COCO's ten numbers and the paths of what was made."""
    log('COCO keypoint metrics on the rendered validation people:')
    for name in COCO_NUMBERS:
        print(f'  {name:7s} {metrics[f"coco/{name}"]:.3f}')
    log('files:')
    for path in outputs:
        print(f'  {path}')


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--data', type=Path, default=Path('data/synthetic_coco'))
    args = parser.parse_args()
    work_dir = (ROOT / args.work_dir).resolve()
    data = (ROOT / args.data).resolve()
    python = sys.executable
    mim = str(Path(python).with_name('mim'))
    env = dict(os.environ, COCO_ROOT=str(data))
    # One thread, and a worker for the images: on few cores, threads that wait for each
    # other while something else runs make a step many times slower.
    env.setdefault('OMP_NUM_THREADS', '1')
    # mim imports it, and warns in each of its processes.
    env.setdefault('PYTHONWARNINGS', 'ignore:pkg_resources is deprecated:UserWarning')

    run([python, 'tools/make_synthetic_coco.py', '--out', str(data)], env)

    digest = hash_sources(data)
    done_file = work_dir / 'demo.json'
    done = json.loads(done_file.read_text()) if done_file.exists() else {}
    metrics_file = work_dir / 'metrics.json'
    pictures = work_dir / 'pictures'
    checkpoint = Path(done.get('checkpoint', ''))
    if done.get('sources') == digest and checkpoint.is_file():
        log('trained already, skipping')
    else:
        begin = time.time()
        run([mim, 'train', 'gm_pose', CONFIG, '--work-dir', str(work_dir)], env)
        checkpoint = find_checkpoint(work_dir)
        done = dict(
            sources=digest,
            minutes=(time.time() - begin) / 60,
            checkpoint=str(checkpoint),
        )
        done_file.write_text(json.dumps(done, indent=2) + '\n')
    if done.get('is_drawn') and metrics_file.exists():
        log('evaluated and drawn already, skipping')
    else:
        run(
            [
                mim,
                'test',
                'gm_pose',
                CONFIG,
                '--checkpoint',
                str(checkpoint),
                '--work-dir',
                str(work_dir),
                '--out',
                str(metrics_file),
            ],
            env,
        )
        config = str(ROOT / 'configs' / 'demo' / CONFIG)
        run(
            [
                python,
                'tools/draw_predictions.py',
                config,
                str(checkpoint),
                '--out',
                str(pictures),
            ],
            env,
        )
        done['is_drawn'] = True
        done_file.write_text(json.dumps(done, indent=2) + '\n')
    log(f'training took {done["minutes"]:.1f} minutes')
    metrics = json.loads(metrics_file.read_text())
    images = sorted(pictures.glob('**/*.png'))
    print_results(metrics, [data, Path(done['checkpoint']), metrics_file, *images])


if __name__ == '__main__':
    main()
