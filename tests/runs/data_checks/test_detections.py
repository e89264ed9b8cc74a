"""Detection files: how many boxes MMPose uses, and what it cannot use."""

import json

import numpy as np
import pytest

from gm_pose.__main__ import main
from gm_pose.runs.data_checks.detection_rules import (
    describe_use,
    find_detection_problems,
)
from gm_pose.runs.data_checks.detections import read_detections
from gm_pose.runs.user_errors import UserError

SIZE = dict(width=640, height=480)
DATA = dict(
    images=[dict(id=n, file_name=f'{n}.jpg', **SIZE) for n in (1, 2, 3)],
    categories=[dict(id=1, name='person')],
)
BOXES = [
    [400, 200, 200, 250],
    [20, 30, 100, 400],
    [300, 10, 90, 300],
    [200, 90, 50, 60],
]
NEVER = float('-inf')


def make_file() -> list[dict]:
    """Four people in images 1 and 2."""
    return [
        dict(image_id=1 + n % 2, category_id=1, bbox=list(map(float, box)), score=0.9)
        for n, box in enumerate(BOXES)
    ]


def change(field: str, convert, count: int = len(BOXES)) -> list[dict]:
    """The file with `convert` applied to a field of its first `count` entries."""
    boxes = make_file()
    for box in boxes[:count]:
        box[field] = convert(box[field])
    return boxes


def drop(field: str) -> list[dict]:
    boxes = make_file()
    del boxes[1][field]
    return boxes


def find(content, min_score: float = NEVER) -> str:
    """Content of a file -> all that is wrong with it, or ''."""
    try:
        people = read_detections(content, 'boxes.json')
    except UserError as error:
        return str(error)
    problems = find_detection_problems(people, DATA, 'boxes.json', 'a.json', min_score)
    return '\n'.join(map(str, problems))


def describe(content, min_score: float = NEVER) -> str:
    assert find(content, min_score) == ''
    return describe_use(read_detections(content, 'b.json'), DATA, 'b.json', min_score)


REFUSED = {
    'empty': ([], 'has no boxes'),
    'an object': (dict(annotations=make_file()), 'holds a dict'),
    'nested': ([make_file()], '[0] is'),
    'no score': (drop('score'), '[1] has no `score`'),
    'no box': (drop('bbox'), '[1] has no `bbox`'),
    'no category': (drop('category_id'), '[1] has no `category_id`'),
    'categories from 0': (change('category_id', lambda c: 0), 'in no box (4 have 0)'),
    'some from 0': (change('category_id', lambda c: 0, 2), 'is 0 in 2 of 4 boxes'),
    'categories as text': (change('category_id', str), "in no box (4 have '1')"),
    'foreign ids': (change('image_id', lambda i: i + 1000), 'a.json for 4 of 4 boxes'),
    'one foreign id': (change('image_id', lambda i: 77, 1), '1 of 4 boxes (first: 77)'),
    'ids as text': (change('image_id', str), "int(box['image_id']), here 1"),
    'ids as float': (change('image_id', float), "int(box['image_id']), here 1"),
    'file names as ids': (change('image_id', '{}.jpg'.format), '`id` of the image'),
    'lists as ids': (change('image_id', lambda i: [i]), 'expected a whole number'),
    'NaN score': (change('score', lambda s: float('nan')), '`score` is nan in 4 of 4'),
    'null score': (change('score', lambda s: None, 1), '`score` is nan in 1 of 4'),
    'word as score': (change('score', lambda s: 'high', 1), '[0].score is high'),
    'infinite box': (
        change('bbox', lambda b: [0, 0, float('inf'), 1], 1),
        '`bbox` is [0.0, 0.0, inf, 1.0] in 1 of 4 boxes (first: [0])',
    ),
    'float64 box': (change('bbox', lambda b: [0, 0, 1e300, 1], 1), 'in 1 of 4 boxes'),
    'three numbers': (change('bbox', lambda b: b[:3], 1), '[0].bbox is [400'),
    'text as box': (change('bbox', str, 1), '[0].bbox is [400'),
    'named box': (change('bbox', lambda b: dict(x=1), 1), 'expected x, y, width'),
    'corners': (
        change('bbox', lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]),
        'as corners x1, y1, x2, y2 they fit. Fix: write [x1, y1, x2 - x1, y2 - y1]',
    ),
    'centers': (
        change('bbox', lambda b: [b[0] + b[2] / 2, b[1] + b[3] / 2, b[2], b[3]]),
        'as center x, y, width, height they fit',
    ),
    'fractions': (
        change('bbox', lambda b: [b[0] / 640, b[1] / 480, b[2] / 640, b[3] / 480]),
        'fractions of the image',
    ),
    'no size': (
        change('bbox', lambda b: [b[0], b[1], 0, 0]),
        '0 or below in all boxes',
    ),
    'negative': (change('bbox', lambda b: [9, 9, -b[2], -b[3]]), '0 or below in all'),
    'elsewhere': (change('bbox', lambda b: [5000, *b[1:]]), 'lies outside the image'),
}


