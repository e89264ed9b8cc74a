"""Checkpoints of real runs that are killed, or run out of disk, while saving."""

import os
import signal

import pytest
from tiny_runs import NO_VALIDATION, hash_weights

from gm_pose.runs.files import atomic_files
from gm_pose.runs.resume.resumable_checkpoint import find_resumable_checkpoint

pytestmark = pytest.mark.slow

KEEP_ONE = NO_VALIDATION + "default_hooks['checkpoint']['max_keep_ckpts'] = 1\n"
TWO_EPOCHS = KEEP_ONE + "train_cfg['max_epochs'] = 2\n"


@pytest.mark.parametrize('step', ['fsync', 'replace'])
def test_previous_checkpoint_is_found_when_killed_while_saving(
    step, write_config, train_child, tmp_path
):
    config = write_config(TWO_EPOCHS)
    work_dir = tmp_path / 'w'

    def die_at_the_second_checkpoint():
        original = getattr(atomic_files.os, step)

        def act(*arguments):
            if any(work_dir.glob('.epoch_2.pth.*.part')):
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments)

        setattr(atomic_files.os, step, act)

    killed = train_child(
        config, '--work-dir', work_dir, setup=die_at_the_second_checkpoint
    )
    assert killed.code == -signal.SIGKILL
    assert any(work_dir.glob('.epoch_2.pth.*.part'))
    path, note = find_resumable_checkpoint(str(work_dir))
    assert path == str(work_dir / 'epoch_1.pth')
    assert note is None
    if step == 'fsync':
        resumed = train_child(config, '--work-dir', work_dir, '--resume')
        assert resumed.code == 0, resumed.tail
        found = sorted(name for name in os.listdir(work_dir) if 'epoch' in name)
        assert found == ['epoch_2.pth']  # neither the part nor the one before


def test_disk_that_fills_up_leaves_the_last_checkpoint(
    write_config, train_child, tmp_path
):
    wide = "model['backbone'].update(base_channels=64)\nmodel['head']['in_channels'] = 64\n"
    limit = dict(type='FileSizeLimitHook', epoch=1, num_bytes=600_000)
    plain = write_config(TWO_EPOCHS + wide, 'plain.py')
    full = write_config(
        f'{TWO_EPOCHS}{wide}custom_hooks.append({limit!r})\n', 'full.py'
    )
    work_dir = tmp_path / 'w'

    stopped = train_child(full, '--work-dir', work_dir)
    assert stopped.code == 2, stopped.tail
    sentence = stopped.sentence
    assert sentence.startswith('gm_pose: error: cannot save ')
    assert 'epoch_2.pth (EFBIG)' in sentence
    assert '--resume' in sentence
    assert sorted(name for name in os.listdir(work_dir) if 'epoch' in name) == [
        'epoch_1.pth'
    ]

    resumed = train_child(plain, '--work-dir', work_dir, '--resume')
    assert resumed.code == 0, resumed.tail
    whole = train_child(plain, '--work-dir', tmp_path / 'whole')
    assert whole.code == 0
    assert hash_weights(work_dir / 'epoch_2.pth') == hash_weights(
        tmp_path / 'whole' / 'epoch_2.pth'
    )


def test_best_checkpoint_is_replaced_after_the_new_one_stands(tmp_path):
    from gm_pose.runs.hooks import AtomicCheckpointHook

    removed = []

    class Backend:
        def isdir(self, path):
            return False

        def isfile(self, path):
            return True

        def remove(self, path):
            removed.append(path)

    hook = AtomicCheckpointHook(interval=1)
    hook.file_backend = Backend()

    def fail():
        with hook._remove_afterwards():
            hook.file_backend.remove('best_1.pth')
            raise OSError('full')

    with pytest.raises(OSError, match='full'):
        fail()
    assert removed == []
    hook.last_ckpt = 'epoch_2.pth'
    with hook._remove_afterwards():
        hook.file_backend.remove('best_1.pth')
        hook.file_backend.remove('epoch_2.pth')  # saved again under its own name
        assert removed == []
    assert removed == ['best_1.pth']


def test_damaged_record_falls_back_to_the_newest_whole_file(tmp_path):
    import torch

    assert find_resumable_checkpoint(str(tmp_path)) == (None, None)
    for number in (1, 2):
        path = tmp_path / f'epoch_{number}.pth'
        torch.save({}, path)
        os.utime(path, (number, number))
    (tmp_path / 'epoch_3.pth').write_bytes(
        (tmp_path / 'epoch_2.pth').read_bytes()[:-50]
    )
    for content in ('', '/gone/epoch_9.pth', str(tmp_path / 'epoch_3.pth')):
        (tmp_path / 'last_checkpoint').write_text(content)
        path, note = find_resumable_checkpoint(str(tmp_path))
        assert path == str(tmp_path / 'epoch_2.pth')
        assert 'last_checkpoint' in note
    (tmp_path / 'last_checkpoint').write_text('/moved/from/here/epoch_1.pth')
    assert find_resumable_checkpoint(str(tmp_path)) == (
        str(tmp_path / 'epoch_1.pth'),
        None,
    )
