# What every ResNet-50 config of gm_pose shares: MMPose's SimpleBaseline recipe for COCO
# at 256x192, with this package's codec at its neutral setting (sigma 2, centred), and
# one place for the data root: the environment variable COCO_ROOT (default data/coco).
_base_ = [
    'mmpose::body_2d_keypoint/topdown_heatmap/coco/'
    'td-hm_res50_8xb64-210e_coco-256x192.py'
]
import os  # below `_base_`: an import above it makes MMEngine expect a lazy config

from gm_pose import with_codec, with_fast_lane

codec = with_codec(_base_, sigmas=2.0)
with_fast_lane(_base_)  # `--no-fast` leaves it

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
