"""Every fault that check-data knows is provoked, found, named, and counted once."""

import copy
import json
import math
import time

import pytest

from gm_pose.__main__ import main
from gm_pose.datasets.synthetic_people import make_coco_folder
from gm_pose.runs.data_checks import check_annotations, check_images
from gm_pose.runs.data_checks.file_use import FileUse

SHOULDER, HIP, OTHER_HIP = 5, 11, 12


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('checked')
    make_coco_folder(folder, train_people=12, val_people=2, seed=1)
    return folder


@pytest.fixture
def data(folder):
    text = (folder / 'annotations/person_keypoints_train2017.json').read_text()
    return json.loads(text)


def found(data, **definition) -> dict[str, int]:
    return {f.name: f.count for f in check_annotations(data, **definition) if f.count}


def set_area(p, d):
    p['area'] = 0


def set_text_area(p, d):
    p['area'] = 'big'


def set_nan_area(p, d):
    p['area'] = math.nan


def set_huge(p, d):
    p['keypoints'][3] = 10**400
    p['keypoints'][5] = 0
    p['num_keypoints'] = sum(v > 0 for v in p['keypoints'][2::3])


def set_nan(p, d):
    p['keypoints'][3] = math.nan


def set_nan_box(p, d):
    p['bbox'][1] = math.nan


def set_three_numbers(p, d):
    p['bbox'] = p['bbox'][:3]


def set_flat_box(p, d):
    p['bbox'][2] = 0


def move_box(p, d):
    p['bbox'][0] = 5000.0


def widen_box(p, d):
    p['bbox'] = [1.0, 1.0, 5000.0, 5.0]


def set_visibility(p, d):
    p['keypoints'][2] = 3


def drop_joint(p, d):
    del p['keypoints'][-3:]


def set_number_for_joints(p, d):
    p['keypoints'] = 3


def move_joint(p, d):
    p['keypoints'][:3] = [-30, 5, 2]
    p['num_keypoints'] = sum(v > 0 for v in p['keypoints'][2::3])


def repeat_id(p, d):
    p['id'] = d['annotations'][0]['id']


def repeat_image(p, d):
    d['images'].append(copy.deepcopy(d['images'][0]))


def lose_image(p, d):
    p['image_id'] = 424242


def hide(p, d):
    p['keypoints'] = [0] * 51
    p['num_keypoints'] = 0


def miscount(p, d):
    p['num_keypoints'] += 1


def crowd(p, d):
    p['iscrowd'] = 1


def cross(p, d):
    p['bbox'] = [0.0, 0.0, 100.0, 100.0]
    for joint, x in ((SHOULDER, 80), (6, 20), (HIP, 20), (OTHER_HIP, 80)):
        p['keypoints'][3 * joint : 3 * joint + 3] = [x, 50, 2]
    p['num_keypoints'] = sum(v > 0 for v in p['keypoints'][2::3])


FAULTS = {
    set_area: 'areas of 0 or below',
    set_text_area: 'areas that are no number',
    set_nan_area: 'areas of NaN or infinity',
    set_huge: 'people with NaN or infinite keypoints',
    set_nan: 'people with NaN or infinite keypoints',
    set_nan_box: 'boxes with NaN or infinity',
    set_three_numbers: 'boxes that are not four numbers',
    set_flat_box: 'boxes of no size',
    move_box: 'boxes outside the image',
    widen_box: 'boxes partly outside the image',
    set_visibility: 'people with visibilities that are not 0, 1 or 2',
    set_number_for_joints: 'people whose number of keypoints is not 17',
    drop_joint: 'people whose number of keypoints is not 17',
    move_joint: 'labelled joints outside the image',
    repeat_id: 'duplicated annotation ids',
    repeat_image: 'duplicated image ids',
    lose_image: 'annotations of unknown images',
    hide: 'people without keypoints',
    miscount: 'people whose num_keypoints is not their number of labelled joints',
    crowd: 'crowd boxes',
    cross: 'people whose shoulders and hips are crossed',
}
HARMLESS = {widen_box, move_joint, hide, miscount, crowd, cross}


def test_sound_file_has_no_findings(data):
    assert found(data) == {}


@pytest.mark.parametrize('damage', FAULTS, ids=lambda damage: damage.__name__)
def test_fault_is_found(damage, data, tmp_path, capsys):
    person = data['annotations'][7]
    damage(person, data)
    assert found(data) == {FAULTS[damage]: 1}
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(data))
    assert main(['check-data', str(path)]) == (0 if damage in HARMLESS else 1)
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if FAULTS[damage] in line)
    assert line.split()[0] == ('note' if damage in HARMLESS else 'HARM')
    if damage is repeat_image:
        assert f'image {data["images"][0]["id"]}' in printed
    else:
        assert f'id {person["id"]}' in printed


@pytest.mark.parametrize('value', [[1], {}, None])
@pytest.mark.parametrize(
    'place', ['annotations.id', 'annotations.image_id', 'images.id']
)
def test_id_of_another_kind_is_named(place, value, data, tmp_path, capsys):
    name, field = place.split('.')
    data[name][2][field] = value
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(data))
    assert main(['check-data', str(path)]) == 2
    assert f'{name}[2].{field} is {value}' in capsys.readouterr().err


@pytest.mark.parametrize('categories', [None, 3, [1], [dict(keypoints=3)]])
def test_categories_of_another_kind_have_no_names(categories, data):
    data['categories'] = categories
    assert found(data, use=FileUse(is_evaluated=False)) == {}
    assert found(data) == {'files without the categories of their people': 1}


