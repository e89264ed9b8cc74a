from mmengine.config import Config

from gm_pose.sweep.candidate import Candidate
from gm_pose.sweep.part_files import Part
from gm_pose.sweep.run_config import build_run_config, hash_config

PARTS = {
    n: Part(f'/a/{n}.json', f'/a/{n}', 9, '') for n in ('train', 'choose', 'report')
}
TABLE = Candidate('table', tuple([1.0] * 5 + [2.0] * 12), balance=True)


def build(config, candidate=TABLE, seed=3, fast=True, **changes):
    base = Config.fromfile(config)
    base.merge_from_dict(changes)
    return build_run_config(base, candidate, seed, PARTS, fast)


def test_targets_and_decoder_are_the_candidates(config):
    cfg = build(config)
    codec = cfg.model.head.decoder
    assert codec.sigmas == list(TABLE.sigmas_cells)
    assert codec.balance_weights is True
    (step,) = [
        s
        for s in cfg.train_dataloader.dataset.pipeline
        if s['type'] == 'GenerateTarget'
    ]
    assert step.encoder == codec
    uniform = build(config, Candidate('uniform3', (3.0,))).model.head.decoder
    assert uniform.sigmas == 3.0
    assert 'balance_weights' not in uniform  # as the config has it


def test_people_are_those_of_the_parts(config):
    cfg = build(config)
    for loader, part in (('train_dataloader', 'train'), ('test_dataloader', 'choose')):
        dataset = cfg[loader].dataset
        assert dataset.ann_file == f'/a/{part}.json'
        assert dataset.data_prefix.img == f'/a/{part}/'
    assert cfg.test_dataloader.dataset.bbox_file is None
    assert cfg.test_evaluator.ann_file == '/a/choose.json'
    assert cfg.val_dataloader is None


def test_candidates_of_a_seed_differ_in_their_targets_alone(config):
    one, other = (
        build(config, Candidate(n, (s,))) for n, s in (('a', 1.0), ('b', 2.0))
    )
    text = other.pretty_text.replace('sigmas=2.0', 'sigmas=1.0')
    assert one.pretty_text == text
    assert hash_config(one) != hash_config(other)
    assert build(config).randomness.seed == 3


def test_scoring_of_the_configs_metric_is_kept(config):
    metric = dict(type='CocoMetric', ann_file='x.json', nms_mode='none', use_area=False)
    cfg = build(config, test_evaluator=metric)
    assert cfg.test_evaluator.nms_mode == 'none'
    assert cfg.test_evaluator.use_area is False
    assert cfg.test_evaluator.format_only is True


def test_checkpoints_are_close_enough_to_go_on_from(config):
    hook = dict(type='CheckpointHook', interval=50, save_best='coco/AP')
    cfg = build(
        config, default_hooks=dict(checkpoint=hook), train_cfg=dict(max_epochs=60)
    )
    found = cfg.default_hooks.checkpoint
    assert (found.interval, found.save_best, found.max_keep_ckpts) == (6, None, 1)


def test_fast_lane_is_asked_for_unless_it_is_not_wanted(config):
    assert build(config).fast_lane == {}
    assert build(config, fast_lane=dict(workers=0)).fast_lane == dict(workers=0)
    assert build(config, fast=False).fast_lane is None
