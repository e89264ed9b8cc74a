"""Unreadable images, empty targets and losses that are not finite, in real runs."""

import json
import shutil
import struct
import zlib

import pytest
import tiny_components  # noqa: F401  # registers the neck that a replayed loss needs
from tiny_runs import NO_VALIDATION

pytestmark = pytest.mark.slow

ONE_EPOCH = NO_VALIDATION + "train_cfg['max_epochs'] = 1\n"


def allow(share: float) -> str:
    return f"custom_hooks.append(dict(type='BadImageReportHook', max_share={share}))\n"


@pytest.fixture
def own_coco(tools, coco, tmp_path, monkeypatch):
    """A copy of the dataset that a test may damage."""
    root = tmp_path / 'own'
    shutil.copytree(coco, root)
    monkeypatch.setenv('COCO_ROOT', str(root))
    return root


def write_png_header(path, width: int, height: int) -> None:
    """A PNG of a few bytes that claims any size."""
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    data = b'\x89PNG\r\n\x1a\n'
    for kind, content in ((b'IHDR', header), (b'IDAT', pixels), (b'IEND', b'')):
        checksum = zlib.crc32(kind + content)
        data += struct.pack('>I', len(content)) + kind + content
        data += struct.pack('>I', checksum)
    path.write_bytes(data)


