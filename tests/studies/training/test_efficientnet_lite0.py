import pytest
import torch
from mmpose.registry import MODELS

from studies.training.efficientnet_lite0 import find_missing_packages

pytestmark = pytest.mark.skipif(
    bool(find_missing_packages()),
    reason='the study backbone is an optional extra: requirements/study.txt',
)


def build_backbone(**options):
    return MODELS.build(dict(type='EfficientNetLite0', input_size=(96, 128), **options))


def test_backbone_loads_pretrained_weights():
    model, plain = build_backbone(), build_backbone(pretrained=False)
    key = 'blocks.10._project_conv.weight'
    assert not torch.equal(model.state_dict()[key], plain.state_dict()[key])


def test_error_text_when_initialisation_would_overwrite_the_weights():
    with pytest.raises(ValueError, match='would overwrite the ImageNet weights'):
        build_backbone(init_cfg=dict(type='x'))
