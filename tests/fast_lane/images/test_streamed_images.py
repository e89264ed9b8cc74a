"""Images from the shards of a stream: the same pixels, a bounded cache, clear errors."""

import os
import pickle
import shutil
import time

import numpy as np
import pytest
from coco_files import drop_odd, make_data, write_config
from test_image_store import PIPELINE, assert_reads_originals, dataset  # noqa: F401

from gm_pose.cli import main
from gm_pose.fast_lane.config.recipe import read_recipe
from gm_pose.fast_lane.config.settings import read_settings
from gm_pose.fast_lane.images import stream_shards, streamed_images
from gm_pose.fast_lane.images.image_sources import open_images
from gm_pose.fast_lane.images.stream_builder import build_stream, is_stream_whole
from gm_pose.fast_lane.loading.fast_topdown_dataset import FastTopdownDataset
from gm_pose.fast_lane.people.people_arrays import load_people
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.user_errors import UserError

pytest.importorskip('litdata')


@pytest.fixture
def opened(dataset, tmp_path):  # noqa: F811
    """(people, recipe, cache, folder of the bucket): JPEG, PNG and BMP, some a shard."""
    cache = tmp_path / 'cache'
    people = load_people(dataset, cache)
    bucket = tmp_path / 'bucket'
    build_stream(people, f'local:{bucket}', workers=2, shard_bytes=5_000)
    return people, read_recipe(dataset), cache, bucket


def open_stream(opened, address, room_gb=1.0):
    people, recipe, cache, _ = opened
    return open_images(people, f'stream:{address}', recipe, cache, False, room_gb)


def list_kept(cache):
    return list((cache / 'streams').glob('*/chunk-*.bin'))


@pytest.mark.parametrize('prefix', ['', 'local:'])
def test_pixels_equal_load_image_without_the_files(opened, prefix, tmp_path):
    people, _, cache, bucket = opened
    source = open_stream(opened, f'{prefix}{bucket}')
    assert len(source.shards.chunks) > 3
    kept = {
        row: source.read(row, 0)[0].copy() for row in range(len(people.image_paths))
    }
    assert_reads_originals(source, people)
    shutil.rmtree(tmp_path / 'images')
    again = pickle.loads(pickle.dumps(people)), *opened[1:]
    source = open_stream(again, f'{prefix}{bucket}')
    for row in np.random.default_rng(0).permutation(len(kept)).tolist():
        np.testing.assert_array_equal(source.read(row, 0)[0], kept[row])
    assert bool(list_kept(cache)) == bool(prefix)  # a folder is read where it is


def test_the_cache_keeps_what_was_used_last(opened, monkeypatch):
    _, _, cache, bucket = opened
    monkeypatch.setattr(streamed_images, 'WINDOW_SHARDS', 1)
    total = sum(path.stat().st_size for path in bucket.glob('*/chunk-*.bin'))
    room = 0.7 * total
    source = open_stream(opened, f'local:{bucket}', room / 1e9)
    fetched = []
    download = source.shards._downloader.download_file
    monkeypatch.setattr(
        source.shards._downloader,
        'download_file',
        lambda remote, local: fetched.append(local) or download(remote, local),
    )
    count = len(source.shards)
    for row in np.random.default_rng(1).integers(0, count, 60).tolist():
        source.read(row, 0)
        assert sum(path.stat().st_size for path in list_kept(cache)) <= room
        time.sleep(0.002)  # time stamps of files have steps of up to 4 ms
    assert len(fetched) > len(source.shards.chunks)  # some came twice
    del fetched[:]
    for row in range(count):  # in order each shard is fetched at most once
        source.read(row, 0)
    assert len(fetched) == len(set(fetched)) <= len(source.shards.chunks)


def test_a_shard_that_another_process_removes_is_fetched_again(opened):
    people, _, cache, bucket = opened
    source = open_stream(opened, f'local:{bucket}')
    expected = source.read(0, 0)[0].copy()
    source.read(len(people.image_paths) - 1, 0)
    for path in list_kept(cache):
        path.unlink()
    np.testing.assert_array_equal(source.read(0, 0)[0], expected)


