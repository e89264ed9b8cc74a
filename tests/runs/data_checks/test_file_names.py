"""File names that fit no image, and areas that are those of boxes."""

import pytest

from gm_pose.runs.data_checks import check_annotations, check_images
from gm_pose.runs.data_checks.file_names import explain_missing_image


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'coco' / 'train2017'
    (folder / 'day').mkdir(parents=True)
    for name in ('a.jpg', 'day/b.jpg'):
        (folder / name).write_bytes(b'')
    return str(folder)


@pytest.mark.parametrize(
    ('name', 'fault', 'fix'),
    [
        ('..\\label\\a.jpg', 'has backslashes', 'write a.jpg'),
        ('day\\b.jpg', 'has backslashes', 'write day/b.jpg'),
        (
            'C:\\photos\\z.jpg',
            'has backslashes',
            'write the path below data_prefix.img',
        ),
        ('train2017/a.jpg', 'repeats the folder train2017', 'write a.jpg'),
        ('coco/train2017/day/b.jpg', 'repeats the folder coco', 'write day/b.jpg'),
        ('/home/me/a.jpg', 'is a full path of another machine', 'write a.jpg'),
        ('night/a.jpg', 'names a folder that is not below', 'write a.jpg'),
    ],
)
def test_name_is_explained(name, fault, fix, folder):
    found = explain_missing_image(name, folder)
    assert found is not None
    assert fault in found[0]
    assert found[1].startswith(fix)


def test_name_that_only_is_missing_has_no_explanation(folder):
    assert explain_missing_image('z.jpg', folder) is None


def test_check_of_images_says_why_they_are_missing(folder):
    images = [dict(id=1, file_name='train2017/a.jpg', width=8, height=8)]
    finding = next(f for f in check_images(images, folder, 1) if 'missing' in f.name)
    assert finding.count == 1
    assert 'repeats the folder train2017' in finding.effect
    assert finding.effect.endswith('Fix: write a.jpg')


def test_run_with_such_names_does_not_start(write_config, coco, tmp_path, capsys):
    import json

    from tiny_runs import NO_VALIDATION, refuse

    from gm_pose.cli import train

    data = json.loads(
        (coco / 'annotations' / 'person_keypoints_train2017.json').read_text()
    )
    for image in data['images']:
        image['file_name'] = f'train2017/{image["file_name"]}'
    path = tmp_path / 'repeated.json'
    path.write_text(json.dumps(data))
    config = write_config(
        f"{NO_VALIDATION}train_dataloader['dataset']['ann_file'] = {str(path)!r}\n"
    )
    line = refuse(capsys, train.main, [config, '--work-dir', tmp_path / 'w'], tmp_path)
    assert 'train_dataloader.dataset.data_prefix.img' in line
    assert 'repeats the folder train2017' in line
    assert 'Fix: write 0' in line


def make_people(areas: list[float]) -> dict:
    """People with boxes of 20 x 30 px."""
    joint = [15.0, 25.0, 2]
    people = [
        dict(
            id=n,
            image_id=1,
            category_id=1,
            bbox=[10, 20, 20, 30],
            area=area,
            keypoints=joint,
            num_keypoints=1,
        )
        for n, area in enumerate(areas)
    ]
    image = dict(id=1, file_name='a.jpg', width=640, height=480)
    return dict(images=[image], annotations=people, categories=[dict(id=1)])


@pytest.mark.parametrize(
    ('areas', 'count'),
    [
        ([600.0, 600.0, 600.0], 3),
        ([600.4, 599.6, 310.0], 2),  # most of them, rounded
        ([600.0, 310.0, 320.0], 0),  # a person may fill the box
        ([318.0, 310.0, 320.0], 0),
    ],
)
def test_areas_of_boxes_are_noted(areas, count):
    (finding,) = [
        f for f in check_annotations(make_people(areas)) if 'width x height' in f.name
    ]
    assert finding.count == count
    assert not finding.harmful
