# Metainfo for training: COCO's, with the squares of the weights that MMPose gives joints in
# the loss (elbows and knees 1.2, wrists and ankles 1.5).
_base_ = ['mmpose::_base_/datasets/coco.py']
dataset_info = dict(joint_weights=[w**2 for w in _base_.dataset_info.joint_weights])
