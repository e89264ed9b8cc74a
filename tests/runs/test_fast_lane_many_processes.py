"""Two processes over gloo as two machines: shared-out stores and streams."""

import contextlib
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from tiny_jobs import name_as_torchrun, run_ranks
from tiny_runs import NO_VALIDATION, hash_weights, save_checkpoint

from gm_pose.cli import main as gm_pose
from gm_pose.cli import test as test_command
from gm_pose.cli import train
from gm_pose.fast_lane.images import original_images, store_plan, stream_builder
from gm_pose.fast_lane.people import people_arrays
from gm_pose.fast_lane.people.people_arrays import load_people

pytestmark = pytest.mark.slow

SETTINGS = f"""
{NO_VALIDATION}
train_cfg['max_epochs'] = 2
train_dataloader.update(num_workers=1)
train_dataloader['batch_size'] = 2
"""


def name_as_machines(caches: Path):
    """What torchrun tells the only process of each machine, which has a disk of its own."""

    def name(rank: int, size: int, port: int) -> dict[str, str]:
        return name_as_torchrun(rank, size, port) | dict(
            LOCAL_RANK='0',
            LOCAL_WORLD_SIZE='1',
            GROUP_RANK=str(rank),
            GM_POSE_CACHE=str(caches / f'{rank}'),
        )

    return name


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(store_plan, 'SHARD_BYTES', 100_000)
    monkeypatch.setattr(stream_builder, 'SHARD_BYTES', 20_000)
    monkeypatch.setattr(stream_builder.build_stream, '__defaults__', (1, 20_000))


@pytest.fixture
def train_machines(write_config, tmp_path):
    """train_machines(name, settings, ...) -> (hash of the weights, samples, output)."""

    def run(name: str, settings: dict, extra: str = '', *arguments: str):
        record = dict(type='RecordSamplesHook', folder=str(tmp_path / name / 'seen'))
        config = write_config(
            f'{SETTINGS}fast_lane = {settings!r}\ncustom_hooks.append({record!r})\n{extra}',
            f'{name}.py',
        )
        work_dir = tmp_path / name
        words = [str(config), '--work-dir', str(work_dir), '--launcher', 'pytorch']
        named = name_as_machines(tmp_path / 'caches')
        ranks = run_ranks(
            lambda: train.main([*words, *arguments]), tmp_path, name=named
        )
        output = ''.join(rank.output for rank in ranks)
        seen = [
            (tmp_path / name / 'seen' / f'{rank}.txt').read_text().split('\n')[:-1]
            for rank in range(2)
        ]
        return ranks, seen, output

    return run


def build_shares(config: Path, caches: Path) -> None:
    for node in range(2):
        words = ['--node', str(node), '--nodes', '2', '--splits', 'train', 'val']
        words += ['--cache-dir', str(caches / f'{node}'), '--workers', '1']
        assert gm_pose(['build-store', str(config), *words]) == 0


@contextlib.contextmanager
def without_files():
    """Whoever reads an image's own file fails."""

    def read(self, image_row, person_row):
        raise RuntimeError(f'the file of image {image_row} is read')

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(original_images.OriginalImages, 'read', read)
        yield


def assert_everybody_once(seen: list[list[str]], epochs: int = 2) -> None:
    counts = Counter(line for lines in seen for line in lines)
    expected = {f'{epoch} {row}' for epoch in range(epochs) for row in range(22)}
    assert counts == dict.fromkeys(expected, 1)
    assert len(seen[0]) == len(seen[1])


def test_machines_with_a_share_each_train_as_from_the_files(
    write_config, train_machines, tmp_path, small_shards
):
    build_shares(write_config('', 'plain.py'), tmp_path / 'caches')
    stores = [
        set(path.name for path in (tmp_path / 'caches' / f'{node}').rglob('*.bin'))
        for node in range(2)
    ]
    assert stores[0] - stores[1]
    assert stores[1] - stores[0]
    files = train_machines('files', dict(images='original', shards='node'))
    with without_files():
        stored = train_machines('stored', dict(images='images', shards='node'))
    for name, (ranks, seen, output) in (('files', files), ('stored', stored)):
        assert [rank.code for rank in ranks] == [0, 0], output[-3000:]
        assert_everybody_once(seen)
        assert (tmp_path / name / 'epoch_2.pth').exists()
    assert files[1] == stored[1]
    assert hash_weights(tmp_path / 'files' / 'epoch_2.pth') == hash_weights(
        tmp_path / 'stored' / 'epoch_2.pth'
    )
    # a machine whose store is another's reads files, says so, and trains the same
    os.rename(tmp_path / 'caches' / '0', tmp_path / 'caches' / 'x')
    os.rename(tmp_path / 'caches' / '1', tmp_path / 'caches' / '0')
    os.rename(tmp_path / 'caches' / 'x', tmp_path / 'caches' / '1')
    ranks, seen, output = train_machines(
        'swapped', dict(images='images', shards='node')
    )
    assert [rank.code for rank in ranks] == [0, 0], output[-3000:]
    assert_everybody_once(seen)
    assert 'people of this machine are not in its store' in output
    assert hash_weights(tmp_path / 'files' / 'epoch_2.pth') == hash_weights(
        tmp_path / 'swapped' / 'epoch_2.pth'
    )


