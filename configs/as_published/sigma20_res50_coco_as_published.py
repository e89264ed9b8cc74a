# Paper row "sigma 2.0 for all joints" as the paper ran it.
# Command: mim train gm_pose sigma20_res50_coco_as_published.py
# Expected: AP 70.8, AR 74.0 (paper)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['../_base_/res50_coco_256x192_as_published.py']
from gm_pose import with_codec

codec = with_codec(_base_, sigmas=2.0)
