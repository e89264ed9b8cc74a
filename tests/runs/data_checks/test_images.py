"""The decoder that MMPose uses decides what is an image, within the pixel limit."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from gm_pose.__main__ import main
from gm_pose.runs.data_checks import AnnotationTable, check_images
from gm_pose.runs.data_checks.image_header import find_size
from gm_pose.runs.data_checks.turned_joints import compare_with_turns
from gm_pose.runs.data_checks.unreadable_image import (
    UnreadableImage,
    check_image_content,
    check_image_header,
)

W, H = 64, 48
TURNED = 'images that their EXIF orientation turns'
SIZE = 'images of another size than stated'


@pytest.fixture
def pixels():
    corner = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(corner, (W, H), interpolation=cv2.INTER_CUBIC)


def count(folder, names, size=(W, H)) -> dict[str, int]:
    entries = [dict(file_name=n, width=size[0], height=size[1]) for n in names]
    return {f.name: f.count for f in check_images(entries, str(folder), 1) if f.count}


def write_texts(path, pixels, texts):
    info = PngImagePlugin.PngInfo()
    for n, text in enumerate(texts):
        info.add_text(f'k{n}', text, zip=True)
    Image.fromarray(pixels[..., ::-1]).save(path, pnginfo=info)


def write_readable(folder, pixels):
    rgb = Image.fromarray(pixels[..., ::-1])
    jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
    film = b'\0\0\0\x18ftypmp42' + bytes(range(256)) * 1000
    (folder / 'film.jpg').write_bytes(jpeg + film)
    (folder / 'two.jpg').write_bytes(jpeg + jpeg[: len(jpeg) // 2])
    rgb.save(folder / 'progressive.jpg', progressive=True)
    rgb.convert('CMYK').save(folder / 'cmyk.jpg')
    rgb.convert('L').save(folder / 'grey.jpg')
    rgb.convert('P').save(folder / 'palette.png')
    rgb.convert('RGBA').save(folder / 'alpha.png')
    write_texts(folder / 'text.png', pixels, ['x' * 3_000_000])
    write_texts(folder / 'texts.png', pixels, ['y' * 900_000] * 80)
    cv2.imwrite(str(folder / 'deep.png'), pixels.astype(np.uint16) * 257)
    floats = pixels.astype(np.float32) / 255
    for name in ('float.tiff', 'light.hdr', 'map.pfm', 'arbitrary.pam', 'web.webp'):
        is_float = name in ('float.tiff', 'light.hdr', 'map.pfm')
        assert cv2.imwrite(str(folder / name), floats if is_float else pixels)
    (folder / 'jpeg.png').write_bytes(jpeg)
    return sorted(path.name for path in folder.iterdir())


def test_what_opencv_reads_is_readable(pixels, tmp_path):
    from gm_pose.runs.loading import LoadReadableImage

    names = write_readable(tmp_path, pixels)
    assert len(names) == 16
    assert count(tmp_path, names) == {}
    for name in names:
        path = str(tmp_path / name)
        assert LoadReadableImage().transform(dict(img_path=path))['img'].shape == (
            H,
            W,
            3,
        )
        assert check_image_header(path) == (W, H)


def test_what_opencv_does_not_read_is_unreadable(pixels, tmp_path):
    jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
    png = cv2.imencode('.png', pixels)[1].tobytes()
    contents = {
        'cut.jpg': jpeg[: len(jpeg) // 2],
        'cut.png': png[: len(png) // 2],
        'page.jpg': b'<html></html>',
        'empty.jpg': b'',
        'short.png': png[:20],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    Image.fromarray(pixels).save(tmp_path / 'graphics.gif')
    doubles = tmp_path / 'double.tiff'
    if cv2.imwrite(str(doubles), pixels.astype(np.float64)):
        contents['double.tiff'] = b''
    names = [*contents, 'graphics.gif']
    unread = [n for n in names if cv2.imread(str(tmp_path / n)) is None]
    assert set(unread) >= {'cut.png', 'page.jpg', 'empty.jpg', 'short.png'}
    # OpenCV fills a cut JPEG with grey, or refuses it: by version.
    bad = [n for n in names if n == 'cut.jpg' or n in unread]
    assert count(tmp_path, bad) == {'unreadable images': len(bad)}


def write_claims(folder, width, height):
    """Headers of formats that Pillow does not open, claiming any size."""
    tags = b''.join(
        struct.pack('<HHII', tag, 4, 1, n) for tag, n in ((256, width), (257, height))
    )
    contents = {
        'a.hdr': f'#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n',
        'a.pam': f'P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 3\nMAXVAL 255\nENDHDR\n',
        'a.pfm': f'PF\n{width} {height}\n-1.0\n',
    }
    for name, text in contents.items():
        (folder / name).write_text(text)
    (folder / 'a.tiff').write_bytes(struct.pack('<2sHIH', b'II', 42, 8, 2) + tags)
    return [*contents, 'a.tiff']


def test_header_of_any_format_that_claims_too_much_is_refused(tmp_path):
    for name in write_claims(tmp_path, 40_000, 25_000):
        with pytest.raises(UnreadableImage, match='40000 x 25000 pixels'):
            check_image_header(str(tmp_path / name))


def judge(check, *arguments) -> str | None:
    try:
        check(*arguments)
    except UnreadableImage as error:
        return str(error)
    return None


def insert(jpeg: bytes, segment: bytes) -> bytes:
    return jpeg[:2] + segment + jpeg[2:]


def test_verdict_on_content_is_that_on_the_file(pixels, tmp_path, monkeypatch):
    names = write_readable(tmp_path, pixels) + write_claims(tmp_path, 40_000, 25_000)
    write_turned(tmp_path / 'turned.jpg', pixels, 6)
    jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
    png = cv2.imencode('.png', pixels)[1].tobytes()
    frame = jpeg.index(b'\xff\xc0')
    contents = {
        'cut.jpg': jpeg[: len(jpeg) // 2],
        'start.jpg': jpeg[: frame + 6],
        'two_bytes.jpg': jpeg[:2],
        'filled.jpg': insert(jpeg, b'\xff' * 7),
        'garbage.jpg': insert(jpeg, b'\0' * 7),
        'no_length.jpg': insert(jpeg, b'\xff\xe1\0\0'),
        'thumbnail.jpg': insert(jpeg, struct.pack('>HH', 0xFFE1, len(jpeg) + 2) + jpeg),
        'no_height.jpg': jpeg[: frame + 5] + b'\0\0' + jpeg[frame + 7 :],
        'huge.jpg': jpeg[: frame + 5] + b'\xff' * 4 + jpeg[frame + 9 :],
        'large.jpg': jpeg[: frame + 5] + b'\x27\x10\x2e\xe0' + jpeg[frame + 9 :],
        'huge.png': png[:16] + b'\x7f' * 8 + png[24:],
        'large.png': png[:16] + struct.pack('>II', 12_000, 10_000) + png[24:],
        'no_header.png': png[:12] + b'IDAT' + png[16:],
        'short.png': png[:20],
        'empty.jpg': b'',
        'page.jpg': b'<html></html>',
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    refused = 0
    for name in [*names, 'turned.jpg', *contents]:
        path, content = str(tmp_path / name), (tmp_path / name).read_bytes()
        wanted = judge(check_image_header, path)
        assert judge(check_image_content, path, content) == wanted, name
        refused += wanted is not None
        for max_pixels in (W * H - 1, 2**62):
            assert judge(check_image_content, path, content, max_pixels) == judge(
                check_image_header, path, max_pixels
            ), name
    assert refused > 8

    def refuse(path, max_pixels):
        raise AssertionError(f'{path} was opened again')

    monkeypatch.setattr(
        'gm_pose.runs.data_checks.unreadable_image.check_image_header', refuse
    )
    for name in ('film.jpg', 'progressive.jpg', 'cmyk.jpg', 'texts.png', 'turned.jpg'):
        check_image_content(str(tmp_path / name), (tmp_path / name).read_bytes())


def test_size_is_the_frames_and_not_the_thumbnails(pixels):
    jpeg = cv2.imencode('.jpg', pixels)[1].tobytes()
    small = cv2.imencode('.jpg', pixels[:8, :8])[1].tobytes()
    segment = struct.pack('>HH', 0xFFE1, len(small) + 2) + small
    assert find_size(insert(jpeg, segment)) == (W, H)


@pytest.mark.parametrize('color_type', ['color', 'grayscale', 'unchanged'])
@pytest.mark.parametrize('to_float32', [False, True])
def test_loaded_image_is_mmposes(color_type, to_float32, pixels, tmp_path):
    from mmpose.datasets.transforms import LoadImage

    from gm_pose.runs.loading import LoadReadableImage

    names = write_readable(tmp_path, pixels)
    write_turned(tmp_path / 'turned.jpg', pixels, 6)
    settings = dict(color_type=color_type, to_float32=to_float32)
    for name in [*names, 'turned.jpg']:
        path = str(tmp_path / name)
        wanted = LoadImage(**settings).transform(dict(img_path=path))
        found = LoadReadableImage(**settings).transform(dict(img_path=path))
        assert found.keys() == wanted.keys()
        assert found['img'].dtype == wanted['img'].dtype
        np.testing.assert_array_equal(found['img'], wanted['img'])
        assert found['img_shape'] == wanted['img_shape']
        assert found['ori_shape'] == wanted['ori_shape']


def test_error_text_when_an_image_cannot_be_loaded(pixels, tmp_path):
    from gm_pose.runs.loading import LoadReadableImage

    png = cv2.imencode('.png', pixels)[1].tobytes()
    (tmp_path / 'cut.png').write_bytes(png[: len(png) // 2])
    (tmp_path / 'empty.jpg').write_bytes(b'')
    for name, reason in {
        'cut.png': rf'cannot be decoded \({len(png) // 2} bytes\)',
        'empty.jpg': 'an empty file',
        'none.jpg': 'no such file',
        '.': 'Is a directory',
    }.items():
        path = str(tmp_path / name)
        with pytest.raises(UnreadableImage, match=f'{name}: .*{reason}'):
            LoadReadableImage().transform(dict(img_path=path))


def write_turned(path, pixels, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels[..., ::-1]).save(path, exif=exif)


def test_size_is_that_of_the_turned_image(pixels, tmp_path):
    write_turned(tmp_path / 'a.jpg', pixels, 6)
    assert count(tmp_path, ['a.jpg']) == {SIZE: 1, TURNED: 1}
    assert count(tmp_path, ['a.jpg'], (H, W)) == {TURNED: 1}


@pytest.mark.parametrize('orientation', range(2, 9))
def test_turn_that_keeps_the_size_is_counted(orientation, pixels, tmp_path):
    square = pixels[:, :H]
    write_turned(tmp_path / 'a.jpg', square, orientation)
    write_turned(tmp_path / 'b.jpg', square, 1)
    assert count(tmp_path, ['a.jpg', 'b.jpg'], (H, H)) == {TURNED: 1}


def test_turn_is_harmful_where_sizes_are_those_before_it(pixels, tmp_path):
    write_turned(tmp_path / 'a.jpg', pixels, 3)
    write_turned(tmp_path / 'b.jpg', pixels, 8)
    entries = [dict(file_name=n, width=W, height=H) for n in ('a.jpg', 'b.jpg')]
    for names, is_harmful in ((entries[:1], False), (entries, True)):
        (turned,) = (
            f for f in check_images(names, str(tmp_path), 1) if f.name == TURNED
        )
        assert turned.count == len(names)
        assert turned.harmful == is_harmful
        assert 'orientation 3' in turned.examples[0]


def test_verdict_names_the_condition_of_turned_images(
    checked_folder, people, tmp_path, capsys
):
    import json

    path, images = tmp_path / 'a.json', tmp_path / 'images'
    images.mkdir()
    for entry in people['images']:
        array = cv2.imread(str(checked_folder / 'train2017' / entry['file_name']))
        write_turned(images / entry['file_name'], array, 3)
    path.write_text(json.dumps(people))
    assert main(['check-data', str(path), '--images', str(images)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert (
        f'if joints fit the {len(people["images"])} images as EXIF turns them' in last
    )


@pytest.mark.parametrize(
    'name',
    [
        '..\\label\\a.jpg',
        'images/a.jpg',
        'C:\\data\\a.jpg',
        'A.JPG',
        'a.png',
        '/data/a.jpg',
    ],
)
def test_missing_image_names_the_file_that_is_there(name, pixels, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.jpg'), pixels)
    entry = dict(file_name=name, width=W, height=H)
    missing = check_images([entry], str(tmp_path), 1)[0]
    assert missing.count == 1
    assert missing.examples == [f'image {name}, but a.jpg is there']


TRAILERS = {
    'the end marker': b'\xff\xd9',
    'a film': b'\0\0\0\x18ftypmp42' + np.random.default_rng(1).bytes(9000),
    'nulls': bytes(600),
    'text': b'Samsung' * 90,
}


@pytest.mark.parametrize('trailer', TRAILERS)
@pytest.mark.parametrize('option', [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)])
def test_jpeg_cut_before_a_trailer_is_unreadable(trailer, option, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    white = np.full((200, 300, 3), 255, np.uint8)
    for name, image in (('noise', noise), ('white', white)):
        jpeg = cv2.imencode('.jpg', image, list(option))[1].tobytes()
        assert jpeg.endswith(b'\xff\xd9')
        (tmp_path / f'{name}.jpg').write_bytes(jpeg + TRAILERS[trailer])
        assert count(tmp_path, [f'{name}.jpg'], (300, 200)) == {}
    jpeg = cv2.imencode('.jpg', noise, list(option))[1].tobytes()
    (tmp_path / 'cut.jpg').write_bytes(jpeg[: len(jpeg) // 2] + TRAILERS[trailer])
    assert count(tmp_path, ['cut.jpg'], (300, 200)) == {'unreadable images': 1}


@pytest.mark.parametrize('orientation', [3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize('are_stored', [True, False])
def test_joints_say_which_image_they_are_of(orientation, are_stored):
    """Of square images, whose size no turn changes."""
    names = ['nose', 'left_ankle', 'right_ankle', 'left_hip', 'right_hip']
    upright = np.array([[0, -30], [-5, 30], [5, 30], [-5, 0], [5, 0]])
    turns = {
        3: (-1, 0, 0, -1),
        4: (1, 0, 0, -1),
        5: (0, 1, 1, 0),
        6: (0, 1, -1, 0),
        7: (0, -1, -1, 0),
        8: (0, -1, 1, 0),
    }
    turn = np.array(turns[orientation]).reshape(2, 2)
    points = (upright @ turn.T if are_stored else upright) + 50
    row = np.c_[points, np.full(5, 2)].ravel().tolist()
    data = dict(
        images=[
            dict(id=n, file_name=f'{n}.jpg', width=99, height=99) for n in range(4)
        ],
        annotations=[
            dict(id=n, image_id=n, category_id=1, keypoints=row, bbox=[15, 15, 70, 70])
            for n in range(4)
        ],
        categories=[dict(id=1, name='person', keypoints=names)],
    )
    orientations = {f'{n}.jpg': orientation for n in range(3)}
    finding = compare_with_turns(AnnotationTable(data, 5), orientations)
    assert finding.count == (3 if are_stored else 0)


def test_mirrored_images_say_nothing_about_joints(checked_folder, people):
    names = {image['file_name']: 2 for image in people['images']}
    assert compare_with_turns(AnnotationTable(people, 17), names).count == 0
