"""What SOURCE may be, and what becomes of files that are not as they should be."""

import errno
import os
import re

import cv2
import numpy as np
import pytest
from PIL import Image

from gm_pose.inference import open_source
from gm_pose.inference.sources.pixels import read_image, to_bgr
from gm_pose.runs.data_checks.unreadable_image import UnreadableImage
from gm_pose.runs.user_errors import UserError


def list_names(source):
    return [frame.source.rpartition('/')[2] for frame in open_source(source)]


def test_images_of_a_folder_and_below_in_order(write_images):
    folder = write_images('b.png', 'a.jpg')
    (folder / 'notes.md').write_text('no image')
    (folder / 'below').mkdir()
    cv2.imwrite(str(folder / 'below' / 'c.png'), np.zeros((5, 5, 3), np.uint8))
    assert list_names(folder) == ['a.jpg', 'b.png', 'c.png']
    assert open_source(folder).total == 3


def test_pattern_list_file_and_sequence(write_images):
    folder = write_images('b.png', 'a.png', 'c.jpg')
    assert list_names(f'{folder}/*.png') == ['a.png', 'b.png']
    listed = folder / 'list.txt'
    listed.write_text(f'# mine\nc.jpg\n\n{folder}/a.png\n')
    assert list_names(str(listed)) == ['c.jpg', 'a.png']
    assert list_names([folder / 'b.png', str(folder / 'a.png')]) == ['b.png', 'a.png']


@pytest.mark.parametrize(
    ('source', 'message'),
    [
        ('gone.jpg', r'source gone\.jpg does not exist. Fix: give an image'),
        ('no/*.jpg', r'no file matches no/\*\.jpg'),
        ('empty', 'folder empty has no image'),
        ('list.txt', 'names no file'),
        ('notes.mp4', 'cannot be opened as a video'),
        (True, 'source is True'),
    ],
)
def test_a_source_that_is_not_there_is_one_line(source, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'list.txt').write_text('# nothing\n')
    (tmp_path / 'notes.mp4').write_text('no video')
    with pytest.raises(UserError, match=message):
        open_source(source)


def test_a_list_file_of_windows_names_the_same_files(write_images):
    folder = write_images('a.jpg', 'b.jpg')
    path = folder / 'list.txt'
    path.write_bytes(b'\xef\xbb\xbfa.jpg\r\n\r\n# b.jpg\r\n  b.jpg \r\n')
    assert list_names(path) == ['a.jpg', 'b.jpg']
    path.write_text('a.jpg', encoding='utf-16')
    with pytest.raises(
        UserError, match=r'list\.txt is not UTF-8.*Fix: save it as UTF-8'
    ):
        open_source(path)


