import json

from studies.pack_photographs import merge_training_people


def write_dataset(folder, image_ids, annotations):
    (folder / 'annotations').mkdir(parents=True)
    content = dict(
        images=[dict(id=i, file_name=f'{i}.jpg', width=8, height=6) for i in image_ids],
        annotations=[dict(id=a, image_id=i, area=a) for a, i in annotations],
        categories=[dict(id=1, name='person')],
    )
    path = folder / 'annotations' / 'person_keypoints_train2017.json'
    path.write_text(json.dumps(content))


def test_people_of_both_keep_their_image_and_ids_are_unique(tmp_path):
    write_dataset(tmp_path / 'a', [7, 3], [(1, 3), (2, 7), (3, 7)])
    write_dataset(tmp_path / 'b', [3], [(1, 3)])
    merge_training_people(['a', 'b'], tmp_path, 'both')
    path = tmp_path / 'both' / 'annotations' / 'person_keypoints_train2017.json'
    merged = json.loads(path.read_text())
    names = {image['id']: image['file_name'] for image in merged['images']}
    assert sorted(names.values()) == [
        'a/train2017/3.jpg',
        'a/train2017/7.jpg',
        'b/train2017/3.jpg',
    ]
    people = [(a['area'], names[a['image_id']]) for a in merged['annotations']]
    assert people == [
        (1, 'a/train2017/3.jpg'),
        (2, 'a/train2017/7.jpg'),
        (3, 'a/train2017/7.jpg'),
        (1, 'b/train2017/3.jpg'),
    ]
    assert len({a['id'] for a in merged['annotations']}) == 4