def test_image_of_any_claimed_size_takes_no_memory(tmp_path):
    import resource

    from gm_pose.runs.data_checks.unreadable_image import (
        UnreadableImage,
        check_image_header,
    )

    path = tmp_path / 'bomb.png'
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for width, height in ((40_000, 25_000), (20_000, 10_000), (2**31 - 1, 2**31 - 1)):
        write_png_header(path, width, height)
        with pytest.raises(UnreadableImage, match='its header claims'):
            check_image_header(str(path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB
    write_png_header(path, 640, 480)
    assert check_image_header(str(path)) == (640, 480)


def test_unreadable_images_are_skipped_counted_and_reported(
    own_coco, write_config, train_child, tmp_path
):
    broken, huge = sorted((own_coco / 'train2017').iterdir())[:2]
    broken.write_bytes(broken.read_bytes()[:300])
    write_png_header(huge, 40_000, 25_000)
    ended = train_child(
        write_config(ONE_EPOCH + allow(0.5)), '--work-dir', tmp_path / 'w'
    )
    assert ended.code == 0, ended.tail
    report = next(line for line in ended.output.splitlines() if 'epoch 1: ' in line)
    assert '2 of 10 images are unreadable' in report
    assert f'{broken.name}: ' in report
    assert f'{huge.name}: its header claims' in report


def test_too_many_unreadable_images_stop_the_run_with_the_list(
    own_coco, write_config, train_child, tmp_path
):
    broken = sorted((own_coco / 'train2017').iterdir())[0]
    broken.write_bytes(b'')
    ended = train_child(write_config(ONE_EPOCH), '--work-dir', tmp_path / 'w')
    assert ended.code == 2, ended.tail
    sentence = ended.sentence
    assert 'max_share=0.01' in sentence
    assert f'{broken.name}: an empty file' in sentence
    assert broken.name in (tmp_path / 'w' / 'unreadable_images.txt').read_text()


@pytest.mark.parametrize('lane', ['--fast', '--no-fast'])
@pytest.mark.parametrize('workers', [0, 1])
def test_evaluation_ends_with_the_image_that_it_cannot_read(
    own_coco, write_config, train_child, tmp_path, lane, workers
):
    broken = sorted((own_coco / 'val2017').iterdir())[1]
    broken.write_bytes(b'')
    config = write_config(
        f"train_cfg['max_epochs'] = 1\nval_dataloader['num_workers'] = {workers}\n"
    )
    ended = train_child(config, lane, '--work-dir', tmp_path / 'w')
    assert ended.code == 2, ended.tail
    said = f'an image of the evaluation cannot be read, {broken}: an empty file. Fix: '
    assert ended.sentence.startswith(f'gm_pose: error: {said}')
    assert (tmp_path / 'w' / 'epoch_1.pth').exists()  # --resume evaluates it


def test_image_of_many_people_counts_once(
    own_coco, write_config, train_child, tmp_path
):
    path = own_coco / 'annotations/person_keypoints_train2017.json'
    data = json.loads(path.read_text())
    image = data['images'][0]
    for person in data['annotations'][:7]:
        person['image_id'] = image['id']
    path.write_text(json.dumps(data))
    (own_coco / 'train2017' / image['file_name']).write_bytes(b'')
    # 22 people, now in 8 images: a third of the samples fall out, and 1 of 8 images.
    for share, code in ((1 / 8, 0), (0.99 / 8, 2)):
        config = write_config(ONE_EPOCH + allow(share))
        ended = train_child(config, '--work-dir', tmp_path / 'w')
        assert ended.code == code, ended.tail
        what = (
            'images are unreadable' if code == 0 else 'training images are unreadable'
        )
        assert f'1 of 8 {what}' in ended.output


def test_processes_stop_at_the_share_that_they_met_together(tmp_path, monkeypatch):
    from types import SimpleNamespace

    from gm_pose.runs.hooks import BadImageReportHook, bad_image_report_hook
    from gm_pose.runs.user_errors import UserError

    runner = SimpleNamespace(
        rank=1,
        epoch=0,
        work_dir=str(tmp_path),
        logger=SimpleNamespace(warning=lambda text: None),
        train_dataloader=SimpleNamespace(dataset=range(100)),
    )
    met = [{'a.jpg: gone': 3}, {'a.jpg: gone': 4, 'b.jpg: gone': 1}]
    monkeypatch.setattr(bad_image_report_hook, 'all_gather_object', lambda part: met)
    BadImageReportHook(max_share=0.02).after_train_epoch(runner)
    with pytest.raises(UserError, match='2 of 100 training images are unreadable'):
        BadImageReportHook(max_share=0.01).after_train_epoch(runner)
    assert len((tmp_path / 'unreadable_images_rank1.txt').read_text().splitlines()) == 2


def test_dataset_without_targets_is_told_before_the_first_iteration(
    own_coco, write_config, train_child, tmp_path
):
    path = own_coco / 'annotations/person_keypoints_train2017.json'
    data = json.loads(path.read_text())
    for person in data['annotations']:
        person['keypoints'][2::3] = [0] * 17
    path.write_text(json.dumps(data))
    ended = train_child(write_config(ONE_EPOCH), '--work-dir', tmp_path / 'w')
    assert ended.code == 2, ended.tail
    assert '22 annotations 22 without a labelled joint' in ended.sentence
    assert 'Fix: label joints' in ended.sentence
    assert 'Epoch(train)' not in ended.output


def test_samples_without_targets_are_refused_by_the_hook():
    """What no file shows, such as joints outside every crop."""
    from types import SimpleNamespace

    import torch
    from mmengine.structures import InstanceData
    from mmpose.structures import PoseDataSample

    from gm_pose.runs.hooks import EmptyTargetHook
    from gm_pose.runs.user_errors import UserError

    sample = PoseDataSample()
    sample.gt_instance_labels = InstanceData(keypoint_weights=torch.zeros(1, 17))
    loader = SimpleNamespace(dataset=[dict(data_samples=sample)] * 3)
    runner = SimpleNamespace(
        train_dataloader=loader, rank=0, world_size=1, model=torch.nn.Identity()
    )
    with pytest.raises(UserError, match='every visibility is 0'):
        EmptyTargetHook().before_train(runner)
    sample.gt_instance_labels.keypoint_weights[0, 3] = 1
    EmptyTargetHook().before_train(runner)


def test_pipeline_that_packs_nothing_is_told(
    write_config, train_child, tmp_path, own_coco
):
    text = "train_dataloader['dataset']['pipeline'] = train_pipeline[:-1]\n"
    ended = train_child(write_config(ONE_EPOCH + text), '--work-dir', tmp_path / 'w')
    assert ended.code == 2, ended.tail
    assert 'PackPoseInputs' in ended.sentence


def test_pipeline_without_targets_is_told(
    write_config, train_child, tmp_path, own_coco
):
    text = (
        "train_dataloader['dataset']['pipeline'] = "
        "[s for s in train_pipeline if s['type'] != 'GenerateTarget']\n"
    )
    ended = train_child(write_config(ONE_EPOCH + text), '--work-dir', tmp_path / 'w')
    assert ended.code == 2, ended.tail
    assert 'put GenerateTarget, with the codec' in ended.sentence


def test_batch_without_targets_is_reported_once_with_its_samples(
    own_coco, write_config, train_child, tmp_path
):
    path = own_coco / 'annotations/person_keypoints_train2017.json'
    data = json.loads(path.read_text())
    for person in data['annotations'][:-2]:
        person['keypoints'][2::3] = [0] * 17
    path.write_text(json.dumps(data))
    batch = "train_dataloader['batch_size'] = 1\n"
    ended = train_child(write_config(ONE_EPOCH + batch), '--work-dir', tmp_path / 'w')
    assert ended.code == 0, ended.tail
    told = [line for line in ended.output.splitlines() if 'no joint of this' in line]
    assert len(told) == 1
    assert 'its loss is 0 (samples id ' in told[0]


def test_wrong_annotation_is_named_with_its_sample(
    own_coco, write_config, train_child, tmp_path
):
    path = own_coco / 'annotations/person_keypoints_train2017.json'
    data = json.loads(path.read_text())
    person = data['annotations'][5]
    person['keypoints'][0] = float('nan')
    person['keypoints'][2] = 2
    path.write_text(json.dumps(data))
    ended = train_child(write_config(ONE_EPOCH), '--work-dir', tmp_path / 'w')
    assert ended.code == 2, ended.tail
    sentence = ended.sentence
    assert sentence.startswith('gm_pose: error: training sample ')
    assert f'(id {person["id"]}, ' in sentence


def test_loss_that_is_not_finite_stops_the_run_and_can_be_replayed(
    write_config, train_child, tmp_path, capsys
):
    from gm_pose.__main__ import main

    hook = "custom_hooks.append(dict(type='PoisonHook', iteration=3))\n"
    work_dir = tmp_path / 'w'
    ended = train_child(write_config(ONE_EPOCH + hook), '--work-dir', work_dir)
    assert ended.code == 2, ended.tail
    sentence = ended.sentence
    assert 'the loss is nan at epoch 1, iteration 4' in sentence
    dump = work_dir / 'non_finite_loss_iter_4.pth'
    assert str(dump) in sentence
    assert main(['replay-loss', str(dump)]) == 0
    printed = capsys.readouterr().out
    assert 'loss_kpt nan' in printed
    ids = [line.split()[1] for line in printed.splitlines() if line.startswith('id ')]
    assert len(ids) == 4
    for name in ids:
        assert f'id {name} in image' in sentence


def test_replay_gives_the_loss_of_the_run_bit_for_bit(
    write_config, train_child, tmp_path
):
    """Dump a finite step by calling it too large: its loss is known from the log."""
    import torch

    from gm_pose.runs.hooks import non_finite_loss_hook
    from gm_pose.runs.host.checkpoints.safe_loading import load_checkpoint_file
    from gm_pose.runs.resume.loss_dump import replay_loss_dump

    class Strict:
        def __getattr__(self, name):
            return getattr(torch, name)

        def isfinite(self, loss):
            return torch.tensor(calls.append(1) or len(calls) < 3)

    calls: list[int] = []

    def setup():
        non_finite_loss_hook.torch = Strict()

    work_dir = tmp_path / 'w'
    ended = train_child(write_config(ONE_EPOCH), '--work-dir', work_dir, setup=setup)
    assert ended.code == 2, ended.tail
    dump = load_checkpoint_file(str(work_dir / 'non_finite_loss_iter_3.pth'))
    losses = replay_loss_dump(dump)
    assert losses['loss_kpt'] == dump['meta']['loss'] > 0
