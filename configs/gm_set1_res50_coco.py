# Paper row "Gaussian Mixture Block + Set 1", targets centred on the joint.
# Command: mim train gm_pose gm_set1_res50_coco.py
# Expected: open; the paper has AP 60.8, AR 65.6 with misplaced targets (as_published/)
# Hardware x hours: not measured (the recipe is 8 GPUs x 64 images, 210 epochs)
# Status: not run
_base_ = ['./set1_res50_coco.py']

model = dict(neck=dict(type='GaussianMixtureBlock', in_channels=2048))
# The learnt sigmas in vis_data/scalars.json, and as curves where a TensorBoard backend is.
custom_hooks = [*_base_.custom_hooks, dict(type='MixtureSigmaHook')]
