import pytest

from studies.training import config_hash
from studies.training.build_config import build_config
from studies.training.config_hash import hash_config, restore_recorded_names
from studies.training.datasets import DATASETS, ROOT
from studies.training.fingerprints import take_fingerprints
from studies.training.result_files import RESULTS, Run, get_run_status, load_results
from studies.variants.catalog import VARIANTS


def test_every_kept_result_is_recognised(monkeypatch):
    """A failure here asks for trainings again: see `config_hash.RECORDED_NAMES` first."""
    monkeypatch.chdir(ROOT)
    fingerprints = take_fingerprints()
    statuses = {}
    for result in load_results(RESULTS):
        run = Run(result['dataset'], result['variant'], result['seed'])
        cfg = build_config(VARIANTS[run.variant], DATASETS[run.dataset], run.seed)
        statuses[run] = get_run_status(
            run.find_result(), hash_config(cfg), fingerprints
        )
    assert len(statuses) == 200
    assert {run for run, status in statuses.items() if status != 'done'} == set()


def test_a_renamed_option_value_class_or_file_does_not_change_the_hash(monkeypatch):
    cfg = build_config(VARIANTS['published-set1'], DATASETS['studio17'], 0)
    before = hash_config(cfg)
    monkeypatch.setitem(config_hash.RECORDED_NAMES, 'placement', 'alignment')
    monkeypatch.setitem(config_hash.RECORDED_NAMES, 'Adam2', 'Adam')
    for codec in (cfg.codec, cfg.model.head.decoder):
        codec['placement'] = codec.pop('alignment')
    cfg.optim_wrapper.optimizer.type = 'Adam2'
    step = next(
        s for s in cfg.train_dataloader.dataset.pipeline if s.type == 'GenerateTarget'
    )
    step.encoder['placement'] = step.encoder.pop('alignment')
    assert hash_config(cfg) == before
    cfg.optim_wrapper.optimizer.type = 'SGD'
    assert hash_config(cfg) != before


def test_names_are_restored_at_any_depth():
    name = 'studies/training/lspet_metainfo.py'
    value = dict(a=[dict(oks=name, mean=2.0), (name, 3)])
    recorded = 'studies/lspet_metainfo.py'
    assert restore_recorded_names(value) == dict(
        a=[dict(oks=recorded, mean=2.0), [recorded, 3]]
    )


def test_variants_differ_from_each_other():
    dataset = DATASETS['studio17']
    hashes = {hash_config(build_config(v, dataset, 0)) for v in VARIANTS.values()}
    assert len(hashes) == len(VARIANTS)


def test_hash_depends_on_the_seed_and_not_on_the_call():
    variant, dataset = VARIANTS['subcell-uniform2'], DATASETS['studio17']
    first = hash_config(build_config(variant, dataset, 0))
    assert first == hash_config(build_config(variant, dataset, 0))
    assert first != hash_config(build_config(variant, dataset, 1))


@pytest.mark.parametrize('key', ['default_hooks', 'log_processor', 'env_cfg'])
def test_what_cannot_change_the_weights_does_not_change_the_hash(key):
    cfg = build_config(VARIANTS['subcell-uniform2'], DATASETS['studio17'], 0)
    before = hash_config(cfg)
    cfg[key] = dict()
    assert hash_config(cfg) == before


def test_long_dataset_is_studio17_with_more_epochs():
    variant = VARIANTS['subcell-uniform2']
    short, long = (
        build_config(variant, DATASETS[name], 0)
        for name in ('studio17', 'studio17-long')
    )
    assert hash_config(long) == hash_config(
        build_config(variant, DATASETS['studio17'], 0, epochs=30)
    )
    assert hash_config(long) != hash_config(short)
