import copy
import errno
import functools
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import time

import numpy as np
import pytest
from coco_files import K, make_data, make_detections, write_config
from fast_datasets import make_combined
from mmpose.datasets.datasets import CocoDataset
from mmpose.registry import DATASETS

from gm_pose.fast_lane.people import array_folder, people_arrays
from gm_pose.fast_lane.people.people_arrays import load_people
from gm_pose.fast_lane.people.people_columns import UnpackableDataset
from gm_pose.fast_lane.people.people_from_coco import read_coco_columns
from gm_pose.fast_lane.people.people_key import make_shell
from gm_pose.runs.files.cache_folder import find_cache_folder
from gm_pose.runs.user_errors import UserError


def assert_equal_to_mmpose(people, config):
    """Every sample, value for value, as MMPose's own dataset gives it."""
    dataset = DATASETS.build(dict(config, pipeline=[]))
    assert len(people) == len(dataset)
    for row in range(len(dataset)):
        info = dataset.get_data_info(row)
        assert people.image_paths[people.image_rows[row]] == info['img_path']
        assert people.ids[row] == info['id']
        assert people.img_ids[row] == info['img_id']
        assert people.category_ids[row] == info.get('category_id', 1)
        np.testing.assert_array_equal(people.bboxes_px[row], info['bbox'][0])
        np.testing.assert_array_equal(people.bbox_scores[row], info['bbox_score'][0])
        np.testing.assert_array_equal(people.keypoints_px[row], info['keypoints'][0])
        visible = info['keypoints_visible'][0]
        if visible.ndim == 2:  # KeypointConverter adds weights for a visibility head
            visible = visible[:, 0]
        np.testing.assert_array_equal(people.visible[row], visible)
        raw = info.get('raw_ann_info') if config.get('test_mode') else None
        assert people.raw_ann_info(row) == raw
        for name in ('area', 'num_keypoints', 'crowd_index'):
            if name in people.extras:
                np.testing.assert_array_equal(people.extras[name][row], info[name])
    for name in ('flip_indices', 'dataset_name', 'CLASSES'):
        assert people.metainfo.get(name) == dataset.metainfo.get(name)


def test_combined_people_equal_mmposes_samples(people_folder, tmp_path):
    config = make_combined(people_folder)
    people = load_people(config, tmp_path)
    assert_equal_to_mmpose(people, config)
    assert people.visible[:, 17:].any()
    again = load_people(config, tmp_path)
    assert again.key == people.key
    assert len(list((tmp_path / 'people').glob('*/'))) >= 3


def test_combined_people_that_moved_use_the_same_files(people_folder, tmp_path):
    people = load_people(make_combined(people_folder), tmp_path / 'cache')
    shutil.copytree(people_folder, tmp_path / 'moved')
    config = make_combined(tmp_path / 'moved')
    moved = load_people(config, tmp_path / 'cache')
    assert moved.key == people.key
    assert_equal_to_mmpose(moved, config)


def test_part_of_combined_people_that_changes_is_read_again(people_folder, tmp_path):
    config = make_combined(people_folder)
    key = load_people(config, tmp_path).key
    config['datasets'][1]['pipeline'][0]['mapping'].pop()
    people = load_people(config, tmp_path)
    assert people.key != key
    assert_equal_to_mmpose(people, config)
    config['datasets'][1]['indices'] = 3
    assert len(load_people(config, tmp_path)) == 25


def test_part_with_other_keypoints_and_no_converter_is_named(people_folder, tmp_path):
    config = make_combined(people_folder)
    config['datasets'][1]['pipeline'] = []
    with pytest.raises(UnpackableDataset, match=r'datasets.1 .* has 17 .*, its .* 19'):
        load_people(config, tmp_path)


def is_read_at_once(config):
    """Whether the fast reader takes this file; else MMPose's own code reads it."""
    return read_coco_columns(make_shell(config)) is not None


@pytest.mark.parametrize('seed', range(2))
@pytest.mark.parametrize(
    'settings',
    [
        {},
        dict(test_mode=True),
        dict(sample_interval=3),
        dict(indices=7),
        dict(indices=-5),
        dict(indices=[4, 1, 1]),
        dict(filter_cfg=dict(bbox_score_thr=0.5)),
        dict(filter_cfg=dict(min_size=1)),
        dict(data_mode='topdown', data_prefix=dict(img='')),
    ],
)
def test_people_equal_mmposes_samples(tmp_path, seed, settings):
    config = write_config(tmp_path, make_data(seed), **settings)

    assert is_read_at_once(config)
    assert_equal_to_mmpose(load_people(config, tmp_path / 'cache'), config)


