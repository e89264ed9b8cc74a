# Paper row "sigma 1.5 for all joints", targets centred on the joint.
# Command: mim train gm_pose sigma15_res50_coco.py
# Expected: open; the paper has AP 71.4, AR 74.7 with misplaced targets (as_published/)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['./_base_/res50_coco_256x192.py']
from gm_pose import with_codec

codec = with_codec(_base_, sigmas=1.5)
