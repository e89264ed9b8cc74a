"""The embedded dataset as its users get it: through the tool, from files."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as run_lengths

import gm_pose  # noqa: F401  (registers the parts and prepares the stack)
from gm_pose.datasets.synthetic_people import coco_folder, make_coco_folder

TOOL = Path(__file__).parents[2] / 'tools' / 'make_synthetic_coco.py'
SIZE = dict(train_people=24, val_people=12, seed=3)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp('data') / 'synthetic'
    assert make_coco_folder(out, **SIZE)
    return out


@pytest.fixture(scope='module')
def val(root):
    path = root / 'annotations' / 'person_keypoints_val2017.json'
    return json.loads(path.read_text())


def read_files(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file()
    }


def both_splits(root):
    for split in ('train', 'val'):
        path = root / 'annotations' / f'person_keypoints_{split}2017.json'
        yield split, json.loads(path.read_text())


def test_same_seed_gives_the_same_bytes(root, tmp_path):
    make_coco_folder(tmp_path / 'again', **SIZE)
    assert read_files(tmp_path / 'again') == read_files(root)


def test_other_seed_gives_other_pictures(root, tmp_path):
    make_coco_folder(tmp_path / 'other', train_people=1, val_people=1, seed=4)
    name = 'train2017/000000000001.jpg'
    assert (tmp_path / 'other' / name).read_bytes() != (root / name).read_bytes()


def test_layout_and_counts_are_those_of_coco(root):
    for split, data in both_splits(root):
        assert set(data) == {'info', 'licenses', 'images', 'annotations', 'categories'}
        assert len(data['annotations']) == SIZE[f'{split}_people']
        for image in data['images']:
            assert image['file_name'] == f'{image["id"]:012d}.jpg'
            pixels = cv2.imread(str(root / f'{split}2017' / image['file_name']))
            assert pixels.shape == (image['height'], image['width'], 3)
        on_disk = {path.name for path in (root / f'{split}2017').iterdir()}
        assert on_disk == {image['file_name'] for image in data['images']}
        (category,) = data['categories']
        assert category['name'] == 'person'
        assert len(category['keypoints']) == 17
        assert len(category['skeleton']) == 19


def test_ids_are_unique_over_both_splits(root):
    for key in ('images', 'annotations'):
        ids = [item['id'] for _, data in both_splits(root) for item in data[key]]
        assert len(ids) == len(set(ids))


def test_category_agrees_with_mmpose_coco(val):
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    meta = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/coco.py'))
    (category,) = val['categories']
    names = [meta['keypoint_id2name'][k] for k in range(17)]
    assert category['keypoints'] == names
    ours = {frozenset((a - 1, b - 1)) for a, b in category['skeleton']}
    assert ours == {frozenset(link) for link in meta['skeleton_links']}


def test_annotations_are_consistent(root):
    for _, data in both_splits(root):
        sizes = {i['id']: (i['width'], i['height']) for i in data['images']}
        for a in data['annotations']:
            w, h = sizes[a['image_id']]
            x, y, bw, bh = a['bbox']
            assert 0 <= x < x + bw <= w
            assert 0 <= y < y + bh <= h
            points = np.reshape(a['keypoints'], (17, 3))
            assert set(points[:, 2]) <= {0, 1, 2}
            assert a['num_keypoints'] == (points[:, 2] > 0).sum() > 0
            assert (points[points[:, 2] == 0] == 0).all()
            labelled = points[points[:, 2] > 0, :2]
            assert (labelled >= 0).all()
            assert (labelled <= (w - 1, h - 1)).all()
            assert a['iscrowd'] == 0


def test_area_and_box_are_those_of_the_mask(root):
    for _, data in both_splits(root):
        sizes = {i['id']: [i['height'], i['width']] for i in data['images']}
        for a in data['annotations']:
            assert a['segmentation']['size'] == sizes[a['image_id']]
            mask = run_lengths.decode(a['segmentation'])
            assert mask.sum() == a['area']
            rows, columns = np.nonzero(mask)
            x, y, w, h = a['bbox']
            assert (columns.min(), rows.min()) == (x, y)
            assert (columns.max() + 1, rows.max() + 1) == (x + w, y + h)
            # A joint that is seen lies on the person.
            for u, v, flag in np.reshape(a['keypoints'], (17, 3)):
                if flag == 2:
                    u, v = round(u), round(v)
                    assert mask[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2].any()


def test_people_vary(tmp_path):
    make_coco_folder(tmp_path / 'set', train_people=60, val_people=1, seed=0)
    data = next(data for split, data in both_splits(tmp_path / 'set'))
    areas = np.array([a['area'] for a in data['annotations']])
    flags = np.array([a['keypoints'][2::3] for a in data['annotations']])
    people = np.bincount([a['image_id'] for a in data['annotations']])
    assert (areas >= 32**2).mean() > 0.9  # COCO's medium and large
    assert areas.max() > 8 * areas.min()
    assert (flags == 2).mean() > 0.6
    assert (flags == 1).mean() > 0.05
    assert (flags == 0).mean() > 0.01
    assert {1, 2, 3} <= set(people[people > 0])
    # Facing the camera the left shoulder is at larger x, from behind at smaller x.
    points = np.array([a['keypoints'] for a in data['annotations']]).reshape(-1, 17, 3)
    both = (points[:, 5, 2] > 0) & (points[:, 6, 2] > 0)
    facing = (points[both, 5, 0] > points[both, 6, 0]).mean()
    assert 0.5 < facing < 0.95


def test_detections_cover_every_validation_person(root, val):
    boxes = json.loads((root / coco_folder.DETECTIONS).read_text())
    assert len(boxes) == len(val['annotations'])
    for box, a in zip(boxes, val['annotations'], strict=True):
        assert box['image_id'] == a['image_id']
        assert 0 < box['score'] <= 1
        error = np.abs(np.subtract(box['bbox'], a['bbox']))
        assert error.max() < 0.3 * max(a['bbox'][2:])


def test_complete_dataset_is_kept(root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob('*')}
    assert not make_coco_folder(root, **SIZE)
    assert {path: path.stat().st_mtime_ns for path in root.rglob('*')} == before


@pytest.mark.parametrize(
    'damage', ['stopped', 'stopped at once', 'picture lost', 'picture cut']
)
def test_broken_dataset_is_built_again(tmp_path, damage):
    size = dict(train_people=2, val_people=1, seed=0)
    make_coco_folder(tmp_path / 'set', **size)
    whole = read_files(tmp_path / 'set')
    picture = tmp_path / 'set' / 'train2017' / '000000000001.jpg'
    if damage == 'stopped':

        def stop(done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            make_coco_folder(
                tmp_path / 'set', 4, 4, seed=1, overwrite=True, report=stop
            )
    elif damage == 'stopped at once':
        shutil.rmtree(tmp_path / 'set')
        (tmp_path / 'set').mkdir()
        (tmp_path / 'set' / f'{coco_folder.MANIFEST}.part').write_text('{"comp')
    elif damage == 'picture lost':
        picture.unlink()
    else:
        picture.write_bytes(picture.read_bytes()[:1000])
    assert make_coco_folder(tmp_path / 'set', **size)
    assert read_files(tmp_path / 'set') == whole


def test_other_folders_are_not_touched(tmp_path):
    (tmp_path / 'thesis.txt').write_text('years of work')
    with pytest.raises(ValueError, match=r'not empty and was not written by this tool'):
        make_coco_folder(tmp_path, 1, 1)
    assert [p.name for p in tmp_path.iterdir()] == ['thesis.txt']


def test_other_settings_are_refused_unless_asked(tmp_path):
    out = tmp_path / 'set'
    make_coco_folder(out, 2, 1, seed=0)
    with pytest.raises(ValueError, match=r'other settings \(seed is 0, asked for 1\)'):
        make_coco_folder(out, 2, 1, seed=1)
    assert make_coco_folder(out, 2, 1, seed=1, overwrite=True)
    assert not make_coco_folder(out, 2, 1, seed=1)


@pytest.mark.parametrize(
    ('settings', 'text'),
    [
        (dict(train_people=0), 'train people is 0; ask for at least 1'),
        (dict(val_people=-3), 'val people is -3; ask for at least 1'),
        (dict(seed=-1), 'seed is -1; use 0 or a positive integer'),
    ],
)
def test_bad_settings_are_refused(tmp_path, settings, text):
    with pytest.raises(ValueError, match=text):
        make_coco_folder(tmp_path / 'set', **settings)
    assert not (tmp_path / 'set').exists()


def test_tool_says_what_is_wrong_in_one_sentence(tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    env_root = str(TOOL.parents[1])
    done = subprocess.run(
        [sys.executable, str(TOOL), '--out', str(tmp_path)],
        capture_output=True,
        text=True,
        env={'PYTHONPATH': env_root},
    )
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert done.stderr.startswith(f'error: {tmp_path} is not empty')


def test_loads_in_mmpose_and_passes_the_training_pipeline(root):
    from mmengine.registry import init_default_scope
    from mmpose.registry import DATASETS

    init_default_scope('mmpose')
    cfg = load_stock_config()
    # The data root alone is changed, as a user of COCO would.
    for part in (cfg.train_dataloader.dataset, cfg.val_dataloader.dataset):
        part.data_root = str(root)
    cfg.val_dataloader.dataset.bbox_file = str(root / coco_folder.DETECTIONS)
    train = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(train) == SIZE['train_people']
    sample = train[0]
    assert sample['inputs'].shape == (3, 256, 192)
    assert sample['data_samples'].gt_fields.heatmaps.shape == (17, 64, 48)
    assert len(DATASETS.build(cfg.val_dataloader.dataset)) == SIZE['val_people']


def load_stock_config():
    import mmpose
    from mmengine.config import Config

    folder = Path(mmpose.__file__).parent / '.mim' / 'configs' / 'body_2d_keypoint'
    return Config.fromfile(
        str(
            folder
            / 'topdown_heatmap'
            / 'coco'
            / 'td-hm_res50_8xb64-210e_coco-256x192.py'
        )
    )


def test_ground_truth_as_prediction_gives_full_marks(root, val):
    from mmpose.evaluation.metrics import CocoMetric

    path = root / 'annotations' / 'person_keypoints_val2017.json'
    metric = CocoMetric(ann_file=str(path), use_area=True)
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    metric.dataset_meta = parse_pose_metainfo(
        dict(from_file='configs/_base_/datasets/coco.py')
    )
    samples = []
    for a in val['annotations']:
        points = np.reshape(a['keypoints'], (1, 17, 3)).astype(float)
        x, y, w, h = a['bbox']
        samples.append(
            dict(
                id=a['id'],
                img_id=a['image_id'],
                category_id=1,
                pred_instances=dict(
                    keypoints=points[..., :2],
                    keypoint_scores=np.ones((1, 17)),
                    bbox_scores=np.ones(1),
                ),
                gt_instances=dict(
                    bboxes=np.array([[x, y, x + w, y + h]]),
                    bbox_scales=np.array([[w, h]]),
                    bbox_scores=np.ones(1),
                ),
            )
        )
    metric.process([], samples)
    scores = metric.evaluate(size=len(samples))
    assert scores['coco/AP'] == pytest.approx(1.0)
    assert scores['coco/AR'] == pytest.approx(1.0)