@pytest.mark.parametrize('seed', range(2))
@pytest.mark.parametrize('filter_cfg', [None, dict(bbox_score_thr=0.4)])
def test_detections_equal_mmposes_samples(tmp_path, seed, filter_cfg):
    data = make_data(seed)
    config = write_config(
        tmp_path,
        data,
        bbox_file=str(tmp_path / 'boxes.json'),
        test_mode=True,
        filter_cfg=filter_cfg,
    )
    boxes = make_detections(data, seed)
    (tmp_path / 'boxes.json').write_text(json.dumps(boxes))

    assert is_read_at_once(config)
    people = load_people(config, tmp_path / 'cache')

    assert_equal_to_mmpose(people, config)
    assert people.raw_ann_info(0) is None


def twice_an_id(data):
    data['annotations'][20]['id'] = data['annotations'][21]['id']


def twice_an_image(data):
    data['images'][3]['id'] = data['images'][4]['id']


def text_ids(data):
    for image in data['images']:
        image['id'] = f'i{image["id"]}'
    for annotation in data['annotations']:
        annotation['image_id'] = f'i{annotation["image_id"]}'


def nan_area(data):
    data['annotations'][20]['area'] = float('nan')


def odd_crowd(data):
    crowd = next(a for a in data['annotations'] if a['id'] == 0)
    crowd['keypoints'] = crowd['keypoints'][:-1]


def test_a_file_that_mmpose_refuses_is_refused(tmp_path):
    data = make_data(0)
    odd_crowd(data)

    with pytest.raises(ValueError, match='cannot reshape'):
        load_people(write_config(tmp_path, data), tmp_path / 'cache')


def no_annotations(data):
    data['annotations'] = []


def nobody_labelled(data):
    for annotation in data['annotations']:
        annotation['iscrowd'] = 1


@pytest.mark.parametrize('change', [no_annotations, nobody_labelled])
def test_a_dataset_without_people_is_refused(tmp_path, change):
    data = make_data(0)
    change(data)

    with pytest.raises(UnpackableDataset, match='no sample is left'):
        load_people(write_config(tmp_path, data), tmp_path / 'cache')


@pytest.mark.parametrize('change', [twice_an_id, twice_an_image, nan_area])
def test_unusual_files_are_read_by_mmpose(tmp_path, change):
    data = make_data(0)
    change(data)
    config = write_config(tmp_path, data)

    assert not is_read_at_once(config)
    people = load_people(config, tmp_path / 'cache')

    if change is nan_area:
        dataset = DATASETS.build(config)
        areas = [dataset.get_data_info(row)['area'] for row in range(len(dataset))]
        np.testing.assert_array_equal(people.areas, areas)
    else:
        assert_equal_to_mmpose(people, config)


def test_image_ids_may_be_texts(tmp_path):
    data = make_data(0)
    text_ids(data)
    for image in data['images']:  # `sample_interval` divides ids: MMPose cannot
        image['file_name'] = image['id'] + '.jpg'
    config = write_config(tmp_path, data)

    with pytest.raises(TypeError):
        load_people(config, tmp_path / 'cache')


def test_crowd_index_is_kept(tmp_path):
    data = make_data(1)
    for n, image in enumerate(data['images']):
        image['crowdIndex'] = n / 10
    config = write_config(tmp_path, data, type='CrowdPoseDataset')

    people = load_people(config, tmp_path / 'cache')

    assert people.extras['crowd_index'].max() > 0
    assert_equal_to_mmpose(people, config)


def test_a_class_with_its_own_rules_is_read_by_that_class(tmp_path):
    joints = np.random.default_rng(0).uniform(10, 50, (2, 16, 2))
    entries = [
        dict(
            image=f'00{n}.jpg',
            center=[40.0, 50.0],
            scale=0.3,
            joints=points.tolist(),
            joints_vis=[1] * 15 + [0],
        )
        for n, points in enumerate(joints)
    ]
    config = write_config(tmp_path, entries, type='MpiiDataset')

    assert not is_read_at_once(config)
    people = load_people(config, tmp_path / 'cache')

    np.testing.assert_array_equal(people.keypoints_px, joints.astype(np.float32))
    assert people.extras['bbox_scale'].shape == (2, 1, 2)
    assert people.image_paths[1].endswith('/images/001.jpg')


class Own(CocoDataset):
    """Changes what it reads as `change`, which no setting names, says."""

    def load_data_list(self):
        samples = super().load_data_list()
        return [
            {**sample, **self.change(n, sample)} for n, sample in enumerate(samples)
        ]


def shift_box(shift, _, sample):
    return dict(bbox=sample['bbox'] + shift)


def test_a_class_of_the_user_is_read_at_each_start(tmp_path, monkeypatch):
    config = write_config(tmp_path, make_data(0), type=Own)
    for shift in (0, 1):
        shifted = functools.partial(shift_box, shift)
        monkeypatch.setattr(Own, 'change', staticmethod(shifted), raising=False)
        assert_equal_to_mmpose(load_people(config, tmp_path / 'cache'), config)
    load_people(config, tmp_path / 'cache')
    assert len([*(tmp_path / 'cache' / 'people').glob('*/manifest.json')]) == 2


