# Ablation of the Gaussian Mixture Block: no softmax, the plain sum of the smoothed views
# (up to a constant factor, which the normalisation behind it takes out).
# Command: mim train gm_pose gm_no_softmax_set2_res50_coco.py
# Expected: open; compare with gm_set2_res50_coco.py
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['../gm_set2_res50_coco.py']

model = dict(neck=dict(mixing='uniform'))
