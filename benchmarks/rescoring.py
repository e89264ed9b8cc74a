"""AP with the peak and with the expected OKS as the score of a person, same checkpoints.

    python benchmarks/rescoring.py --data DIR --work-dir DIR --demo CHECKPOINT \
        [--epochs 4] [--seed 0] [--out benchmarks/rescoring.md]

DIR of `--data` holds studio17 and coco-union, `--work-dir` takes the networks: the study's,
trained on studio17 for `--epochs`, then on coco-union for as many (`rescoring_models.py`;
kept for the next call). CHECKPOINT is of configs/demo (COCO_ROOT names its data).

Every person of a validation set is predicted once, in its annotated box and with the flip
test of its config. A person's score is made as MMPose's CocoMetric makes it, from one of

    peak: the maps' largest values, MMPose's scores;
    expected OKS: `gm_pose.ops.uncertainty`, not calibrated, mean over all joints, as
        predict and test have it;
    expected OKS, calibrated: fitted on the people of the other images, five times, so that
        nobody is scored by a calibration that has seen them;
    the same, above 0.2: the mean over the joints that CocoMetric counts by itself;
    the same, by presence: sum over joints by the sum of their presence;
    true OKS: the ceiling, what no score can pass.

AP takes each prediction against its own person, without NMS. Intervals: people drawn anew
500 times, image by image, the same for both scores.
"""

import argparse
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault('OMP_NUM_THREADS', '1')
sys.path.insert(0, str(Path(__file__).parents[1]))

import gm_pose  # noqa: I001  (before mmpose, which it mends)
import numpy as np
import torch
from scipy import stats

from gm_pose.calibration.predictions import assign_folds, predict, predict_kept_aside
from gm_pose.calibration.reliability import assess, assess_peaks
from gm_pose.cli import build_parser
from gm_pose.cli.calibrate import measure_people
from gm_pose.ops.uncertainty import Evidence, average_expected_oks
from studies.analysis.people_bootstrap import compute_ap
from studies.training.joint_statistics import score_people

NUM_FOLDS = 5
NUM_SAMPLES = 500
DEMO = Path(__file__).parents[1] / 'configs/demo/demo_gm_set2_synthetic.py'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', type=Path, help='holds studio17 and coco-union')
    parser.add_argument('--work-dir', type=Path, required=True)
    parser.add_argument('--demo', type=Path, help='checkpoint of the demo')
    parser.add_argument('--epochs', type=int, default=4)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--count', type=int, choices=(1, 2), default=2, help='1: no coco-union'
    )
    parser.add_argument(
        '--out', type=Path, default=Path(__file__).with_suffix('.md'), metavar='FILE'
    )
    return parser.parse_args()


@dataclass(frozen=True, eq=False)
class Scored:
    """N people of one data set.

    Attributes:
        oks: (N,) true OKS.
        scores: name of a scoring -> (N,).
        image_ids: (N,).
        lines: about the calibration.
    """

    oks: np.ndarray
    scores: dict[str, np.ndarray]
    image_ids: np.ndarray
    lines: list[str]


