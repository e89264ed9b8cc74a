"""Coordinates of another unit or order are named; the line printed converts them."""

import json

import pytest

from gm_pose.runs.data_checks import AnnotationTable, check_annotations
from gm_pose.runs.data_checks.rules import find_refusal

FORMAT = 'coordinates that look like another format'
SOME = 'people whose coordinates look like another format'
BOXES = {
    'corners [x1, y1, x2, y2]': lambda x, y, w, h: [x, y, x + w, y + h],
    'corners, rows first [y1, x1, y2, x2]': lambda x, y, w, h: [y, x, y + h, x + w],
    'center and size [cx, cy, w, h]': lambda x, y, w, h: [x + w / 2, y + h / 2, w, h],
    'rows first [y, x, height, width]': lambda x, y, w, h: [y, x, h, w],
    'columns, then rows [x1, x2, y1, y2]': lambda x, y, w, h: [x, x + w, y, y + h],
    'rows, then columns [y1, y2, x1, x2]': lambda x, y, w, h: [y, y + h, x, x + w],
    'sides from the top, clockwise [y1, x2, y2, x1]': lambda x, y, w, h: [
        y,
        x + w,
        y + h,
        x,
    ],
    'center and size, rows first [cy, cx, h, w]': lambda x, y, w, h: [
        y + h / 2,
        x + w / 2,
        h,
        w,
    ],
}
JOINTS = {  # of a joint, its box, and the image's size
    'px from the corner of their box': lambda x, y, b, s: (x - b[0], y - b[1]),
    'px from the center of their box': lambda x, y, b, s: (
        x - b[0] - b[2] / 2,
        y - b[1] - b[3] / 2,
    ),
    'fractions of their box': lambda x, y, b, s: (
        (x - b[0]) / b[2],
        (y - b[1]) / b[3],
    ),
    'percent of their box': lambda x, y, b, s: (
        (x - b[0]) / b[2] * 100,
        (y - b[1]) / b[3] * 100,
    ),
    'fractions from -1 to 1': lambda x, y, b, s: (
        2 * x / s[0] - 1,
        2 * y / s[1] - 1,
    ),
    'rows counted from the lower edge of the image': lambda x, y, b, s: (x, s[1] - y),
}


def harm(data) -> dict[str, list[str]]:
    findings = check_annotations(data)
    return {f.name: f.examples for f in findings if f.harmful and f.count}


def get_size(data, person):
    image = next(i for i in data['images'] if i['id'] == person['image_id'])
    return image['width'], image['height']


def scale(data, full, joints=True, boxes=True, every=1):
    for person in data['annotations'][::every]:
        w, h = get_size(data, person)
        row = person['keypoints']
        if joints:
            row[::3] = [x / w * full for x in row[::3]]
            row[1::3] = [y / h * full for y in row[1::3]]
        if boxes:
            sides = zip(person['bbox'], (w, h, w, h), strict=True)
            person['bbox'] = [v / s * full for v, s in sides]
            person['area'] *= full**2 / (w * h)


def change_boxes(data, function, every=1):
    for person in data['annotations'][::every]:
        person['bbox'] = function(*person['bbox'])


def convert(data):
    """Run the lines that the check prints until it prints none."""
    for _ in range(3):
        found = harm(data).get(FORMAT)
        if not found:
            return
        exec(found[0].partition('convert: ')[2], dict(data=data))


def assert_like(data, good):
    for person, other in zip(data['annotations'], good['annotations'], strict=True):
        for field in ('bbox', 'keypoints'):
            assert person[field] == pytest.approx(other[field], abs=1e-6)


@pytest.fixture
def good(people):
    import copy

    return copy.deepcopy(people)


@pytest.mark.parametrize('name', BOXES)
def test_boxes_of_another_order_are_named_and_converted(name, people, good):
    change_boxes(people, BOXES[name])
    assert f'boxes look like {name}; ' in harm(people)[FORMAT][0]
    convert(people)
    assert_like(people, good)
    assert harm(people) == {}


@pytest.mark.parametrize('full', [1, 100])
@pytest.mark.parametrize('fields', [('joints',), ('boxes',), ('joints', 'boxes')])
def test_fractions_and_percent_are_named_and_converted(full, fields, people, good):
    scale(people, full, **{f: f in fields for f in ('joints', 'boxes')})
    unit = 'fractions' if full == 1 else 'percent'
    found = harm(people)[FORMAT]
    assert len(found) == len(fields)
    for text, field in zip(found, fields, strict=True):
        assert f'{field} look like {unit} of the image; ' in text
    convert(people)
    assert_like(people, good)
    assert harm(people) == {}


@pytest.mark.parametrize('name', JOINTS)
def test_joints_of_another_origin_are_named_and_converted(name, people, good):
    for person in people['annotations']:
        row, size = person['keypoints'], get_size(people, person)
        for k in range(0, len(row), 3):
            row[k : k + 2] = JOINTS[name](*row[k : k + 2], person['bbox'], size)
    assert f'joints look like {name}; ' in harm(people)[FORMAT][0]
    convert(people)
    assert_like(people, good)
    assert harm(people) == {}