def test_files_that_cannot_be_read_are_named_and_the_rest_goes_on(write_images):
    folder = write_images('a.jpg', 'b.png', 'c.jpg', 'd.png')
    whole = (folder / 'a.jpg').read_bytes()
    (folder / 'a.jpg').write_bytes(whole[: len(whole) // 2])
    (folder / 'b.png').write_bytes(b'')
    (folder / 'd.png').write_bytes((folder / 'd.png').read_bytes()[:400])
    source = open_source(folder)
    assert [f.source.rpartition('/')[2] for f in source] == ['c.jpg']
    reasons = {f.source.rpartition('/')[2]: f.reason for f in source.failures}
    assert sorted(reasons) == ['a.jpg', 'b.png', 'd.png']
    # OpenCV refuses it, or fills what is missing with grey, which is found out
    assert re.match(r'cannot be decoded|the JPEG is cut off', reasons['a.jpg'])
    assert reasons['b.png'] == 'an empty file'
    assert all('/' not in reason for reason in reasons.values())


def test_images_of_other_kinds_have_a_defined_result(tmp_path):
    """As MMPose's LoadImage decodes them: 3 channels of 8 bits."""
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    cv2.imwrite(str(tmp_path / 'grey.png'), grey)
    cv2.imwrite(str(tmp_path / 'deep.png'), grey.astype(np.uint16) * 256 + 77)
    rgba = np.dstack([grey, grey, grey, np.full_like(grey, 9)])
    cv2.imwrite(str(tmp_path / 'alpha.png'), rgba)
    for name in ('grey', 'deep', 'alpha'):
        found = read_image(str(tmp_path / f'{name}.png'))
        np.testing.assert_array_equal(found, np.dstack([grey] * 3), err_msg=name)
    Image.new('CMYK', (4, 3), (0, 255, 255, 0)).save(tmp_path / 'cmyk.jpg')
    blue, green, red = read_image(str(tmp_path / 'cmyk.jpg'))[0, 0].tolist()
    assert red > 180 > 60 > max(blue, green)


def test_floats_that_would_be_white_are_refused(tmp_path):
    picture = np.linspace(0, 1, 36, dtype=np.float32).reshape(3, 4, 3)
    path = str(tmp_path / 'floats.tif')
    cv2.imwrite(path, picture)
    assert read_image(path).std() > 50
    cv2.imwrite(path, picture * 65535)
    with pytest.raises(
        UnreadableImage, match=r'float32 up to .*; expected 0 to 1. Fix'
    ):
        read_image(path)


def test_names_and_formats_that_cannot_be_read_have_a_reason_each(tmp_path):
    heic = b'\0\0\0\x18ftypheic' + bytes(50)
    (tmp_path / 'a.heic').write_bytes(heic)
    (tmp_path / 'loop.jpg').symlink_to('loop.jpg')
    names = ['a.heic', 'loop.jpg', 'a\0b.jpg', '']
    source = open_source([str(tmp_path / name) for name in names])
    assert list(source) == []
    assert [failure.reason for failure in source.failures] == [
        'a HEIC or AVIF picture, which OpenCV does not read. Fix: convert to JPEG',
        os.strerror(errno.ELOOP),
        'a name with a null character',
        os.strerror(errno.EISDIR),
    ]


def test_exif_turns_an_image_as_in_mmpose(tmp_path):
    from mmpose.datasets.transforms import LoadImage

    picture = np.zeros((30, 40, 3), np.uint8)
    picture[:10, :10] = 255
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees
    path = str(tmp_path / 'turned.jpg')
    Image.fromarray(picture).save(path, exif=exif, quality=95)
    found = read_image(path)
    assert found.shape == (40, 30, 3)
    expected = LoadImage().transform(dict(img_path=path))['img']
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(to_bgr(Image.open(path)).shape, found.shape)


@pytest.mark.parametrize('shape', [(4, 5), (4, 5, 1), (4, 5, 3), (4, 5, 4)])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_arrays_become_bgr_of_8_bits(shape, dtype):
    found = to_bgr(np.full(shape, np.iinfo(dtype).max, dtype))
    assert found.shape == (4, 5, 3)
    assert found.dtype == np.uint8
    assert (found == 255).all()


def test_a_pil_image_is_rgb():
    assert to_bgr(Image.new('RGB', (2, 2), (255, 0, 0)))[0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (np.zeros((4, 5, 3)), r'float64; expected uint8.*Fix: \(image \* 255\)'),
        (np.zeros((4, 5, 2), np.uint8), r'shape \(4, 5, 2\)'),
        (np.zeros((0, 5, 3), np.uint8), r'shape \(0, 5, 3\)'),
        (3.5, 'the image is a float'),
    ],
)
def test_other_arrays_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        to_bgr(image)


def test_frames_of_a_video_are_numbered(write_video):
    source = open_source(write_video(frames=5))
    assert (source.total, source.fps) == (5, 10)
    assert [frame.index for frame in source] == [0, 1, 2, 3, 4]
    assert source.failures == []


def test_a_video_that_ends_early_is_reported_with_the_frames_that_were_read(
    write_video,
):
    path = write_video(frames=40)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    source = open_source(path)
    frames = len(list(source))
    assert 10 < frames < 30
    assert [f.reason for f in source.failures] == [f'ends after {frames} of 40 frames']


def test_a_camera_is_read_until_it_ends(monkeypatch):
    class Camera:
        left = 3

        def __init__(self, address):
            assert address == 0

        def isOpened(self):
            return True

        def get(self, _):
            return -1.0

        def read(self):
            Camera.left -= 1
            return Camera.left >= 0, np.zeros((8, 8, 3), np.uint8)

        def release(self):
            pass

    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    source = open_source('0')
    assert source.total is None
    assert len(list(source)) == 3
    assert 'camera 0: ended after 3 frames' in str(source.failures[0])


def test_a_camera_that_is_not_there(monkeypatch):
    monkeypatch.setattr(cv2.VideoCapture, 'isOpened', lambda self: False, raising=False)
    with pytest.raises(UserError, match='camera 97 cannot be opened'):
        open_source(97)


def test_a_single_image_that_cannot_be_read_raises(fake, tmp_path):
    path = tmp_path / 'empty.jpg'
    path.write_bytes(b'')
    with pytest.raises(UnreadableImage, match='empty file'):
        fake(str(path))


def test_one_image_gives_people_and_everything_else_a_list(
    fake, write_images, write_video
):
    folder = write_images('a.png')
    assert fake(folder / 'a.png').source == str(folder / 'a.png')
    assert fake(np.zeros((8, 8, 3), np.uint8)).source == ''
    for source in (
        folder,
        f'{folder}/*.png',
        [folder / 'a.png'],
        write_video(frames=1),
    ):
        assert [type(people).__name__ for people in fake(source)] == ['People']
