# Example: only the codec, in another MMPose config (HRNet-W32, COCO 256x192).
# Command: mim train gm_pose hrnet_w32_joint_adaptive_coco.py
# Expected: open; MMPose reports 74.9 AP for its own config (sigma 2)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = [
    'mmpose::body_2d_keypoint/topdown_heatmap/coco/'
    'td-hm_hrnet-w32_8xb64-210e_coco-256x192.py'
]
import os  # below `_base_`: an import above it makes MMEngine expect a lazy config

custom_imports = dict(imports=['gm_pose'], allow_failed_imports=False)

# `_delete_` drops the base codec's keys (sigma), which MMEngine would merge in.
codec = dict(
    _delete_=True,
    type='JointAdaptiveMSRAHeatmap',
    input_size=(192, 256),
    heatmap_size=(48, 64),
    sigmas='set2',
)
encoder = {key: value for key, value in codec.items() if key != '_delete_'}
train_pipeline = [
    dict(step, encoder=encoder) if step['type'] == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
del encoder
model = dict(head=dict(decoder=dict(codec)))

data_root = os.path.join(os.environ.get('COCO_ROOT') or 'data/coco', '')
train_dataloader = dict(dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        bbox_file=data_root + 'person_detection_results/'
        'COCO_val2017_detections_AP_H_56_person.json',
    )
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/person_keypoints_val2017.json')
test_evaluator = val_evaluator