@pytest.mark.parametrize('padding', [1, 1.25])
@pytest.mark.parametrize('size', [(192, 256), (288, 384)])
def test_joints_of_resized_crops_are_named(size, padding, people):
    """As a network sees them, of people of three sizes."""
    for image in people['images']:
        image.update(width=3 * image['width'], height=3 * image['height'])
    for n, person in enumerate(people['annotations']):
        x, y, w, h = person['bbox'] = [v * (1 + n % 3) for v in person['bbox']]
        person['area'] *= (1 + n % 3) ** 2
        grown = max(w, h * 0.75) * padding, max(h, w / 0.75) * padding
        row = person['keypoints']
        for axis, (center, side, full) in enumerate(
            zip((x + w / 2, y + h / 2), grown, size, strict=True)
        ):
            points = [v * (1 + n % 3) - center + side / 2 for v in row[axis::3]]
            row[axis::3] = [v / side * full for v in points]
    (text,) = harm(people)[FORMAT]
    assert 'joints look like px of crops of the boxes' in text
    assert 'convert' not in text


@pytest.mark.parametrize('times', [1, 6])
@pytest.mark.parametrize('boxes', [False, True])
def test_per_mille_are_told_from_px(times, boxes, people, good):
    """In smaller images px would leave them, in larger ones end far from their edges."""
    for data in (people, good):
        for image in data['images']:
            image['width'] *= times
            image['height'] *= times
    for person in good['annotations']:
        for field in ('keypoints', 'bbox'):
            step = 3 if field == 'keypoints' else 4
            row = person[field]
            for k in range(len(row)):
                row[k] *= 1 if step == 3 and k % 3 == 2 else times
        person['area'] *= times**2
    assert harm(good) == {}  # also where they are as large as per mille
    people['annotations'] = json.loads(json.dumps(good['annotations']))
    scale(people, 1000, boxes=boxes)
    found = harm(people)[FORMAT]
    assert 'joints look like per mille of the image; ' in found[0]
    convert(people)
    assert_like(people, good)
    assert harm(people) == {}


def test_people_on_their_heads_are_noted(people):
    """A camera may hang so: joints and boxes agree."""
    for person in people['annotations']:
        height = get_size(people, person)[1]
        person['keypoints'][1::3] = [height - y for y in person['keypoints'][1::3]]
        x, y, w, h = person['bbox']
        person['bbox'] = [x, height - y - h, w, h]
    assert harm(people) == {}
    notes = {f.name for f in check_annotations(people) if f.count}
    assert 'files whose people stand on their heads' in notes


def test_fractions_with_centers_are_named_and_converted(people, good):
    change_boxes(people, BOXES['center and size [cx, cy, w, h]'])
    scale(people, 1)
    assert len(harm(people)[FORMAT]) == 3
    convert(people)
    assert_like(people, good)


def test_swapped_joints_are_named_and_converted(people, good):
    for person in people['annotations']:
        row = person['keypoints']
        row[::3], row[1::3] = row[1::3], row[::3]
    assert 'joints look like rows first [y, x, visibility]' in harm(people)[FORMAT][0]
    convert(people)
    assert_like(people, good)


@pytest.mark.parametrize('every', [2, 3])
def test_some_people_of_another_format_are_counted(every, people):
    scale(people, 1, every=every)
    assert len(harm(people)[SOME]) == min(5, len(people['annotations'][::every]))


def test_corners_in_every_second_person_are_found(people):
    change_boxes(people, BOXES['corners [x1, y1, x2, y2]'], every=2)
    found = harm(people)
    assert SOME in found
    assert FORMAT not in found


def test_boxes_of_other_people_are_found(people):
    boxes = [person['bbox'] for person in people['annotations']]
    for person, box in zip(people['annotations'], boxes[5:] + boxes[:5], strict=True):
        person['bbox'] = box
    found = harm(people)
    assert 'people lie outside their boxes' in str(found.get(FORMAT)) or (
        'people whose joints are outside their box' in found
    )


def test_joints_of_images_of_another_size_are_found(people):
    for image in people['images']:
        image['width'] //= 2
        image['height'] //= 2
    assert 'files whose joints are outside their images' in harm(people)


def keep_face(person):
    person['keypoints'][15:] = [0] * 36
    person['num_keypoints'] = sum(v > 0 for v in person['keypoints'][2::3])


def test_good_data_of_other_habits_is_not_harmful(people, good):
    habits = {
        'loose': lambda x, y, w, h: [x - 0.3 * w, y - 0.3 * h, 1.6 * w, 1.6 * h],
        'tight': lambda x, y, w, h: [x + 0.1 * w, y + 0.1 * h, 0.8 * w, 0.8 * h],
        'whole': lambda x, y, w, h: [int(x), int(y), int(w), int(h)],
    }
    for habit in habits.values():
        for person, other in zip(
            people['annotations'], good['annotations'], strict=True
        ):
            person['bbox'] = habit(*other['bbox'])
        assert harm(people) == {}
    for person in people['annotations']:
        person['bbox'] = [0, 0, *get_size(people, person)]
    assert harm(people) == {}


def test_faces_and_one_person_are_not_harmful(good):
    for person in good['annotations']:
        keep_face(person)
    good['annotations'] = [p for p in good['annotations'] if p['num_keypoints']]
    assert harm(good) == {}
    del good['annotations'][1:]
    assert harm(good) == {}


def test_run_on_corners_is_refused_with_the_line_that_converts(people):
    table = AnnotationTable(people, 17, ('keypoints', 'bbox'))
    assert find_refusal(table, 'a.json') is None
    change_boxes(people, BOXES['corners [x1, y1, x2, y2]'])
    table = AnnotationTable(people, 17, ('keypoints', 'bbox'))
    text = str(find_refusal(table, 'a.json'))
    assert text.startswith('a.json is in another format: boxes look like corners')
    assert "a['bbox'] = [x, y, right - x, bottom - y]" in text
