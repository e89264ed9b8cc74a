# Paper row "sigma 1.5 for all joints" as the paper ran it.
# Command: mim train gm_pose sigma15_res50_coco_as_published.py
# Expected: AP 71.4, AR 74.7 (paper)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['../_base_/res50_coco_256x192_as_published.py']
from gm_pose import with_codec

codec = with_codec(_base_, sigmas=1.5)
