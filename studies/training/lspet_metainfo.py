# MMPose metainfo of Leeds Sports Pose Extended as COCO JSON with 14 joints: the file that
# `CocoDataset(metainfo=dict(from_file=...))` reads. LSPE defines no OKS sigmas; the
# constants are those of CrowdPose, which has the same 14 joints (neck and head 0.079).
_JOINTS = (
    'right_ankle',
    'right_knee',
    'right_hip',
    'left_hip',
    'left_knee',
    'left_ankle',
    'right_wrist',
    'right_elbow',
    'right_shoulder',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'neck',
    'head_top',
)
_SIGMAS = dict(
    ankle=0.089,
    knee=0.087,
    hip=0.107,
    wrist=0.062,
    elbow=0.072,
    shoulder=0.079,
    neck=0.079,
    top=0.079,
)
# as in MMPose's COCO metainfo; read only where a run asks for them
_WEIGHTS = dict(elbow=1.2, knee=1.2, wrist=1.5, ankle=1.5)
_LINKS = (
    ('right_ankle', 'right_knee'),
    ('right_knee', 'right_hip'),
    ('left_ankle', 'left_knee'),
    ('left_knee', 'left_hip'),
    ('right_hip', 'left_hip'),
    ('right_wrist', 'right_elbow'),
    ('right_elbow', 'right_shoulder'),
    ('left_wrist', 'left_elbow'),
    ('left_elbow', 'left_shoulder'),
    ('right_shoulder', 'neck'),
    ('left_shoulder', 'neck'),
    ('neck', 'head_top'),
)


def _find_mirror(name):
    for side, other in (('right_', 'left_'), ('left_', 'right_')):
        if name.startswith(side):
            return other + name.removeprefix(side)
    return ''


dataset_info = dict(
    dataset_name='lspet',
    paper_info=dict(
        author='Johnson, Sam and Everingham, Mark',
        title='Learning Effective Human Pose Estimation from Inaccurate Annotation',
        container='CVPR',
        year='2011',
        homepage='',
    ),
    keypoint_info={
        index: dict(
            name=name,
            id=index,
            color=[0, 255, 0],
            type='lower'
            if name.split('_')[-1] in ('ankle', 'knee', 'hip')
            else 'upper',
            swap=_find_mirror(name),
        )
        for index, name in enumerate(_JOINTS)
    },
    skeleton_info={
        index: dict(link=link, id=index, color=[0, 255, 0])
        for index, link in enumerate(_LINKS)
    },
    joint_weights=[_WEIGHTS.get(name.split('_')[-1], 1.0) for name in _JOINTS],
    sigmas=[_SIGMAS[name.split('_')[-1]] for name in _JOINTS],
)