def score_everyone(metric, seed: int) -> Scored:
    """What was measured of a data set's people -> their scores."""
    evidence: Evidence = metric.evidence
    labelled = evidence.labelled
    oks = (evidence.true_oks * labelled).sum(1) / labelled.sum(1).clip(1)
    folds = assign_folds(metric.image_ids, NUM_FOLDS, seed)
    measured = predict(evidence, None)
    calibrated, _ = predict_kept_aside(evidence, folds)
    before, after = assess(evidence, measured), assess(evidence, calibrated)
    peaks, covered = assess_peaks(evidence, metric.peaks), after.covered
    lines = [
        f'expected calibration error of the OKS: peak {peaks[0].error:.3f}, expected OKS '
        f'{before.oks.error:.3f}, calibrated {after.oks.error:.3f}; of the presence: '
        f'{peaks[1].error:.3f}, {before.presence.error:.3f}, {after.presence.error:.3f}',
        f'95 % ellipses hold {before.covered_in_all:.1%} of the {labelled.sum()} labelled '
        f'joints before and {after.covered_in_all:.1%} after calibration, by joint '
        f'{covered.min():.1%} to {covered.max():.1%}; '
        f'{((covered >= 0.93) & (covered <= 0.97)).sum()} of {len(covered)} joints '
        'within 93 to 97 %',
    ]
    scores = {
        'peak': score_people(metric.peaks),
        'expected OKS': average_expected_oks(measured.scores),
        'expected OKS, calibrated': average_expected_oks(calibrated.scores),
        'the same, above 0.2': score_people(calibrated.scores),
        'the same, by presence': calibrated.scores.sum(1)
        / calibrated.presence.sum(1).clip(1e-6),
        'true OKS': oks,
    }
    has_joints = labelled.any(1)
    scores = {name: values[has_joints] for name, values in scores.items()}
    return Scored(oks[has_joints], scores, metric.image_ids[has_joints], lines)


def bootstrap(people: Scored, name: str) -> tuple[float, float]:
    """95 % interval of a scoring's AP minus the peak's, images drawn anew."""
    rng = np.random.default_rng(0)
    images = np.unique(people.image_ids)
    rows_of = [np.flatnonzero(people.image_ids == image) for image in images]
    differences = []
    for _ in range(NUM_SAMPLES):
        drawn = rng.integers(len(images), size=len(images))
        rows = np.concatenate([rows_of[k] for k in drawn])
        first, second = (
            compute_ap(people.oks[rows], people.scores[scoring][rows])
            for scoring in (name, 'peak')
        )
        differences.append(first - second)
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def format_rows(title: str, people: Scored) -> list[str]:
    """Table rows of one data set."""
    base = compute_ap(people.oks, people.scores['peak'])
    rows = []
    for name, scores in people.scores.items():
        ap = compute_ap(people.oks, scores)
        rank = stats.spearmanr(scores, people.oks).statistic
        change = ''
        if name != 'peak':
            low, high = bootstrap(people, name)
            change = f'{ap - base:+.2f} ({low:+.2f} to {high:+.2f})'
        rows.append(
            f'| {title} | {len(people.oks)} | {name} | {ap:.2f} | {change} | {rank:.3f} |'
        )
    return rows


def list_networks(args: argparse.Namespace) -> dict[str, tuple[Path, Path]]:
    """Data set -> config and checkpoint."""
    networks = {}
    if args.demo is not None:
        networks['demo'] = (DEMO, args.demo)
    if args.data is not None:
        from rescoring_models import train_all

        networks |= train_all(
            args.data, args.work_dir, args.epochs, args.seed, args.count
        )
    if not networks:
        raise SystemExit('nothing to measure. Fix: give --demo, --data or both')
    return networks


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    rows, notes = [], []
    for title, (config, checkpoint) in list_networks(args).items():
        words = ['calibrate', str(config), str(checkpoint)]
        words += ['--work-dir', str(args.work_dir / 'measured' / title)]
        metric, _ = measure_people(build_parser('calibrate').parse_args(words))
        people = score_everyone(metric, args.seed)
        rows += format_rows(title, people)
        notes += [f'- **{title}**: {line}.' for line in people.lines]
    text = f"""# Scores that rank: expected OKS against the peak

Written by `python benchmarks/rescoring.py --epochs {args.epochs} --seed {args.seed}`, which
says how it is measured. {platform.machine()}, Python {platform.python_version()}, torch
{torch.__version__}, numpy {np.__version__}, gm_pose {gm_pose.__version__}.

| data | people | score of a person | AP | minus peak, 95 % interval | rank correlation |
|:---|---:|:---|---:|:---|---:|
{chr(10).join(rows)}

{chr(10).join(notes)}
"""
    args.out.write_text(text)
    print(text)


if __name__ == '__main__':
    main()