def test_streamed_images_train_as_the_files_do_without_them(
    write_config, train_machines, tmp_path, small_shards, coco, monkeypatch
):
    own = tmp_path / 'coco'
    shutil.copytree(coco, own)
    monkeypatch.setenv('COCO_ROOT', str(own))
    bucket = f'local:{tmp_path}/bucket'
    words = ['--kind', 'stream', '--to', bucket, '--workers', '1', '--splits', 'train']
    assert gm_pose(['build-store', str(write_config('', 'plain.py')), *words]) == 0
    (index,) = (tmp_path / 'bucket').glob('*/index.json')
    num_shards = len(json.loads(index.read_bytes())['chunks'])
    assert 4 <= num_shards <= 16  # a machine's are one window: the order is the files'

    files = train_machines('files', dict(images='original', shards='node'))
    shutil.rmtree(own / 'train2017')
    streamed = train_machines('streamed', dict(images=f'stream:{bucket}'))
    for ranks, seen, output in (files, streamed):
        assert [rank.code for rank in ranks] == [0, 0], output[-3000:]
        assert_everybody_once(seen)
    assert files[1] == streamed[1]
    assert hash_weights(tmp_path / 'files' / 'epoch_2.pth') == hash_weights(
        tmp_path / 'streamed' / 'epoch_2.pth'
    )
    fetched = [
        len(list((tmp_path / 'caches' / f'{node}' / 'streams').glob('*/chunk-*.bin')))
        for node in range(2)
    ]
    assert max(fetched) < num_shards <= sum(fetched) <= num_shards + 1  # one is in both


def test_machines_that_are_killed_go_on_with_the_same_samples(train_machines, tmp_path):
    settings = dict(images='original', shards='node')
    saves = 'default_hooks["checkpoint"].update(interval=3, by_epoch=False)\n'
    dies = dict(type='KillHook', where='after_train_iter', iteration=9)
    whole = train_machines('whole', settings, saves)
    cut = train_machines('cut', settings, f'{saves}custom_hooks.append({dies!r})\n')
    assert [rank.code for rank in whole[0]] == [0, 0], whole[2][-3000:]
    assert [rank.code for rank in cut[0]] == [-9, -9], cut[2][-3000:]
    shutil.rmtree(tmp_path / 'cut' / 'seen')
    resumed = train_machines('cut', settings, saves, '--resume')
    assert [rank.code for rank in resumed[0]] == [0, 0], resumed[2][-3000:]
    assert 'going on after batch 3 of epoch 2' in resumed[2]
    for all_samples, samples in zip(whole[1], resumed[1], strict=True):
        assert (
            samples == all_samples[9 * 2 - 1 :]
        )  # 6 batches an epoch, the last of one


def test_metrics_from_shares_and_streams_are_those_of_the_files(
    write_config, tmp_path, small_shards
):
    head = "model['head']['type'] = 'NearTruthPixelHead'\n"
    plain = write_config(head, 'plain.py')
    save_checkpoint(plain, tmp_path / 'epoch_1.pth')
    build_shares(plain, tmp_path / 'caches')
    bucket = f'local:{tmp_path}/bucket'
    words = ['--kind', 'stream', '--to', bucket, '--workers', '1', '--splits', 'val']
    assert gm_pose(['build-store', str(plain), *words]) == 0

    def run(name: str, size: int, **settings) -> dict:
        config = write_config(f'{head}fast_lane = {settings!r}\n', f'{name}.py')
        words = [str(config), str(tmp_path / 'epoch_1.pth'), '--launcher', 'pytorch']
        words += ['--work-dir', str(tmp_path / name)]
        words += ['--out', str(tmp_path / f'{name}.json')]
        named = name_as_machines(tmp_path / 'caches')
        ranks = run_ranks(lambda: test_command.main(words), tmp_path, size, named)
        for rank in ranks:
            assert rank.code == 0, rank.tail
        return json.loads((tmp_path / f'{name}.json').read_text())

    expected = run('one', 1, images='original')
    assert 0.1 < expected['coco/AP'] < 0.99
    assert run('files', 2, images='original') == pytest.approx(expected, abs=1e-6)
    with without_files():
        stored = run('stored', 2, images='images', shards='node')
        streamed = run('streamed', 2, images=f'stream:{bucket}')
    assert stored == pytest.approx(expected, abs=1e-6)
    assert streamed == pytest.approx(expected, abs=1e-6)


def test_processes_that_start_at_once_pack_the_annotations_once(
    write_config, tmp_path, monkeypatch
):
    from mmengine.config import Config

    dataset = Config.fromfile(write_config()).train_dataloader.dataset
    dataset = dataset.get('dataset', dataset)
    go = tmp_path / 'go'
    write = people_arrays.write_arrays

    def write_and_tell(*arguments):
        print('packed')
        write(*arguments)

    monkeypatch.setattr(people_arrays, 'write_arrays', write_and_tell)

    def load():
        while not go.exists():
            if os.environ['RANK'] == '1':
                go.touch()
        people = load_people(dataset, tmp_path / 'cache')
        file = people.arrays['keypoints_px']
        print('people', people.folder, len(people), file.filename)

    first, second = run_ranks(load, tmp_path)
    assert [first.code, second.code] == [0, 0], first.tail + second.tail
    output = first.output + second.output
    assert output.splitlines().count('packed') == 1
    lines = [line for line in output.splitlines() if line.startswith('people ')]
    assert len(lines) == 2
    assert lines[0] == lines[1]  # the same file, mapped by both
    assert (
        len(
            [
                path
                for path in (tmp_path / 'cache' / 'people').iterdir()
                if path.is_dir()
            ]
        )
        == 1
    )
