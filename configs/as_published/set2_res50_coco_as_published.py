# Paper row "Set 2" as the paper ran it.
# Command: mim train gm_pose set2_res50_coco_as_published.py
# Expected: AP 66.8, AR 70.2 (paper)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['../_base_/res50_coco_256x192_as_published.py']
from gm_pose import with_codec

codec = with_codec(_base_, sigmas='set2')
