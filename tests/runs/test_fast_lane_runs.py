"""Whole runs with `--fast`: train, validate, test, fall back, leave it again."""

import json

import pytest
import torch
from mmengine.config import Config
from mmpose.datasets.datasets import CocoDataset
from mmpose.registry import DATASETS
from tiny_runs import NO_VALIDATION, hash_weights, run_child

from gm_pose.cli import test as test_command
from gm_pose.fast_lane import apply_fast_lane

pytestmark = pytest.mark.slow


def test_training_is_the_same_with_any_number_of_workers(
    write_config, train_child, tmp_path
):
    hashes = set()
    for workers in (0, 1, 3):
        config = write_config(
            NO_VALIDATION + f'fast_lane = dict(workers={workers})\n', f'w{workers}.py'
        )
        ended = train_child(config, '--work-dir', tmp_path / f'{workers}')
        assert ended.code == 0, ended.tail
        assert 'fast lane: train' in ended.output
        hashes.add(hash_weights(tmp_path / f'{workers}' / 'epoch_3.pth'))
    assert len(hashes) == 1


def test_without_augmentation_it_trains_as_mmpose_does(
    write_config, train_child, tmp_path
):
    """The same order of people, crops, targets and initial weights.

    Sums in another layout differ by float32's rounding, which Adam's first steps, near
    lr * sign(gradient), carry into the weights: the first losses are compared. Without
    dropout, whose random numbers follow the layout.
    """
    still = (
        NO_VALIDATION
        + 'model.update(neck=None)\n'
        + 'train_pipeline[2].update(prob=0.0)\ntrain_pipeline[3].update(prob=0.0)\n'
        + 'train_pipeline[4].update(shift_prob=0.0, scale_prob=0.0, rotate_prob=0.0)\n'
    )
    config = write_config(still)
    losses = {}
    for name in ('--no-fast', '--fast'):
        folder = tmp_path / name.strip('-')
        ended = train_child(config, name, '--work-dir', folder)
        assert ended.code == 0, ended.tail
        (scalars,) = folder.glob('*/vis_data/scalars.json')
        rows = [json.loads(line) for line in scalars.read_text().splitlines()]
        losses[name] = [row['loss'] for row in rows if 'loss' in row]
    assert losses['--fast'][:3] == pytest.approx(losses['--no-fast'][:3], rel=1e-3)
    assert losses['--fast'][0] == pytest.approx(losses['--no-fast'][0], rel=1e-6)


def run_test(config, checkpoint, tmp_path, name, *arguments) -> dict:
    out = tmp_path / f'{name}.json'
    words = [str(config), str(checkpoint), '--out', str(out)]
    words += ['--work-dir', str(tmp_path / name), *arguments]
    ended = run_child(lambda: test_command.main(words), tmp_path / f'{name}.log')
    assert ended.code == 0, ended.tail
    return json.loads(out.read_text())


