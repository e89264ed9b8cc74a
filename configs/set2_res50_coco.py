# Paper row "Set 2", targets centred on the joint.
# Command: mim train gm_pose set2_res50_coco.py
# Expected: open; the paper has AP 66.8, AR 70.2 with misplaced targets (as_published/)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['./_base_/res50_coco_256x192.py']
from gm_pose import with_codec

codec = with_codec(_base_, sigmas='set2')