@pytest.mark.parametrize(
    ('change', 'text'),
    [
        (
            lambda _, n, __: dict(img=np.zeros((9, 9, 3))) if n == 3 else {},
            'with `img`',
        ),
        (lambda _, n, __: dict(id=f'p{n}'), '`id`, or no numbers'),
        (
            lambda _, __, a: dict(
                bbox_center=np.ones((1, 2)), bbox_scale=a['bbox'][:, 2:]
            ),
            '`bbox_center` that is not that of `bbox`',
        ),
        (
            lambda _, __, a: dict(
                keypoints_visible=a['keypoints_visible'][..., None] + [0, 0]
            ),
            'keypoints_visible has',
        ),
    ],
)
def test_samples_that_would_be_read_otherwise_are_refused(
    tmp_path, monkeypatch, change, text
):
    monkeypatch.setattr(Own, 'change', change, raising=False)
    config = write_config(tmp_path, make_data(0), type=Own)
    with pytest.raises(UnpackableDataset, match=text):
        load_people(config, tmp_path / 'cache')


def test_a_key_that_one_sample_lacks_is_named(tmp_path, monkeypatch):
    class Lacking(Own):
        def load_data_list(self):
            samples = super().load_data_list()
            del samples[5]['id']
            return samples

    monkeypatch.setattr(Own, 'change', lambda *_: {}, raising=False)
    config = write_config(tmp_path, make_data(0), type=Lacking)
    with pytest.raises(UnpackableDataset, match='samples without `id`'):
        load_people(config, tmp_path / 'cache')


def test_image_names_need_not_be_utf8(tmp_path):
    data = make_data(0)
    for image in data['images']:
        image['file_name'] = os.fsdecode(b'caf\xe9 ') + image['file_name']
    config = write_config(tmp_path, data)

    assert_equal_to_mmpose(load_people(config, tmp_path / 'cache'), config)


def test_samples_of_several_people_are_refused(tmp_path):
    config = write_config(tmp_path, make_data(0), data_mode='bottomup')

    with pytest.raises(UnpackableDataset, match='expected one'):
        load_people(config, tmp_path / 'cache')


def test_differing_keypoint_counts_are_refused(tmp_path):
    data = make_data(0)
    used = next(a for a in data['annotations'] if a['id'] == 20 * 7)
    used.update(keypoints=[5.0, 5.0, 2.0] * 4, bbox=[1, 1, 30, 30], iscrowd=0)
    config = write_config(tmp_path, data)

    with pytest.raises(UnpackableDataset, match='keypoints'):
        load_people(config, tmp_path / 'cache')


def test_a_moved_dataset_uses_the_same_files(tmp_path):
    data = make_data(0)
    cache = tmp_path / 'cache'
    first = load_people(write_config(tmp_path / 'a', data), cache)
    second = load_people(write_config(tmp_path / 'b', data), cache)

    assert first.folder == second.folder
    assert first.image_paths[0].startswith(str(tmp_path / 'a'))
    assert second.image_paths[0].startswith(str(tmp_path / 'b'))


def test_absolute_image_names_are_kept(tmp_path):
    data = make_data(0)
    for image in data['images']:
        image['file_name'] = f'/elsewhere/{image["file_name"]}'
    cache = tmp_path / 'cache'
    for name in ('a', 'b'):
        config = write_config(tmp_path / name, data)
        assert_equal_to_mmpose(load_people(config, cache), config)


@pytest.mark.parametrize(
    'change',
    [
        dict(test_mode=True),
        dict(indices=3),
        dict(sample_interval=2),
        dict(type='AicDataset'),
        dict(metainfo=dict(from_file='configs/_base_/datasets/aic.py')),
    ],
)
def test_another_setting_has_another_key(tmp_path, change):
    config = write_config(tmp_path, make_data(0))
    other = dict(config, **change)
    cache = tmp_path / 'cache'

    assert load_people(config, cache).key != load_people(other, cache).key


def test_an_edited_annotation_file_is_read_again(tmp_path):
    data = make_data(0)
    config = write_config(tmp_path, data)
    cache = tmp_path / 'cache'
    before = load_people(config, cache)
    path = tmp_path / 'people.json'
    stat = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"id": 700', b'"id": 701'))
    text = path.read_text().replace('"num_keypoints": 9', '"num_keypoints": 8')
    path.write_text(text)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as rsync -t does

    assert load_people(config, cache).key != before.key


@pytest.fixture
def log(monkeypatch):
    """Lines that were logged."""
    lines = []
    monkeypatch.setattr(people_arrays, 'print_log', lambda text, *_: lines.append(text))
    return lines


