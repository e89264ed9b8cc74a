from gm_pose.codecs.dataset_metainfo import load_skeleton
from studies.training.datasets import DATASETS, ROOT


def test_lspet_metainfo_is_symmetric_and_named():
    skeleton = load_skeleton(str(ROOT / DATASETS['lspet-4k'].metainfo))
    assert len(skeleton) == DATASETS['lspet-4k'].num_joints
    for index, partner in enumerate(skeleton.mirror):
        mine, other = skeleton.joint_names[index], skeleton.joint_names[partner]
        assert mine.split('_')[-1] == other.split('_')[-1]
        assert skeleton.oks_sigmas[index] == skeleton.oks_sigmas[partner]
        assert (mine == other) == (mine in ('neck', 'head_top'))