def test_file_whose_people_are_all_dropped_is_harmful(data):
    for person in data['annotations']:
        hide(person, data)
    assert found(data)['files without a person to train on'] == 1


def test_config_of_another_definition_is_named(data):
    names = list(data['categories'][0]['keypoints'])
    pairs = [(k, k + 1) for k in range(1, 17, 2)]
    assert found(data, num_keypoints=17, names=names, flip_pairs=pairs) == {}
    swapped = list(names)
    swapped[5], swapped[6] = swapped[6], swapped[5]
    assert found(data, names=swapped, flip_pairs=pairs) == {
        "joints whose name is not the config's": 2
    }
    wrong = [(1, 2), (3, 4), (5, 8), (6, 7), *pairs[4:]]
    assert found(data, names=names, flip_pairs=wrong) == {
        'flip pairs that are no left and right': 4
    }
    fewer = dict(names=names[:14], flip_pairs=pairs[:6])
    assert found(data, num_keypoints=14, **fewer) == {
        'people whose number of keypoints is not 14': 12
    }


def test_config_argument_compares_with_its_dataset(folder, tmp_path, capsys):
    path = str(folder / 'annotations/person_keypoints_train2017.json')
    configs = {17: 'coco.py', 14: 'crowdpose.py'}
    for count, name in configs.items():
        kind = 'CocoDataset' if count == 17 else 'CrowdPoseDataset'
        config = tmp_path / name
        config.write_text(f"train_dataloader = dict(dataset=dict(type='{kind}'))\n")
        code = main(['check-data', path, '--config', str(config)])
        assert code == (0 if count == 17 else 1)
        assert f'people whose number of keypoints is not {count}' in (
            capsys.readouterr().out
        )


def test_config_of_several_datasets_is_compared_with_the_files_own(
    folder, tmp_path, capsys
):
    path = str(folder / 'annotations/person_keypoints_train2017.json')
    config = tmp_path / 'both.py'
    text = (
        "a = dict(type='CrowdPoseDataset', ann_file='crowd.json')\n"
        "b = dict(type='CocoDataset', ann_file='annotations/{name}')\n"
        "train_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[a, b]))\n"
    )
    for name, count in (('person_keypoints_train2017.json', 17), ('other.json', 14)):
        config.write_text(text.format(name=name))
        code = main(['check-data', path, '--config', str(config)])
        assert code == (0 if count == 17 else 1)
        assert f'number of keypoints is not {count}' in capsys.readouterr().out


def test_reading_images_shows_how_far_it_is(folder, data, capsys, monkeypatch):
    arguments = [
        'check-data',
        str(folder / 'annotations/person_keypoints_train2017.json'),
        '--images',
        str(folder / 'train2017'),
        '--workers',
        '2',
    ]
    total = len(data['images'])
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert f'{total} images read in ' in printed.out
    assert printed.err.splitlines()[-1] == f'{total}/{total} images'
    monkeypatch.setattr('sys.stderr.isatty', lambda: True, raising=False)
    assert main(arguments) == 0
    assert f'[{"#" * 30}] {total}/{total} images' in capsys.readouterr().err


def test_image_faults_are_found(folder, data, tmp_path):
    images = data['images']
    names = [entry['file_name'] for entry in images]
    for name in names:
        (tmp_path / name).write_bytes((folder / 'train2017' / name).read_bytes())
    (tmp_path / names[0]).unlink()
    (tmp_path / names[1]).write_bytes(b'no image')
    whole = (tmp_path / names[2]).read_bytes()
    (tmp_path / names[2]).write_bytes(whole[:-100])
    images[3]['width'] += 10
    done = []
    findings = check_images(
        images, str(tmp_path), 2, lambda *numbers: done.append(numbers)
    )
    counts = {finding.name: finding.count for finding in findings}
    assert counts == {
        'missing images': 1,
        'unreadable images': 2,
        'images of another size than stated': 1,
        'images that their EXIF orientation turns': 0,
    }
    examples = [example for finding in findings for example in finding.examples]
    assert len(examples) == 4
    for example, name in zip(examples, names, strict=False):
        assert name in example
    assert 'cut off' in examples[2]
    assert done[-1] == (len(images), len(images))


@pytest.mark.parametrize(
    ('arguments', 'wanted'),
    [
        (['nowhere.json'], 'nowhere.json'),
        (['FILE', '--images', 'nowhere'], 'nowhere'),
        (['FILE', '--config', 'nowhere.py'], 'nowhere.py'),
        (['FILE', '--workers', '0'], '--workers 0'),
    ],
)
def test_wrong_arguments_exit_with_2(arguments, wanted, folder, capsys):
    path = str(folder / 'annotations/person_keypoints_train2017.json')
    code = main(['check-data', *(path if a == 'FILE' else a for a in arguments)])
    assert code == 2
    error = capsys.readouterr().err
    assert wanted in error
    assert 'Traceback' not in error


def test_a_tenth_of_coco_train_is_checked_in_a_tenth_of_30_seconds(data):
    """COCO train2017 has 118,287 images and 262,465 annotations of people."""
    images = [dict(data['images'][0], id=number) for number in range(11_829)]
    people = [
        dict(data['annotations'][number % 12], id=number, image_id=number % 11_829)
        for number in range(26_247)
    ]
    began = time.process_time()
    check_annotations(dict(data, images=images, annotations=people))
    assert time.process_time() - began < 3
