"""Reading pixels from the files and from stores, and stores that are damaged meanwhile."""

import errno
import json
import multiprocessing
import os
import pickle
import re
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import psutil
import pytest
from coco_files import drop_odd, make_data, write_config
from mmpose.datasets.transforms import LoadImage

from gm_pose.cli import main
from gm_pose.fast_lane.config.recipe import read_recipe
from gm_pose.fast_lane.images import (
    image_store,
    store_estimate,
    store_plan,
    store_shards,
)
from gm_pose.fast_lane.images.image_sources import open_images
from gm_pose.fast_lane.images.store_builder import build_store
from gm_pose.fast_lane.images.store_estimate import estimate_store
from gm_pose.fast_lane.people.body_sides import read_sides
from gm_pose.fast_lane.people.people_arrays import load_people
from gm_pose.ops.augmented_crops import CropFrame, augment_crops
from gm_pose.ops.crop_augmentation import NUM_UNIFORMS
from gm_pose.runs.data_checks.image_header import find_size
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.user_errors import UserError

CODEC = dict(type='MSRAHeatmap', input_size=(48, 64), heatmap_size=(12, 16), sigma=2)
PIPELINE = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=(48, 64)),
    dict(type='GenerateTarget', encoder=CODEC),
    dict(type='PackPoseInputs'),
]


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """A config with smooth pictures of several sizes; shards of about three of them."""
    monkeypatch.setattr(store_plan, 'SHARD_BYTES', 60_000)
    data = make_data(0)
    config = write_config(tmp_path, data, pipeline=PIPELINE)
    rng = np.random.default_rng(0)
    for n, image in enumerate(data['images']):
        path = tmp_path / 'images' / image['file_name']
        path.parent.mkdir(parents=True, exist_ok=True)
        small = rng.integers(0, 256, (6, 6, 3), np.uint8)
        size = (image['width'], image['height'])
        picture = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
        suffix = ('.jpg', '.png', '.bmp')[n % 3]  # MMPose does not look at the name
        path.write_bytes(cv2.imencode(suffix, picture)[1])
    return config


@pytest.fixture
def opened(dataset, tmp_path):
    """(people, recipe, cache)."""
    cache = tmp_path / 'cache'
    return load_people(dataset, cache), read_recipe(dataset), cache


@pytest.fixture
def log(monkeypatch):
    lines = []
    monkeypatch.setattr(image_store, 'print_log', lambda text, *_: lines.append(text))
    return lines


def load_with_mmpose(path):
    return LoadImage().transform(dict(img_path=path))['img']


def assert_reads_originals(source, people):
    for row in range(len(people)):
        image_row = int(people.image_rows[row])
        pixels, stored_from_image = source.read(image_row, row)
        expected = load_with_mmpose(people.image_paths[image_row])
        np.testing.assert_array_equal(pixels, expected)
        assert stored_from_image is None


def list_shards(folder):
    return sorted(folder.glob('*.bin'))


@pytest.mark.parametrize('kind', ['original', 'images', 'auto'])
def test_pixels_equal_load_image(opened, kind):
    people, recipe, cache = opened
    if kind == 'images':
        folder = build_store(people, kind, recipe, cache)
        assert len(list_shards(folder)) > 2
    assert_reads_originals(open_images(people, kind, recipe, cache), people)


def test_auto_takes_the_store_that_is_there(opened):
    people, recipe, cache = opened
    build_store(people, 'images', recipe, cache)
    source = open_images(people, 'auto', recipe, cache)

    assert isinstance(source, image_store.StoredImages)


def test_crops_give_the_crops_of_the_images(opened, monkeypatch):
    people, recipe, cache = opened
    build_store(people, 'crops', recipe, cache)
    crops = open_images(people, 'crops', recipe, cache)
    frame, sides = CropFrame((48, 64)), read_sides(people.metainfo)
    uniforms = np.random.default_rng(0).random((len(people), NUM_UNIFORMS))
    draws = recipe.augmentation.draw(uniforms)
    matrices = augment_crops(
        people.bboxes_px,
        people.keypoints_px,
        people.visible,
        frame,
        sides,
        recipe.augmentation,
        draws,
    ).matrices
    for row, matrix in enumerate(matrices):
        image_row = int(people.image_rows[row])
        image = load_with_mmpose(people.image_paths[image_row])
        pixels, stored_from_image = crops.read(image_row, row)
        bottom = [[0, 0, 1]]
        moved = np.vstack([matrix, bottom]) @ np.linalg.inv(
            np.vstack([stored_from_image, bottom])
        )
        expected = cv2.warpAffine(image, matrix, (48, 64)).astype(float)
        found = cv2.warpAffine(pixels, moved[:2], (48, 64)).astype(float)
        # JPEG 95 of a smooth picture; a shift by a whole px would cost 8 and more
        assert np.abs(found - expected).mean() < 3
        assert pixels.size <= image.size