def truncate(path):
    with open(path, 'r+b') as file:
        file.truncate(path.stat().st_size - 1)


def flip(path):
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def flip_header(path):
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)


def empty_manifest(path):
    (path.parent / 'manifest.json').write_text('{}')


@pytest.mark.parametrize('name', ['keypoints_px', 'raw_ann_info', 'image_names'])
@pytest.mark.parametrize(
    'damage', [truncate, flip, flip_header, empty_manifest, os.unlink]
)
def test_damaged_files_are_packed_again(tmp_path, log, damage, name):
    config = write_config(tmp_path, make_data(0), test_mode=True)
    cache = tmp_path / 'cache'
    folder = load_people(config, cache).folder
    damage(folder / f'{name}.npy')

    people = load_people(config, cache)

    assert sum('damaged, packing again' in line for line in log) == 1
    assert_equal_to_mmpose(people, config)


def test_a_change_that_kept_the_time_is_found_when_verified(tmp_path, log):
    config = write_config(tmp_path, make_data(0))
    cache = tmp_path / 'cache'
    path = load_people(config, cache).folder / 'keypoints_px.npy'
    stat = path.stat()
    flip(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert_equal_to_mmpose(load_people(config, cache, verify=True), config)
    assert any('was changed' in line for line in log)


def test_pickled_people_open_the_same_files(tmp_path):
    config = write_config(tmp_path, make_data(0))
    people = load_people(config, tmp_path / 'cache')
    content = pickle.dumps(people)
    again = pickle.loads(content)

    assert isinstance(again.keypoints_px, np.memmap)
    assert again.folder == people.folder
    assert_equal_to_mmpose(again, config)
    assert len(content) < 60_000  # metainfo, no people


def test_the_original_config_is_not_changed(tmp_path):
    config = write_config(tmp_path, make_data(0))
    before = copy.deepcopy(config)
    load_people(config, tmp_path / 'cache')

    assert config == before


def load_and_count(config, cache, queue):
    built = []
    write = people_arrays.write_arrays

    def write_slowly(*args):
        built.append(1)
        time.sleep(0.3)
        write(*args)

    people_arrays.write_arrays = write_slowly
    queue.put((len(built), len(people_arrays.load_people(config, cache)), len(built)))


def test_one_of_several_processes_builds(tmp_path):
    config = write_config(tmp_path, make_data(0))
    context = multiprocessing.get_context('fork')
    queue = context.Queue()
    args = (config, tmp_path / 'cache', queue)
    processes = [context.Process(target=load_and_count, args=args) for _ in range(4)]
    for process in processes:
        process.start()
    found = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()

    assert sum(built for _, _, built in found) == 1
    assert len({count for _, count, _ in found}) == 1


def test_a_cache_that_cannot_be_written_names_the_fix(tmp_path):
    config = write_config(tmp_path, make_data(0))
    (tmp_path / 'file').write_text('')

    with pytest.raises(UserError, match=r'GM_POSE_CACHE'):
        load_people(config, tmp_path / 'file' / 'cache')


def test_a_disk_without_locks_names_the_fix(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, 'No locks available')

    monkeypatch.setattr('fcntl.lockf', refuse)
    with pytest.raises(UserError, match=r'its disk knows no locks: .* \$GM_POSE_CACHE'):
        load_people(write_config(tmp_path, make_data(0)), tmp_path / 'cache')


def test_the_variable_names_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv('GM_POSE_CACHE', str(tmp_path / 'named'))
    config = write_config(tmp_path, make_data(0))

    assert (tmp_path / 'named') in load_people(config).folder.parents


def test_a_home_folder_that_is_not_known_makes_no_folder_of_its_name(monkeypatch):
    monkeypatch.delenv('GM_POSE_CACHE', raising=False)
    monkeypatch.setattr('os.path.expanduser', lambda path: path)  # no HOME, no name
    with pytest.raises(UserError, match=r'is ~/\.cache/gm_pose, .* \$GM_POSE_CACHE'):
        find_cache_folder()


def test_a_killed_build_leaves_nothing_that_is_read(tmp_path):
    config = write_config(tmp_path, make_data(0))
    cache = tmp_path / 'cache'

    def build_until_renamed() -> None:
        array_folder.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        load_people(config, cache)

    child = multiprocessing.get_context('fork').Process(target=build_until_renamed)
    child.start()
    child.join()

    assert child.exitcode == -signal.SIGKILL
    assert [path.suffix for path in (cache / 'people').glob('.*')] == ['.part']
    people = load_people(config, cache)
    assert_equal_to_mmpose(people, config)
    assert load_people(config, cache).visible.shape[1] == K
    # what was left has gone with the next build
    left = {path.name for path in (cache / 'people').iterdir()}
    assert left == {people.key, f'{people.key}.lock'}