@pytest.mark.parametrize('name', REFUSED)
def test_file_that_cannot_be_used_is_refused(name):
    content, expected = REFUSED[name]
    text = find(content)
    assert expected in text
    assert 'Fix: ' in text
    assert 'boxes.json' in text


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (make_file(), 'b.json: 4 of 4 boxes are used, in 2 of 3 images'),
        (
            change('category_id', lambda c: 3, 1),
            '3 of 4 boxes are used, in 2 of 3 images; '
            '1 have category_id 3 (MMPose takes 1 for people)',
        ),
        (change('bbox', lambda b: [1, 1, 0, 0], 1), '1 of those used have no width or'),
        (change('bbox', lambda b: [1, 700, 9, 9], 1), '1 of those used lie outside'),
        (change('score', lambda s: -2.5), 'scores below 0 reverse the order'),
        (
            make_file() * 100,
            '400 of 400 boxes are used, in 2 of 3 images; COCO counts the 20 best',
        ),
    ],
)
def test_use_of_the_boxes_is_stated(content, expected):
    assert expected in describe(content)


@pytest.mark.parametrize(
    'content',
    [
        change('bbox', lambda b: [*b, 0.9]),
        change('bbox', lambda b: [str(v) for v in b]),
        change('score', str),
        change('score', lambda s: [s]),
        change('score', lambda s: 100 * s),
        change('category_id', float),
        [*make_file(), dict(category_id=18)],  # no other field of a dog is read
    ],
)
def test_what_mmpose_reads_is_accepted(content):
    assert ': 4 of ' in describe(content)


def test_boxes_below_the_score_threshold_do_not_count():
    content = change('score', lambda s: 0.1, 3)
    assert '1 of 4 boxes are used, in 1 of 3 images; 3 have a score below' in describe(
        content, 0.5
    )
    text = find(content, 0.95)
    assert 'is below filter_cfg.bbox_score_thr=0.95 in all boxes' in text
    assert 'the highest is 0.9. Fix: lower bbox_score_thr' in text


def test_category_0_is_accepted_where_the_annotations_have_it():
    content = change('category_id', lambda c: 0, 1)
    data = dict(DATA, categories=[dict(id=0, name='dog'), dict(id=1, name='person')])
    people = read_detections(content, 'b.json')
    assert find_detection_problems(people, data, 'b.json', 'a.json', NEVER) == []


@pytest.mark.parametrize('count', [1, 4, 16])
def test_boxes_of_a_detector_that_does_not_clip_are_accepted(count):
    boxes = make_file() * 5
    for box in boxes[:count]:
        box['bbox'] = [600.0, 10.0, 300.0, 200.0]
    assert find(boxes) == ''


def test_run_states_the_use_of_its_boxes(write_config, coco, tmp_path, capsys):
    """The line stands before the evaluation, and a refusal before any file."""
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from gm_pose.runs.checks.detection_files import check_detection_files
    from gm_pose.runs.checks.outline import read_outline

    init_default_scope('mmpose')
    source = coco / 'annotations' / 'person_keypoints_val2017.json'
    people = json.loads(source.read_text())['annotations']
    boxes = [
        dict(image_id=p['image_id'], category_id=1, bbox=p['bbox'], score=1.0)
        for p in people
    ]
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps([*boxes, dict(boxes[0], category_id=44)]))
    cfg = Config.fromfile(write_config())
    cfg.test_dataloader.dataset.bbox_file = str(path)
    outline = read_outline(cfg, ('test',))
    assert check_detection_files(outline) == []
    (note,) = outline.notes
    assert (
        f'11 of 12 boxes are used, in {len({p["image_id"] for p in people})} of' in note
    )
    assert '1 have category_id 44' in note


