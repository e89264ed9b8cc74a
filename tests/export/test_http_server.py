"""The HTTP example: good images, and every kind of bad input."""

import asyncio
import importlib.util
import json
import re
import struct
import zlib
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from tiny_models import make_samples

EXAMPLE = Path(__file__).parents[2] / 'examples' / 'http_server'


def load_app(model: str) -> ModuleType:
    """The example's module, as uvicorn imports it."""
    pytest.importorskip('fastapi')
    spec = importlib.util.spec_from_file_location('http_server', EXAMPLE / 'app.py')
    app = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('MODEL', model)
        spec.loader.exec_module(app)
    return app


@pytest.fixture(scope='module')
def client(onnx_file):
    testclient = pytest.importorskip('fastapi.testclient')
    app = load_app(onnx_file)
    client = testclient.TestClient(app.app)
    client.app_globals = vars(app)
    return client


def encode(image: np.ndarray, suffix: str = '.jpg') -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


def post(client, body: bytes, boxes: str | None = None, kind: str = 'image/jpeg'):
    params = {} if boxes is None else {'boxes': boxes}
    headers = {'Content-Type': kind} if kind else {}
    return client.post('/poses', content=body, params=params, headers=headers)


def test_people_are_coco_results(client):
    sample = make_samples()[0]
    boxes = json.dumps(sample.boxes_px.tolist())
    answer = post(client, encode(sample.image), boxes)
    assert answer.status_code == 200
    people = answer.json()
    assert len(people) == len(sample.boxes_px)
    assert all(len(person['keypoints']) == 17 * 3 for person in people)
    assert people[0]['bbox'][:2] == pytest.approx(sample.boxes_px[0, :2].tolist())


def test_the_whole_image_is_the_default_and_nobody_is_an_answer(client):
    image = make_samples()[0].image
    h, w = image.shape[:2]
    (person,) = post(client, encode(image)).json()
    assert person['bbox'] == [0, 0, w, h]
    nobody = post(client, encode(image), '[]')
    assert (nobody.status_code, nobody.json()) == (200, [])


@pytest.mark.parametrize('kind', ['grey', '16 bits', 'alpha', 'CMYK'])
def test_other_kinds_of_images_are_converted(client, kind):
    image = make_samples()[0].image
    if kind == 'CMYK':
        from io import BytesIO

        from PIL import Image

        file = BytesIO()
        Image.fromarray(image).convert('CMYK').save(file, 'JPEG')
        answer = post(client, file.getvalue())
    else:
        image = {
            'grey': image[..., 0],
            '16 bits': image.astype(np.uint16) * 257,
            'alpha': np.dstack([image, image[..., :1]]),
        }[kind]
        answer = post(client, encode(image, '.png'), kind='image/png')
    assert answer.status_code == 200
    assert len(answer.json()) == 1


def make_huge_png() -> bytes:
    """A header of 60000 x 60000 px, in 100 bytes."""
    chunks = b''
    header = struct.pack('>IIBBBBB', 60000, 60000, 8, 2, 0, 0, 0)
    for kind, data in (
        (b'IHDR', header),
        (b'IDAT', zlib.compress(b'0')),
        (b'IEND', b''),
    ):
        checksum = zlib.crc32(kind + data)
        chunks += (
            struct.pack('>I', len(data)) + kind + data + struct.pack('>I', checksum)
        )
    return b'\x89PNG\r\n\x1a\n' + chunks


PHOTO = encode(make_samples()[0].image)


@pytest.mark.parametrize(
    ('body', 'kind', 'status', 'text'),
    [
        (PHOTO[: len(PHOTO) // 2], 'image/jpeg', 422, 'cannot be decoded'),
        (b'', 'image/jpeg', 422, 'no JPEG or PNG'),
        (b'no image at all', 'image/jpeg', 422, 'no JPEG or PNG'),
        (encode(np.zeros((9, 9, 3), np.uint8), '.bmp'), 'image/png', 422, 'no JPEG'),
        (make_huge_png(), 'image/png', 422, 'pixels'),
        (bytes(10_000_001), 'image/jpeg', 413, 'more than 10000000 bytes'),
        (PHOTO, 'text/html', 415, "Content-Type is 'text/html'"),
        (PHOTO, '', 415, "Content-Type is ''"),
    ],
)
def test_bad_bodies(client, body, kind, status, text):
    answer = post(client, body, kind=kind)
    assert answer.status_code == status
    assert text in answer.json()['detail']


@pytest.mark.parametrize('end', ['disconnects', 'stalls'])
def test_an_upload_that_does_not_end_is_no_error_of_the_server(client, end):
    """Neither a traceback in the log nor a request that SIGTERM would wait for."""
    app, sent = client.app, []

    async def receive():
        if end == 'disconnects':
            return {'type': 'http.disconnect'}
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    scope = dict(
        type='http',
        method='POST',
        path='/poses',
        query_string=b'',
        headers=[(b'content-type', b'image/jpeg')],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(client.app_globals, 'MAX_SECONDS', 0.01)
        asyncio.run(app(scope, receive, send))
    assert sent[0]['status'] == 408


def test_a_missing_model_is_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        load_app('nowhere.onnx')
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('gm_pose: error: nowhere.onnx does not exist')


@pytest.mark.parametrize(
    ('boxes', 'status', 'text'),
    [
        ('[[10, 10, 10, 50]]', 422, 'without width or height'),
        ('[[30, 10, 10, 50]]', 422, 'without width or height'),
        ('[[9000, 10, 9900, 50]]', 422, 'outside'),
        ('[[NaN, 0, 5, 5]]', 422, 'without width or height'),
        ('[[1e300, 0, 1e301, 5]]', 422, 'without width or height'),
        ('[["1", "2", "30", "40"]]', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('[[null, 0, 5, 5]]', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('[[true, false, true, true]]', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('[[]]', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('[[1, 2, 3]]', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('[1, 2, 3, 4]', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('{"a": 1}', 422, 'expected [[x1, y1, x2, y2], ...]'),
        (f'[[{10**400}, 0, 5, 5]]', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('5', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('[[[1, 2, 3, 4]]]', 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('no json', 422, 'expected [[x1, y1, x2, y2], ...]'),
        (json.dumps([[0, 0, 9, 9]] * 51), 413, '51 boxes; expected at most 50'),
        ('[' * 9000, 422, 'expected [[x1, y1, x2, y2], ...]'),
        ('1' * 10_001, 422, 'at most 10000 characters'),
    ],
)
def test_bad_boxes(client, boxes, status, text):
    answer = post(client, PHOTO, boxes)
    assert answer.status_code == status
    assert text in json.dumps(answer.json())


def test_the_example_is_as_short_as_its_page_says():
    page = (EXAMPLE.parents[1] / 'docs' / 'deploy.md').read_text(encoding='utf-8')
    (lines,) = re.findall(r'a server of (\d+) lines', page)
    assert len((EXAMPLE / 'app.py').read_text().splitlines()) <= int(lines)
