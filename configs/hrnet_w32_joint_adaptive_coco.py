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

from gm_pose import with_codec, with_fast_lane

codec = with_codec(_base_, sigmas='set2')
with_fast_lane(_base_)

data_root = os.path.join(os.environ.get('COCO_ROOT') or 'data/coco', '')
train_dataloader = dict(dataset=dict(data_root=data_root))
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
