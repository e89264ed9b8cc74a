"""Rendered people with exact COCO keypoint annotations, for demos and tests.

A body is posed in 3-D (`skeleton`), dressed in capsules (`outfit`, `dressing`, `head`),
drawn through a depth buffer that also says which joints are seen (`renderer`), put into a
picture with others (`scene`) and written in COCO's layout (`coco_folder`). Everything
follows from a seed.
"""

from gm_pose.datasets.synthetic_people.coco_folder import make_coco_folder
from gm_pose.datasets.synthetic_people.scene import make_scene

__all__ = ['make_coco_folder', 'make_scene']
