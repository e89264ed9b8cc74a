"""Parts of the tiny model of the sweeps' tests (`custom_imports`)."""

import os
import signal
from pathlib import Path

import numpy as np
from mmengine.hooks import Hook
from mmengine.structures import InstanceData
from mmpose.models.heads import HeatmapHead
from mmpose.registry import HOOKS, MODELS


@MODELS.register_module(force=True)
class NoisyTruthHead(HeatmapHead):
    """Predicts the annotation, off by input px that the targets' sigma decides.

    The sigma of 2 is the best one, and each further cell costs 3 px.
    """

    def predict(self, feats, batch_data_samples, test_cfg=None):
        predictions = []
        deviation = 0.5 + 3 * abs(float(np.mean(self.decoder.sigmas_cells)) - 2)
        for sample in batch_data_samples:
            info = sample.metainfo
            rng = np.random.default_rng(info['id'])
            truth = sample.gt_instances.keypoints
            scale = np.asarray(info['input_scale'])
            points = (truth - info['input_center'] + 0.5 * scale) / scale
            points = points * info['input_size'] + rng.normal(0, deviation, truth.shape)
            scores = rng.uniform(0.3, 1, truth.shape[:2])
            predictions.append(InstanceData(keypoints=points, keypoint_scores=scores))
        return predictions


@HOOKS.register_module(force=True)
class IncidentHook(Hook):
    """Writes down each epoch; a candidate fails, and a run kills its sweep, once.

    Args:
        record: file of lines 'sigma seed epoch'.
        fails: sigma of the candidate.
        kills: sigma and seed of the run; beside `record` it leaves `died`: its files then.
    """

    priority = 'LOWEST'

    def __init__(self, record: str, fails: float, kills: tuple[float, int]):
        self.record, self.fails, self.kills = Path(record), fails, tuple(kills)

    def before_train_epoch(self, runner):
        sigma = runner.cfg.codec.sigmas
        with self.record.open('a') as file:
            file.write(f'{sigma} {runner.seed} {runner.epoch}\n')
        if sigma == self.fails:
            raise RuntimeError('this candidate cannot be trained')
        died = self.record.with_name('died')
        is_one = isinstance(sigma, float) and (sigma, runner.seed) == self.kills
        if is_one and runner.epoch == 1 and not died.exists():
            files = [p.name for p in Path(runner.work_dir).iterdir() if p.is_file()]
            died.write_text('\n'.join(files))
            os.kill(os.getppid(), signal.SIGKILL)  # and the kernel then kills this one
            signal.pause()
