# Ablation of the Gaussian Mixture Block: the sigmas stay at their start.
# Command: mim train gm_pose gm_fixed_sigmas_set2_res50_coco.py
# Expected: open; compare with gm_set2_res50_coco.py
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['../gm_set2_res50_coco.py']

model = dict(neck=dict(learn_sigmas=False))
