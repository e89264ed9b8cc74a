# What every run of the study shares; a variant changes the codec, the neck and the like.
# An MMEngine config: EfficientNet-Lite0 up to stride 16, Simple Baseline's three
# transposed convolutions, 96x128 px crops, heatmaps of 48x64 cells (1 cell = 2 px).
# Command: python studies/run_study.py --data DIR --dataset studio17
# Hardware x hours: 1 CPU core x about 5 minutes a run (15 epochs of 621 people)
default_scope = 'mmpose'
custom_imports = dict(
    imports=['gm_pose', 'studies'],
    allow_failed_imports=False,
)

input_size = (96, 128)
codec = dict(
    type='JointAdaptiveMSRAHeatmap',
    input_size=input_size,
    heatmap_size=(48, 64),
    sigmas=2.0,
)

model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[127.0, 127.0, 127.0],  # what the backbone was trained with
        std=[128.0, 128.0, 128.0],
        bgr_to_rgb=True,
    ),
    backbone=dict(type='EfficientNetLite0', input_size=input_size),
    head=dict(
        type='HeatmapHead',
        in_channels=112,
        out_channels=17,
        # narrower than Simple Baseline's 256 x 3: two thirds of the time of a CPU run
        deconv_out_channels=(256, 128, 64),
        deconv_kernel_sizes=(4, 4, 4),
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=codec,
    ),
    train_cfg=dict(compute_acc=False),
    test_cfg=dict(flip_test=False),  # flip_tests.py has its own
)

train_pipeline = [
    dict(type='CachedLoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', scale_factor=(0.75, 1.25), rotate_factor=40),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
evaluation_pipeline = [
    dict(type='CachedLoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackPoseInputs'),
]
# workers would compete with the training for the run's one core
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CocoDataset', data_mode='topdown', pipeline=train_pipeline),
)
evaluation_loader = dict(
    batch_size=32,
    num_workers=0,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CocoDataset',
        data_mode='topdown',
        test_mode=True,
        pipeline=evaluation_pipeline,
    ),
)

train_cfg = dict(by_epoch=True, max_epochs=15)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=50, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=15, eta_min=1e-5, convert_to_iter_based=True),
]
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=19),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=3, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'),
)
custom_hooks = [dict(type='EpochSeedHook')]
log_processor = dict(type='LogProcessor', window_size=19, by_epoch=True)
visualizer = dict(type='Visualizer', vis_backends=[])
env_cfg = dict(cudnn_benchmark=False)