def test_a_forked_process_reads_for_itself(opened):
    people, _, _, bucket = opened
    source = open_stream(opened, f'{bucket}')
    last = len(people.image_paths) - 1
    expected = [source.read(row, 0)[0].copy() for row in (last, 0)]
    children = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            try:
                same = all(
                    (source.read(row, 0)[0] == pixels).all()
                    for _ in range(30)
                    for row, pixels in zip((last, 0), expected, strict=True)
                )
                os._exit(0 if same else 1)
            finally:
                os._exit(2)
        children.append(pid)
    for pid in children:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_shard_that_is_gone_names_the_image(opened):
    people, _, _, bucket = opened
    source = open_stream(opened, f'local:{bucket}')
    for path in bucket.glob('*/chunk-*.bin'):
        path.unlink()
    with pytest.raises(UnreadableImage, match="doesn't exist") as raised:
        source.read(3, 0)
    assert str(raised.value).startswith(people.image_paths[3])


@pytest.mark.parametrize(
    ('damage', 'said'),
    [(os.unlink, 'is missing'), (lambda path: os.truncate(path, 9), 'has 9 bytes')],
)
def test_a_damaged_shard_of_a_folder_is_named_at_once(opened, damage, said):
    """litdata alone waits for its bytes, two seconds an image and try."""
    people, _, cache, bucket = opened
    source = open_stream(opened, f'{bucket}')
    assert is_stream_whole(people, f'{bucket}', cache)
    for path in bucket.glob('*/chunk-*.bin'):
        damage(path)
    began = time.monotonic()
    with pytest.raises(
        UnreadableImage, match=f'shard chunk-.*{said}; expected .* Fix: '
    ):
        source.read(3, 0)
    assert time.monotonic() - began < 1
    assert not is_stream_whole(people, f'{bucket}', cache)


def test_a_shard_that_was_fetched_in_part_is_fetched_again(opened):
    *_, cache, bucket = opened
    expected = open_stream(opened, f'{bucket}').read(3, 0)[0].copy()
    for _ in range(2):
        source = open_stream(opened, f'local:{bucket}')
        np.testing.assert_array_equal(source.read(3, 0)[0], expected)
        for path in (cache / 'streams').rglob('chunk-*.bin'):
            os.truncate(path, 9)  # as a process that was killed leaves it


def test_an_image_that_could_not_be_read_stays_unreadable(dataset, tmp_path):  # noqa: F811
    people = load_people(dataset, tmp_path / 'cache')
    os.unlink(people.image_paths[2])
    build_stream(people, str(tmp_path / 'bucket'))
    found = people, read_recipe(dataset), tmp_path / 'cache', None
    source = open_stream(found, tmp_path / 'bucket')
    assert source.read(1, 0)[0].size
    with pytest.raises(UnreadableImage, match='not readable when its stream was built'):
        source.read(2, 0)


def test_what_cannot_be_streamed_is_said(opened, tmp_path, monkeypatch):
    _, recipe, cache, bucket = opened
    for address in (tmp_path / 'nothing', f'local:{tmp_path}/nothing'):
        with pytest.raises(
            UserError, match='holds no stream of this dataset'
        ) as raised:
            open_stream(opened, address)
        assert f'--kind stream --to {address}' in str(raised.value)
    with pytest.raises(UserError, match='stream_cache_gb is 1e-09; expected at least'):
        open_stream(opened, f'local:{bucket}', 1e-9)
    other = load_people(
        write_config(tmp_path / 'other', make_data(1, num_images=9), pipeline=PIPELINE),
        cache,
    )
    with pytest.raises(UserError, match='holds no stream of this dataset'):
        open_images(other, f'stream:{bucket}', recipe, cache)
    monkeypatch.setitem(__import__('sys').modules, 'litdata', None)
    with pytest.raises(UserError, match=r"pip install 'gm_pose\[stream\]'"):
        open_stream(opened, bucket)