def test_exif_turns_the_pixels_and_the_last_image_is_kept(opened, tmp_path):
    people, recipe, cache = opened
    path = people.image_paths[0]
    content = cv2.imencode('.jpg', np.tile(np.arange(90, dtype=np.uint8), (40, 1)))[1]
    exif = bytes.fromhex('ffe1002245786966000049492a00080000000100')
    exif += bytes.fromhex('120103000100000006000000') + bytes(4)
    assert len(exif) == 2 + 0x22
    turned = content[:2].tobytes() + exif + content[2:].tobytes()
    with open(path, 'wb') as file:
        file.write(turned)
    source = open_images(people, 'original', recipe, cache)
    pixels, _ = source.read(0, 0)

    assert pixels.shape == (90, 40, 3)
    assert find_size(turned) == (90, 40)  # before the turn
    np.testing.assert_array_equal(pixels, load_with_mmpose(path))
    os.unlink(path)
    assert source.read(0, 0)[0] is pixels


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (None, 'no such file'),
        (b'', 'an empty file'),
        (b'hello, this is no image at all', 'not an image'),
        (b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR' + b'\0\1\0\0' * 2 + b'\x08\2', 'claims'),
        (b'\xff\xd8\xff\xe0\0\x04ab\xff\xd9' + bytes(40), ''),
    ],
)
def test_unreadable_images_are_named(opened, content, reason):
    people, recipe, cache = opened
    path = people.image_paths[0]
    os.unlink(path)
    if content is not None:
        with open(path, 'wb') as file:
            file.write(content)
    for kind in ('original', 'images'):
        if kind == 'images':
            build_store(people, kind, recipe, cache)
        with pytest.raises(UnreadableImage, match=reason) as caught:
            open_images(people, kind, recipe, cache).read(0, 0)
        assert str(caught.value).startswith(path)


def test_every_prefix_of_a_jpeg_is_parsed_without_an_error():
    content = cv2.imencode('.jpg', np.zeros((30, 50, 3), np.uint8))[1].tobytes()

    assert find_size(content) == (50, 30)
    for end in range(len(content)):
        assert find_size(content[:end]) in (None, (50, 30))


def test_no_store_names_the_command(opened):
    people, recipe, cache = opened

    with pytest.raises(UserError, match='gm_pose build-store CONFIG --kind crops'):
        open_images(people, 'crops', recipe, cache)
    with pytest.raises(ValueError, match=r"images is 'x'; expected one of"):
        open_images(people, 'x', recipe, cache)


def delete(path):
    os.unlink(path)


def truncate(path):
    os.truncate(path, 1000)


def flip(path):
    with open(path, 'r+b') as file:
        file.seek(500)
        content = file.read(40_000)
        file.seek(500)
        file.write(bytes(255 - value for value in content))


@pytest.mark.parametrize('damage', [delete, truncate, flip])
@pytest.mark.parametrize('when', ['before', 'after'])
def test_a_damaged_store_falls_back_to_the_images(opened, log, damage, when):
    people, recipe, cache = opened
    folder = build_store(people, 'images', recipe, cache)
    source = open_images(people, 'images', recipe, cache)
    count = len(list_shards(folder))
    if when == 'after':  # a run has its files open
        assert_reads_originals(source, people)
    for path in list_shards(folder):
        damage(path)
    assert_reads_originals(source, people)
    assert_reads_originals(source, people)

    # An open file that is deleted still has its bytes.
    is_kept = (when, damage) == ('after', delete)
    assert len(log) == (0 if is_kept else count)
    assert len(set(log)) == len(log)
    assert all('build-store' in line for line in log)


@pytest.mark.parametrize('suffix', ['.npy', '.json', '.bin'])
@pytest.mark.parametrize('damage', [delete, lambda p: p.write_bytes(b'{}')])
def test_a_build_makes_damaged_shards_again(opened, log, suffix, damage):
    people, recipe, cache = opened
    folder = build_store(people, 'images', recipe, cache)
    shards = list_shards(folder)
    kept = shards[0].stat().st_mtime_ns
    damage(shards[1].with_suffix(suffix))

    assert 0 < estimate_store(people, 'images', recipe, cache).num_missing < len(people)
    build_store(people, 'images', recipe, cache)

    assert shards[0].stat().st_mtime_ns == kept
    assert_reads_originals(open_images(people, 'images', recipe, cache), people)
    assert log == []


