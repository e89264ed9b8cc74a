# The paper's own setting: the MSRA generator's target placement (one cell up-left of the
# joint for some sigmas), ground-truth boxes, no flip test.
_base_ = ['./res50_coco_256x192.py']
from gm_pose import with_codec

codec = with_codec(_base_, alignment='legacy_msra')
model = dict(test_cfg=dict(flip_test=False))
val_dataloader = dict(dataset=dict(bbox_file=None))
test_dataloader = val_dataloader