def test_metrics_of_a_checkpoint_equal_those_without_it(
    write_config, train_child, tmp_path
):
    config = write_config("val_evaluator = dict(score_mode='keypoint')\n")
    ended = train_child(config, '--fast', '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    checkpoint = tmp_path / 'run' / 'epoch_3.pth'
    slow = run_test(config, checkpoint, tmp_path, 'slow')
    fast = run_test(config, checkpoint, tmp_path, 'fast', '--fast')
    assert len(slow) == 10
    assert fast == pytest.approx(slow, abs=1e-6)
    # the config that the run wrote runs as it is, and without the fast lane
    written = tmp_path / 'run' / config.name
    assert (
        Config.fromfile(written).train_dataloader.dataset.type == 'FastTopdownDataset'
    )
    again = run_test(written, checkpoint, tmp_path, 'again')
    left = run_test(written, checkpoint, tmp_path, 'left', '--no-fast')
    assert again == pytest.approx(slow, abs=1e-6)
    assert left == pytest.approx(slow, abs=1e-6)


def test_the_config_that_a_run_wrote_trains_as_it_did(
    write_config, train_child, tmp_path
):
    config = write_config(NO_VALIDATION + 'train_cfg.update(max_epochs=1)\n')
    ended = train_child(config, '--fast', '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    expected = hash_weights(tmp_path / 'run' / 'epoch_1.pth')
    written = tmp_path / 'run' / config.name
    for words in ([], ['--fast'], ['--no-fast']):
        folder = tmp_path / f'again{words}'
        ended = train_child(written, *words, '--work-dir', folder)
        assert ended.code == 0, ended.tail
        is_fast = words != ['--no-fast']
        assert ('fast lane: train' in ended.output) == is_fast
        assert (hash_weights(folder / 'epoch_1.pth') == expected) == is_fast


def test_accuracy_is_logged_at_logged_iterations(write_config, train_child, tmp_path):
    config = write_config(
        NO_VALIDATION + 'default_hooks["logger"].update(interval=2)\n'
    )
    ended = train_child(config, '--fast', '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    (scalars,) = (tmp_path / 'run').glob('*/vis_data/scalars.json')
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    losses = [row['loss'] for row in rows if 'loss' in row]
    assert len(losses) == 9
    assert all('acc_pose' in row for row in rows if 'loss' in row)


def test_an_unknown_transform_falls_back_and_is_named(
    write_config, train_child, tmp_path
):
    config = write_config(
        NO_VALIDATION + 'train_pipeline.insert(2, dict(type="PhotometricDistortion"))\n'
    )
    ended = train_child(config, '--fast', '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    assert (
        'fast lane: not used, it does not know the order of transforms' in ended.output
    )
    plain = train_child(config, '--work-dir', tmp_path / 'plain')
    assert plain.code == 0, plain.tail
    assert hash_weights(tmp_path / 'run' / 'epoch_3.pth') == hash_weights(
        tmp_path / 'plain' / 'epoch_3.pth'
    )


class SeveralIds(CocoDataset):
    def load_data_list(self):
        samples = super().load_data_list()
        return [dict(sample, id=f'p{n}') for n, sample in enumerate(samples)]


def test_samples_that_arrays_cannot_hold_fall_back(
    write_config, train_child, tmp_path, monkeypatch
):
    monkeypatch.setitem(DATASETS.module_dict, 'SeveralIds', SeveralIds)
    config = write_config(
        NO_VALIDATION
        + 'train_dataloader["dataset"].update(type="SeveralIds")\n'
        + 'train_cfg.update(max_epochs=1)\n'
    )
    ended = train_child(config, '--fast', '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    assert 'not used, it does not know the samples of SeveralIds' in ended.output


def test_a_hook_that_exchanges_the_pipeline_is_named():
    cfg = Config(
        dict(
            fast_lane=dict(),
            custom_hooks=[dict(type='mmdet.PipelineSwitchHook', switch_epoch=1)],
        )
    )
    (note,) = apply_fast_lane(cfg, ())
    assert 'it does not know hook PipelineSwitchHook' in note


def test_no_fast_wins_over_the_config(write_config, train_child, tmp_path):
    config = write_config(NO_VALIDATION + 'fast_lane = dict()\n')
    ended = train_child(config, '--no-fast', '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    assert 'fast lane' not in ended.output
    plain = train_child(
        write_config(NO_VALIDATION, 'plain.py'), '--work-dir', tmp_path / 'plain'
    )
    assert plain.code == 0, plain.tail
    assert hash_weights(tmp_path / 'run' / 'epoch_3.pth') == hash_weights(
        tmp_path / 'plain' / 'epoch_3.pth'
    )


def test_an_unreadable_image_is_replaced_and_named(
    write_config, train_child, tmp_path, coco, monkeypatch
):
    import shutil

    own = tmp_path / 'coco'
    shutil.copytree(coco, own)
    image = sorted((own / 'train2017').iterdir())[0]
    image.write_bytes(image.read_bytes()[:300])
    monkeypatch.setenv('COCO_ROOT', str(own))
    config = write_config(
        NO_VALIDATION
        + 'custom_hooks.append(dict(type="BadImageReportHook", max_share=0.5))\n'
    )
    ended = train_child(config, '--fast', '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    assert image.name in ended.output
    weights = torch.load(tmp_path / 'run' / 'epoch_3.pth', weights_only=False)
    assert all(v.isfinite().all() for v in weights['state_dict'].values())


@pytest.mark.parametrize(
    ('option', 'text'),
    [
        ('fast_lane.images=disk', "fast_lane.images is 'disk'; expected one of"),
        ('fast_lane=True', 'fast_lane is True; expected a dict of settings'),
        ('fast_lane.cache_dir=[a]', "fast_lane.cache_dir is ['a']; expected the path"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_written(
    write_config, tmp_path, capsys, option, text
):
    from tiny_runs import refuse

    from gm_pose.cli import train

    config = write_config()
    words = [config, '--fast', '--cfg-options', option]
    assert text in refuse(capsys, train.main, words, tmp_path)


def test_a_setting_puts_a_config_on_the_fast_lane_that_has_it_switched_off(
    write_config, train_child, tmp_path
):
    config = write_config(NO_VALIDATION + 'train_cfg.update(max_epochs=1)\n')
    words = ('--cfg-options', 'fast_lane.images=original')
    ended = train_child(config, *words, '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    assert 'fast lane: train, images=original' in ended.output


def test_accuracy_is_computed_in_bfloat16_too(write_config, train_child, tmp_path):
    """numpy, which MMPose computes it with, has no bfloat16."""
    config = write_config(
        NO_VALIDATION
        + 'optim_wrapper = dict(type="CpuAmpOptimWrapper", precision="bfloat16")\n'
        + 'train_cfg.update(max_epochs=1)\n'
    )
    ended = train_child(config, '--fast', '--work-dir', tmp_path / 'run')
    assert ended.code == 0, ended.tail
    assert 'acc_pose' in ended.output