def test_a_changed_image_is_read_from_its_file_until_it_is_stored_again(opened, log):
    people, recipe, cache = opened
    build_store(people, 'images', recipe, cache)
    for row in (1, 2):
        path = people.image_paths[row]
        picture = 255 - load_with_mmpose(path)
        with open(path, 'wb') as file:
            file.write(cv2.imencode('.png', picture)[1])
    source = open_images(people, 'images', recipe, cache)
    assert_reads_originals(source, people)

    assert source.counts['changed'] == 2
    assert len(log) == 1
    assert 'was changed after the store was built' in log[0]
    build_store(people, 'images', recipe, cache)
    source = open_images(people, 'images', recipe, cache)
    assert_reads_originals(source, people)
    assert source.counts['changed'] == 0


def test_a_copied_image_is_still_the_stored_one(opened, log):
    people, recipe, cache = opened
    build_store(people, 'images', recipe, cache)
    os.utime(people.image_paths[0], ns=(0, 10**18))
    source = open_images(people, 'images', recipe, cache)
    assert_reads_originals(source, people)

    assert source.counts['changed'] == 0
    assert log == []


def test_a_store_outlives_its_images(opened, log):
    people, recipe, cache = opened
    expected = load_with_mmpose(people.image_paths[0])
    build_store(people, 'images', recipe, cache)
    os.unlink(people.image_paths[0])
    source = open_images(people, 'images', recipe, cache)

    np.testing.assert_array_equal(source.read(0, 0)[0], expected)
    assert 'is gone' in log[0]


