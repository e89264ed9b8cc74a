# Ablation of the Gaussian Mixture Block: one learnable sigma, nothing to mix (M = 1).
# Command: mim train gm_pose gm_one_sigma_set2_res50_coco.py
# Expected: open; compare with gm_set2_res50_coco.py
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['../gm_set2_res50_coco.py']

model = dict(neck=dict(num_components=1))
