"""A long run takes no more memory and no more files at its end than after its warm-up."""

import json

import pytest
from tiny_runs import NO_VALIDATION

pytestmark = pytest.mark.slow


def test_500_iterations_with_two_workers_do_not_grow(
    write_config, train_child, tmp_path
):
    config = write_config(
        NO_VALIDATION + "train_dataloader['dataset'] = dict(_delete_=True, "
        "type='RepeatDataset', times=5, "
        'dataset=dict(_base_.train_dataloader.dataset, pipeline=train_pipeline))\n'
        "train_dataloader['batch_size'] = 1\ntrain_cfg['max_epochs'] = 5\n"
        "default_hooks['logger']['interval'] = 50\n"
        f"custom_hooks.append(dict(type='UsageHook', out={str(tmp_path / 'usage.json')!r}))"
        '\n'
    )
    ended = train_child(config, '--work-dir', tmp_path / 'w')
    assert ended.code == 0, ended.tail
    usage = json.loads((tmp_path / 'usage.json').read_text())
    assert usage[-1]['iteration'] >= 500
    assert len(usage[-1]['memory']) == 3  # the main process and two workers
    after_warm_up = [entry for entry in usage if 100 <= entry['iteration'] < 200]
    at_the_end = [entry for entry in usage if entry['iteration'] >= 400]
    for process in range(3):
        first = max(entry['memory'][process] for entry in after_warm_up)
        last = max(entry['memory'][process] for entry in at_the_end)
        assert last < 1.05 * first, f'process {process}: {first} to {last} bytes'
    assert at_the_end[-1]['files'] <= after_warm_up[-1]['files']
