"""Pictures are written whole, or the error says why not."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from gm_pose.runs.user_errors import UserError
from gm_pose.visualization.picture_files import make_picture_folder, write_picture

PICTURE = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)


def test_picture_is_read_back_as_it_was_written(tmp_path):
    make_picture_folder(tmp_path / 'a' / 'b')
    write_picture(tmp_path / 'a' / 'b' / 'x.png', PICTURE)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'a/b/x.png')), PICTURE)


def test_folder_that_cannot_be_made_is_a_user_error(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match=r'--out .*file.sub cannot be made \(Not a dir'):
        make_picture_folder(tmp_path / 'file' / 'sub')


def test_missing_folder_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match=r'none.x\.png cannot be written \(No such'):
        write_picture(tmp_path / 'none' / 'x.png', PICTURE)


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='needs /dev/full')
def test_full_disk_is_a_user_error(tmp_path):
    (tmp_path / 'x.png').symlink_to('/dev/full')
    with pytest.raises(UserError, match=r'x\.png cannot be written \(No space left'):
        write_picture(tmp_path / 'x.png', PICTURE)