LAYOUTS = {
    'corners [x1, y1, x2, y2]': lambda x, y, w, h, W, H: [x, y, x + w, y + h],
    'center and size [cx, cy, w, h]': lambda x, y, w, h, W, H: [
        x + w / 2,
        y + h / 2,
        w,
        h,
    ],
    'columns, then rows [x1, x2, y1, y2]': lambda x, y, w, h, W, H: [
        x,
        x + w,
        y,
        y + h,
    ],
    'rows first [y, x, height, width]': lambda x, y, w, h, W, H: [y, x, h, w],
    'fractions of the image': lambda x, y, w, h, W, H: [x / W, y / H, w / W, h / H],
    'percent of the image': lambda x, y, w, h, W, H: [
        v / s * 100 for v, s in zip((x, y, w, h), (W, H, W, H), strict=True)
    ],
    'per mille of the image': lambda x, y, w, h, W, H: [
        v / s * 1000 for v, s in zip((x, y, w, h), (W, H, W, H), strict=True)
    ],
    'fractions of the image, center and size [cx, cy, w, h]': lambda x, y, w, h, W, H: [
        (x + w / 2) / W,
        (y + h / 2) / H,
        w / W,
        h / H,
    ],
}


def annotate() -> dict:
    people = [
        dict(id=n, image_id=box['image_id'], category_id=1, bbox=box['bbox'])
        for n, box in enumerate(make_file())
    ]
    return dict(DATA, annotations=people)


@pytest.mark.parametrize('name', LAYOUTS)
def test_layout_is_told_by_the_annotated_boxes_and_converted(name):
    boxes = change('bbox', lambda b: LAYOUTS[name](*b, *SIZE.values()))
    data = annotate()
    people = read_detections(boxes, 'b.json')
    (problem,) = find_detection_problems(people, data, 'b.json', 'a.json', NEVER)
    assert f'fits the annotated boxes as {name}. Fix: with `images`' in str(problem)
    lines = str(problem).partition('convert: ')[2]
    for line in lines.split('; then: '):
        exec(line, dict(data=boxes, images=data['images']))
    for box, other in zip(boxes, make_file(), strict=True):
        assert box['bbox'] == pytest.approx(other['bbox'])


@pytest.mark.parametrize(
    'name',
    [
        'columns, then rows [x1, x2, y1, y2]',
        'rows first [y, x, height, width]',
        'per mille of the image',
    ],
)
@pytest.mark.parametrize('size', [(640, 480), (480, 640)])
def test_layout_is_told_by_images_alone_and_converted(name, size):
    rng = np.random.default_rng(0)
    images = [dict(id=n, width=size[0], height=size[1]) for n in range(20)]
    part = rng.uniform(0.1, 0.5, (20, 2))
    boxes = np.c_[rng.uniform(0, 1, (20, 2)) * (1 - part), part] * np.tile(size, 2)
    good = [
        dict(image_id=n, category_id=1, bbox=b.tolist(), score=0.9)
        for n, b in enumerate(boxes)
    ]
    data = dict(images=images, categories=[dict(id=1)])
    people = read_detections(good, 'b.json')
    assert find_detection_problems(people, data, 'b.json', 'a.json', NEVER) == []
    other = [dict(b, bbox=LAYOUTS[name](*b['bbox'], *size)) for b in good]
    people = read_detections(other, 'b.json')
    (problem,) = find_detection_problems(people, data, 'b.json', 'a.json', NEVER)
    assert name in str(problem)
    exec(str(problem).partition('convert: ')[2], dict(data=other, images=images))
    for box, expected in zip(other, good, strict=True):
        assert box['bbox'] == pytest.approx(expected['bbox'])


@pytest.mark.parametrize('move', [1.0, 0.6, 1.8])
def test_boxes_of_a_poor_detector_are_accepted(move):
    boxes = change('bbox', lambda b: [b[0] - 9, b[1] + 9, b[2] * move, b[3] * move])
    people = read_detections(boxes, 'b.json')
    assert find_detection_problems(people, annotate(), 'b.json', 'a.json', NEVER) == []


def test_percent_are_told_without_annotations():
    boxes = change('bbox', lambda b: LAYOUTS['percent of the image'](*b, 640, 480)) * 3
    assert 'in all boxes: percent of the image. Fix: with `images`' in find(boxes)


@pytest.mark.parametrize(
    ('content', 'code', 'wanted'),
    [
        (make_file(), 0, '4 of 4 boxes are used, in 2 of 3 images'),
        (change('category_id', lambda c: 0), 1, 'HARM  '),
        (change('score', lambda s: 0.1, 2), 0, '4 of 4 boxes are used'),
        ([], 2, 'has no boxes'),
        ('{', 2, 'ends in the middle'),
    ],
)
def test_check_data_looks_at_boxes_without_a_run(
    content, code, wanted, tmp_path, capsys
):
    annotations, boxes = tmp_path / 'a.json', tmp_path / 'b.json'
    annotations.write_text(json.dumps(DATA))
    boxes.write_text(content if isinstance(content, str) else json.dumps(content))
    assert main(['check-data', str(annotations), '--boxes', str(boxes)]) == code
    output = capsys.readouterr()
    assert wanted in output.out + output.err
