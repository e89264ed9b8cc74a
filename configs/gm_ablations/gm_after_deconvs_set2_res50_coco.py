# Ablation of the Gaussian Mixture Block: its position. After the transposed convolutions,
# on the 48x64 heatmaps: sigmas in heatmap cells, one mixture for each joint.
# Command: mim train gm_pose gm_after_deconvs_set2_res50_coco.py
# Expected: open; compare with gm_set2_res50_coco.py (before them, as in the paper)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['../set2_res50_coco.py']

model = dict(head=dict(type='GaussianMixtureHead'))
