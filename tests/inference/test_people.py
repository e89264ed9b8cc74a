"""The people of an image: tables, results, pictures."""

import cv2
import numpy as np
import pytest

from gm_pose.inference.people_formats import COLUMNS, import_extra
from gm_pose.runs.user_errors import UserError


@pytest.fixture
def people(fake):
    image = np.full((60, 80, 3), 200, np.uint8)
    return fake(image, boxes=[[10, 10, 40, 50], [30, 5, 70, 55]])


def test_a_row_for_each_joint(people):
    table = people.to_dataframe()
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 6
    row = table.iloc[4]
    assert (row.person, row.joint, row.x_px, row.y_px) == (1, 'bottom_right', 70, 55)
    assert (row.cov_xx_px2, row.cov_xy_px2, row.cov_yy_px2) == (9, 0, 4)
    assert row.frame == row.track_id == -1


def test_coco_results_can_be_evaluated(people):
    from xtcocotools.coco import COCO

    results = people.to_coco(image_id=5)
    assert results[0]['keypoints'][:6] == pytest.approx([10, 10, 0.9, 40, 50, 0.6])
    assert results[0]['bbox'] == [10, 10, 30, 40]
    assert results[0]['keypoint_covariances'][0] == [9, 0, 4]
    assert results[0]['keypoint_presence'] == pytest.approx([0.45, 0.3, 0.05])
    coco = COCO()
    coco.dataset = dict(images=[dict(id=5)], annotations=[], categories=[dict(id=1)])
    coco.createIndex()
    assert len(coco.loadRes(results).anns) == 2


def test_score_of_a_person_is_that_of_cocometric(people):
    """Mean of the joints' scores above 0.2, times that of the box."""
    np.testing.assert_allclose(people.scores, [0.75, 0.75])


def test_supervision_key_points(people):
    points = people.to_supervision()
    np.testing.assert_array_equal(points.xy, people.keypoints_px)
    assert points.data['covariances_px2'].shape == (2, 3, 2, 2)
    assert len(people[[]].to_supervision()) == 0


def test_a_missing_extra_names_its_command():
    with pytest.raises(UserError, match=r'pip install "gm_pose\[predict\]"'):
        import_extra('no_such_module', 'predict')


def test_people_can_be_picked(people):
    assert people[1].bboxes_px.tolist() == [[30, 5, 70, 55]]
    assert len(people[people.scores > 0.8]) == 0
    assert len(people[:]) == 2
    assert people[[1, 0]].keypoints_px[0, 0].tolist() == [30, 5]
    with pytest.raises(IndexError):
        people[2]


def test_notebooks_show_a_png(people):
    picture = cv2.imdecode(np.frombuffer(people._repr_png_(), np.uint8), 1)
    assert picture.shape == (480, 640, 3)
    assert people.plot().size == (640, 480)


def test_joints_below_the_threshold_are_hollow(people):
    """`centre` has 0.1: a ring; `top_left` has 0.9: a disc, with an ellipse around it."""
    person = people[0]
    picture = person.draw(threshold=0.3)
    disc, ring = (
        np.rint((p + 0.5) * 8 - 0.5).astype(int) for p in person.keypoints_px[0, [0, 2]]
    )
    assert picture[disc[1], disc[0]].tolist() != [200] * 3
    assert picture[ring[1], ring[0]].tolist() == [200] * 3
    all_solid = person.draw(threshold=0.05)
    assert all_solid[ring[1], ring[0]].tolist() != [200] * 3
    # covariance diag(9, 4): 95 % within 7.3 px in x and 4.9 px in y
    assert picture[disc[1], disc[0] - 50].tolist() != [200] * 3
    assert picture[disc[1] - 50, disc[0]].tolist() == [200] * 3


@pytest.mark.parametrize('size', [(8, 6), (3000, 2000)])
def test_pictures_of_any_size(fake, size):
    people = fake(np.zeros((size[1], size[0], 3), np.uint8))
    picture = people.draw()
    assert max(picture.shape[:2]) == max(640, *size)
    assert picture.any()


def test_joints_that_were_not_found_are_drawn_nowhere(people):
    people.keypoints_px[:] = np.nan
    people.covariances_px2[:] = np.inf
    assert people.draw().shape == (480, 640, 3)
