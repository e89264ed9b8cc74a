import random

import pytest

from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.data_parts import count_people, split_annotations

SHARES = dict(train=0.7, choose=0.15, report=0.15)


def make(num_images=40, image_fields=None, **fields):
    """One person an image; `fields`: name to function of the image's id."""
    return dict(
        images=[
            dict(id=n, **{k: f(n) for k, f in (image_fields or {}).items()})
            for n in range(num_images)
        ],
        annotations=[
            dict(
                id=n,
                image_id=n,
                keypoints=[1, 1, 2],
                **{k: f(n) for k, f in fields.items()},
            )
            for n in range(num_images)
        ],
        categories=[dict(id=1)],
    )


def split(content, seed=0):
    return split_annotations(content, SHARES, seed, 'people.json')


def list_images(parts):
    return {name: {i['id'] for i in part['images']} for name, part in parts.items()}


def test_parts_are_disjoint_whole_and_of_their_shares():
    found = split(make())
    images = list_images(found.parts)
    assert set().union(*images.values()) == set(range(40))
    assert {name: len(ids) for name, ids in images.items()} == dict(
        train=28, choose=6, report=6
    )
    for part in found.parts.values():
        assert {a['image_id'] for a in part['annotations']} == {
            i['id'] for i in part['images']
        }
        assert part['categories'] == [dict(id=1)]
    assert found.kept_together == ()


def test_split_depends_on_the_seed_and_not_on_the_order_of_the_file():
    content, mixed = make(), make()
    for entries in (mixed['images'], mixed['annotations']):
        random.Random(3).shuffle(entries)
    assert list_images(split(content).parts) == list_images(split(mixed).parts)
    assert list_images(split(content, 1).parts) != list_images(split(content).parts)


@pytest.mark.parametrize('key', ['person_id', 'subject_id'])
def test_images_of_a_person_stay_together(key):
    found = split(make(**{key: lambda n: n % 13}))
    assert found.kept_together == (key,)
    assert found.num_groups == 13
    people = [{n % 13 for n in ids} for ids in list_images(found.parts).values()]
    assert sum(map(len, people)) == 13


def test_images_of_a_recording_stay_together_with_those_of_its_people():
    # videos of two images each; person 0 is in videos 0 and 5
    found = split(
        make(
            image_fields=dict(vid_id=lambda n: n // 2),
            person_id=lambda n: 0 if n in (0, 11) else None,
        )
    )
    assert found.kept_together == ('person_id', 'vid_id')
    assert found.num_groups == 19
    for ids in list_images(found.parts).values():
        assert {n ^ 1 for n in ids} == ids
        assert (0 in ids) == (11 in ids)


def test_shares_are_of_people_and_crowds_and_unlabelled_ones_do_not_count():
    content = make()
    for annotation in content['annotations'][:10]:
        annotation['iscrowd'] = 1
    for annotation in content['annotations'][10:20]:
        annotation['keypoints'] = [0, 0, 0]
    counts = {n: count_people(p) for n, p in split(content).parts.items()}
    assert counts == dict(train=14, choose=3, report=3)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (
            make(6),
            r'people.json has 6 people in 6 groups .* part to choose would have 1',
        ),
        (
            make(person_id=lambda n: 0),
            r'in 1 groups of images; the part to choose .* 0',
        ),
        (dict(images=[]), r'has no `images` and `annotations`'),
    ],
)
def test_too_few_people_are_refused(content, message):
    with pytest.raises(UserError, match=message):
        split(content)