def test_bytes_changed_under_the_same_time_are_found_when_verified(opened, log):
    people, recipe, cache = opened
    folder = build_store(people, 'images', recipe, cache)
    path = list_shards(folder)[0]
    stat = path.stat()
    flip(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    originals = open_images(people, 'original', recipe, cache)
    source = image_store.open_store(
        people, 'images', recipe, cache, originals, verify=True
    )

    assert 'is damaged' in log[0]
    assert_reads_originals(source, people)


def test_crops_that_are_no_pictures_are_read_from_the_images(opened, log):
    """As a disk may lose bytes, whose time stamp stays."""
    people, recipe, cache = opened
    folder = build_store(people, 'crops', recipe, cache)
    for path in list_shards(folder):
        stat = path.stat()
        flip(path)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    source = open_images(people, 'crops', recipe, cache)
    for row in range(len(people)):
        image_row = int(people.image_rows[row])
        pixels, stored_from_image = source.read(image_row, row)
        if stored_from_image is None:
            expected = load_with_mmpose(people.image_paths[image_row])
            np.testing.assert_array_equal(pixels, expected)
    assert 'holds other bytes than were written' in log[0]


@pytest.mark.parametrize('workers', [1, 2])
def test_a_disk_that_gets_full_keeps_no_part(opened, monkeypatch, workers):
    people, recipe, cache = opened

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(store_shards.os, 'fsync', refuse)
    with pytest.raises(UserError, match='the disk is full'):
        build_store(people, 'images', recipe, cache, workers)
    assert [path.suffix for path in (cache / 'images').rglob('*.*')] == ['.lock']


def test_a_killed_build_goes_on(opened):
    people, recipe, cache = opened
    fsync, calls = os.fsync, []

    def die(descriptor: int) -> None:
        calls.append(1)
        if len(calls) == 6:  # in the middle of the second shard
            os.kill(os.getpid(), signal.SIGKILL)
        fsync(descriptor)

    def build_until_killed() -> None:
        store_shards.os.fsync = die
        build_store(people, 'images', recipe, cache)

    child = multiprocessing.get_context('fork').Process(target=build_until_killed)
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    estimate = estimate_store(people, 'images', recipe, cache)
    assert 0 < estimate.num_missing < estimate.num_entries
    seen = []
    folder = build_store(
        people, 'images', recipe, cache, 2, lambda *args: seen.append(args)
    )

    assert seen[-1][:2] == (estimate.num_missing, estimate.num_missing)
    assert not list(folder.glob('*.part*'))
    assert_reads_originals(open_images(people, 'images', recipe, cache), people)


def test_processes_of_a_killed_build_end_with_it(opened):
    people, recipe, cache = opened
    context = multiprocessing.get_context('fork')
    pids = context.SimpleQueue()

    def wait(descriptor: int) -> None:
        pids.put(os.getpid())
        time.sleep(60)

    def build() -> None:
        os.setsid()
        store_shards.os.fsync = wait
        build_store(people, 'images', recipe, cache, 2)

    child = context.Process(target=build)
    child.start()
    workers = {pids.get() for _ in range(2)}
    assert child.pid not in workers
    child.kill()
    child.join()
    deadline = time.monotonic() + 10
    while any(map(psutil.pid_exists, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in workers if psutil.pid_exists(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def test_processes_build_after_opencv_has_used_threads(opened, tmp_path):
    people, recipe, cache = opened
    code = """
import sys, cv2, numpy as np
import gm_pose, pickle
from gm_pose.fast_lane.images import store_builder, store_plan
store_plan.SHARD_BYTES = 60_000
cv2.setNumThreads(4)
large = np.zeros((2000, 2000, 3), np.uint8)
cv2.warpAffine(large, np.eye(2, 3), (2000, 2000))
people, recipe = pickle.loads(bytes.fromhex(sys.argv[1]))
store_builder.build_store(people, 'images', recipe, sys.argv[2], 2)
assert cv2.getNumThreads() == 4
"""
    words = [pickle.dumps((people, recipe)).hex(), str(cache)]
    subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code, *words], check=True, timeout=120
    )
    assert_reads_originals(open_images(people, 'images', recipe, cache), people)


def test_the_size_is_told_before(opened):
    people, recipe, cache = opened
    estimate = estimate_store(people, 'images', recipe, cache)

    assert not estimate.folder.exists()
    folder = build_store(people, 'images', recipe, cache)
    size = sum(path.stat().st_size for path in list_shards(folder))
    assert abs(estimate.num_bytes - size) < 0.3 * size


def test_the_command_tells_builds_and_finds_nothing_to_do(dataset, tmp_path, capsys):
    config = tmp_path / 'config.py'
    drop_odd(dataset)
    loader = dict(dataset=dict(type='SeededDataset', dataset=dataset))
    config.write_text(f'train_dataloader = {loader!r}')
    words = ['build-store', str(config), '--cache-dir', str(tmp_path / 'cache')]
    count = len(load_people(dataset, tmp_path / 'cache').image_paths)
    said = []
    for more in (['--dry-run'], ['--workers', '1'], []):
        assert main([*words, *more]) == 0
        said.append(capsys.readouterr())

    assert f'train: {count} of {count} images, about 0.00 GB of ' in said[0].out
    assert f'{count}/{count} stored' in said[1].err
    assert said[2].out.startswith(f'train: all {count} images are in ')
    with pytest.raises(SystemExit, match='2'):
        main([*words, '--workers', '0'])


def test_a_share_tells_of_its_own_images_alone(dataset, tmp_path, capsys, monkeypatch):
    config = tmp_path / 'config.py'
    drop_odd(dataset)
    config.write_text(f'train_dataloader = {dict(dataset=dataset)!r}')
    words = ['build-store', str(config), '--cache-dir', str(tmp_path / 'cache')]
    words += ['--workers', '1', '--nodes', '3', '--node']
    everything = len(load_people(dataset, tmp_path / 'cache').image_paths)
    assert main([*words, '0']) == 0
    said = capsys.readouterr().out
    count = int(re.search(r'train: (\d+) of \1 images of this share, about', said)[1])
    assert 0 < count < everything
    assert main([*words, '0']) == 0
    said = capsys.readouterr().out
    assert f'train: all {count} images of this share are in ' in said


def test_too_little_space_is_said_before_writing(opened, monkeypatch):
    people, recipe, cache = opened
    monkeypatch.setattr(store_estimate, '_find_free_bytes', lambda _: 1000)

    with pytest.raises(UserError, match=r'needs about .* GB free'):
        build_store(people, 'images', recipe, cache)


@pytest.mark.parametrize('kind', ['images', 'crops'])
def test_images_of_the_same_names_and_other_sizes_have_another_store(
    opened, dataset, tmp_path, kind
):
    people, recipe, cache = opened
    path = tmp_path / dataset['ann_file']
    data = json.loads(path.read_text())
    data['images'][0]['width'] += 1
    path.write_text(json.dumps(data))
    other = store_plan.plan_store(load_people(dataset, cache), kind, recipe)
    assert other.key != store_plan.plan_store(people, kind, recipe).key


def test_another_augmentation_has_another_store(opened, dataset):
    people, recipe, _ = opened
    steps = [dict(step) for step in PIPELINE]
    steps[4]['rotate_factor'] = 20.0
    other = read_recipe(dict(dataset, pipeline=steps))
    keys = [store_plan.plan_store(people, 'crops', r).key for r in (recipe, other)]

    assert keys[0] != keys[1]
    keys = [store_plan.plan_store(people, 'images', r).key for r in (recipe, other)]
    assert keys[0] == keys[1]


@pytest.mark.parametrize('kind', ['images', 'crops'])
def test_a_pickled_source_reads_the_same(opened, kind):
    people, recipe, cache = opened
    build_store(people, kind, recipe, cache)
    source = open_images(people, kind, recipe, cache)
    expected = source.read(int(people.image_rows[3]), 3)[0].copy()
    again = pickle.loads(pickle.dumps(source))

    np.testing.assert_array_equal(again.read(int(people.image_rows[3]), 3)[0], expected)
