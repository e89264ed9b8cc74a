# Paper row "Set 1" as the paper ran it.
# Command: mim train gm_pose set1_res50_coco_as_published.py
# Expected: AP 54.9, AR 60.1 (paper)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['../_base_/res50_coco_256x192_as_published.py']
from gm_pose import with_codec

codec = with_codec(_base_, sigmas='set1')