def test_the_command_writes_a_stream_once(dataset, tmp_path, capsys, monkeypatch):  # noqa: F811
    config = tmp_path / 'config.py'
    drop_odd(dataset)
    config.write_text(f'train_dataloader = {dict(dataset=dataset)!r}')
    words = ['build-store', str(config), '--cache-dir', str(tmp_path / 'cache')]
    stream = ['--kind', 'stream', '--to', str(tmp_path / 'bucket'), '--workers', '1']
    people = load_people(dataset, tmp_path / 'cache')
    count = len(people.image_paths)
    for more in (['--dry-run'], []):
        assert main([*words, *stream, *more]) == 0
        assert f'train: {count} images, about 0.00 GB' in capsys.readouterr().out
        is_whole = is_stream_whole(people, str(tmp_path / 'bucket'), tmp_path / 'cache')
        assert is_whole == (not more)
    assert main([*words, *stream]) == 0
    assert f'train: all {count} images are in ' in capsys.readouterr().out
    assert main([*words, *stream, '--overwrite']) == 0
    assert f'train: {count} images, about' in capsys.readouterr().out
    # another dataset with the same names: its first image is another one
    with open(people.image_paths[0], 'ab') as file:
        file.write(b' ')
    with pytest.raises(SystemExit, match='2'):
        main([*words, *stream])
    assert f'has other bytes than {people.image_paths[0]}' in capsys.readouterr().err
    os.remove(people.image_paths[0])
    assert main([*words, *stream]) == 0
    capsys.readouterr()
    for wrong in (
        ['--kind', 'stream'],
        ['--to', 'x'],
        ['--overwrite'],
        ['--node', '0'],
        ['--node', '2', '--nodes', '2'],
        [*stream, '--node', '0', '--nodes', '2'],
    ):
        with pytest.raises(SystemExit, match='2'):
            main([*words, *wrong])
        assert 'gm_pose: error: ' in capsys.readouterr().err


def test_the_dataset_knows_the_shards_of_its_people(opened, dataset):  # noqa: F811
    people, _, cache, bucket = opened
    fast = FastTopdownDataset(dataset, f'stream:{bucket}', str(cache))
    shards = fast.find_stream_shards()
    sizes = [chunk['chunk_size'] for chunk in fast._source.shards.chunks]
    expected = np.repeat(np.arange(len(sizes)), sizes)[people.image_rows]
    np.testing.assert_array_equal(shards, expected)
    assert (
        FastTopdownDataset(dataset, 'original', str(cache)).find_stream_shards() is None
    )


@pytest.mark.parametrize(
    ('values', 'text'),
    [
        (dict(images='stream:'), "fast_lane.images is 'stream:'; expected one of"),
        (dict(images='stream:URL'), "fast_lane.images is 'stream:URL'"),
        (dict(images=None), 'fast_lane.images is None'),
        (dict(shards='machine'), "fast_lane.shards is 'machine'; expected one of None"),
        (
            dict(stream_cache_gb=-1),
            'fast_lane.stream_cache_gb is -1; expected gigabytes',
        ),
        (dict(stream_cache_gb='5'), "fast_lane.stream_cache_gb is '5'"),
    ],
)
def test_settings_are_checked(values, text):
    with pytest.raises(ValueError) as raised:  # noqa: PT011, the text is compared
        read_settings(values)
    assert text in str(raised.value)


def test_two_streams_at_one_address_have_two_caches(opened):
    bucket = opened[3]
    first = open_stream(opened, f'local:{bucket}').shards.folder
    index = next(bucket.glob('*/index.json'))
    index.write_text(index.read_text().replace('updated_at', 'updated_at '))
    assert open_stream(opened, f'local:{bucket}').shards.folder != first
    assert stream_shards.is_remote('s3://a')
    assert not stream_shards.is_remote('/a/s3')
