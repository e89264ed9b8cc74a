# Paper row "Gaussian Mixture Block + Set 2" as the paper ran it.
# Command: mim train gm_pose gm_set2_res50_coco_as_published.py
# Expected: AP 69.7, AR 72.8 (paper; its block is not specified, this one is ours)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['./set2_res50_coco_as_published.py']

model = dict(neck=dict(type='GaussianMixtureBlock', in_channels=2048))
# The learnt sigmas in vis_data/scalars.json, and as curves where a TensorBoard backend is.
custom_hooks = [*_base_.custom_hooks, dict(type='MixtureSigmaHook')]
