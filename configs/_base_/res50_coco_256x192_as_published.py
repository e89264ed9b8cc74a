# The paper's own setting: the MSRA generator's target placement (one cell up-left of the
# joint for some sigmas), ground-truth boxes, no flip test.
_base_ = ['./res50_coco_256x192.py']

codec = dict(_base_.codec, alignment='msra')
train_pipeline = [
    dict(step, encoder=codec) if step['type'] == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(head=dict(decoder=codec), test_cfg=dict(flip_test=False))
val_dataloader = dict(dataset=dict(bbox_file=None))
test_dataloader = val_dataloader
