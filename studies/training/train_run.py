"""Train and evaluate one variant with one seed; `run_study.py` starts it as a process."""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.models.gaussian_mixture import GaussianMixture
from gm_pose.ops.oks_sigmas import measure_mean_oks_sigma
from gm_pose.ops.sigma_tables import resolve_sigmas
from studies.training.build_config import add_paths, build_config, load_dataset_info
from studies.training.config_hash import hash_config
from studies.training.datasets import DATASETS, StudyDataset, prepare_splits
from studies.training.evaluate_model import evaluate_model
from studies.training.fingerprints import collect_versions, take_fingerprints
from studies.training.result_files import RESULT_FORMAT, Run, format_result
from studies.variants.catalog import VARIANTS
from studies.variants.learned_sigma_head import LearnedSigmaHead


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data', type=Path, required=True, help='holds the datasets')
    parser.add_argument('--dataset', choices=DATASETS, required=True)
    parser.add_argument('--variant', choices=VARIANTS, metavar='VARIANT', required=True)
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument(
        '--epochs', type=int, help="instead of the dataset's own number"
    )
    parser.add_argument('--work-dir', type=Path, required=True)
    parser.add_argument('--results', type=Path, required=True)
    parser.add_argument('--nice', type=int, default=0)
    return parser.parse_args()


def train_model(cfg: Config, config_hash: str, work_dir: Path) -> tuple[Any, dict]:
    """Train, or load what was trained -> (model, facts about the training).

    An interrupted training goes on from its last checkpoint; `EpochSeedHook` makes that
    the same as if it had not been interrupted.
    """
    weights_file, facts_file = work_dir / 'final.pth', work_dir / 'training.json'
    facts = json.loads(facts_file.read_text()) if facts_file.exists() else {}
    if facts.get('config_hash') == config_hash:
        model = Runner.build_model(None, cfg.model)  # type: ignore[arg-type]
        model.load_state_dict(torch.load(weights_file, weights_only=True))
        return model, facts
    started = time.time()
    cfg.resume = (work_dir / 'last_checkpoint').exists()
    runner = Runner.from_cfg(cfg)
    model = runner.train()
    facts = dict(
        config_hash=config_hash,
        encoding=take_fingerprints()['encoding'],
        epochs=runner.epoch,
        iterations=runner.iter,
        final_loss=round(
            float(runner.message_hub.get_scalar('train/loss').mean(19)), 8
        ),
        resumed=bool(cfg.resume),
        seconds=round(time.time() - started),
    )
    torch.save(model.state_dict(), weights_file)
    facts_file.write_text(json.dumps(facts))
    for checkpoint in work_dir.glob('epoch_*.pth'):
        checkpoint.unlink()
    (work_dir / 'last_checkpoint').unlink(missing_ok=True)
    return model, facts


def list_learned_sigmas(model: Any) -> dict[str, list]:
    """Learned sigmas in cells (of mixtures and of targets), by module name."""
    return {
        name: [round(s, 4) for s in module.sigmas.flatten().tolist()]
        for name, module in model.named_modules()
        if isinstance(module, (GaussianMixture, LearnedSigmaHead))
    }


def choose_decode_sigmas(
    cfg: Config, dataset: StudyDataset, split: dict
) -> dict | None:
    """`decode_sigmas` of the metric's own sigmas, measured on the training split.

    None for biased targets, whose decoding fits no Gaussian; for targets with a larger
    sigma at every joint; and for a head whose maps get the sigmas that it learns.
    """
    if (
        not cfg.codec.get('unbiased', False)
        or cfg.codec.type == 'MSRAHeatmap'
        or cfg.model.head.type == 'LearnedSigmaHead'
    ):
        return None
    annotations = json.loads(Path(split['ann_file']).read_text())['annotations']
    sigmas = load_dataset_info(dataset.metainfo)['sigmas']
    mean = measure_mean_oks_sigma(annotations, sigmas, cfg.codec.heatmap_size)
    decode_sigmas = dict(oks=dataset.metainfo, mean=round(mean, 2))
    targets, metric = (
        resolve_sigmas(table, cfg.codec.heatmap_size, None, load_skeleton).cells
        for table in (cfg.codec.sigmas, decode_sigmas)
    )
    return decode_sigmas if (metric > targets).any() else None


def main() -> None:
    args = parse_args()
    os.nice(args.nice)
    torch.set_num_threads(1)
    init_default_scope('mmpose')
    run = Run(args.dataset, args.variant, args.seed)
    dataset = DATASETS[run.dataset]
    work_dir = run.find_work_dir(args.work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    splits = prepare_splits(dataset, args.data, args.work_dir)
    cfg = build_config(VARIANTS[run.variant], dataset, run.seed, args.epochs)
    config_hash = hash_config(cfg)
    run_cfg = add_paths(cfg, splits, work_dir)
    model, training = train_model(run_cfg, config_hash, work_dir)
    decode_sigmas = choose_decode_sigmas(cfg, dataset, splits['train'])
    evaluation = {
        split: evaluate_model(model, run_cfg, splits[split], decode_sigmas)
        for split in ('select', 'report')
    }
    result = dict(
        format=RESULT_FORMAT,
        dataset=run.dataset,
        variant=run.variant,
        seed=run.seed,
        config_hash=config_hash,
        codec=cfg.codec.to_dict(),
        fingerprints=dict(take_fingerprints(), encoding=training.pop('encoding')),
        versions=collect_versions(),
        splits={
            name: {key: split[key] for key in ('people', 'sha256')}
            for name, split in splits.items()
        },
        training=training,
        learned_sigmas=list_learned_sigmas(model),
        decode_sigmas=decode_sigmas,
        evaluation=evaluation,
    )
    target = run.find_result(args.results)
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = work_dir / 'result.json'
    scratch.write_text(format_result(result) + '\n')
    scratch.replace(target)  # a result is there whole, or not at all


if __name__ == '__main__':
    main()
