import cv2
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import TRANSFORMS


def test_second_load_gives_the_same_pixels_without_the_file(tmp_path):
    init_default_scope('mmpose')
    path = tmp_path / 'a.png'
    picture = np.random.default_rng(0).integers(0, 255, (5, 7, 3), dtype=np.uint8)
    cv2.imwrite(str(path), picture)
    stock = TRANSFORMS.build(dict(type='LoadImage'))(dict(img_path=str(path)))
    load = TRANSFORMS.build(dict(type='CachedLoadImage'))
    first = load(dict(img_path=str(path)))
    path.unlink()
    second = load(dict(img_path=str(path)))
    for results in (first, second):
        np.testing.assert_array_equal(results['img'], stock['img'])
        for key in ('img_shape', 'ori_shape', 'img_path'):
            assert results[key] == stock[key]
    with pytest.raises(ValueError, match='read-only'):
        second['img'][0] = 0
