from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpose.registry import MODELS

from gm_pose.datasets.synthetic_people import make_coco_folder
from studies.analysis.people_bootstrap import compute_ap
from studies.training.build_config import build_config
from studies.training.datasets import DATASETS, locate_split
from studies.training.evaluate_model import OKS_DECODINGS, evaluate_model
from studies.training.flip_tests import FLIP_TESTS
from studies.variants.catalog import VARIANTS


@pytest.fixture(scope='module')
def setting(tmp_path_factory):
    """A small untrained network, a config and six rendered people."""
    init_default_scope('mmpose')
    folder = tmp_path_factory.mktemp('people')
    make_coco_folder(folder, train_people=1, val_people=6)
    split = dict(
        ann_file=str(folder / 'annotations' / 'person_keypoints_val2017.json'),
        image_dir=str(folder / 'val2017') + '/',
    )
    cfg = build_config(VARIANTS['subcell-uniform2'], DATASETS['studio17'], 0)
    cfg.model.backbone = dict(
        type='ResNet', depth=18, base_channels=4, out_indices=(2,)
    )
    cfg.model.backbone.stem_channels = 4
    cfg.model.head.in_channels = 16
    cfg.model.head.deconv_out_channels = (8, 8, 8)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    # MMPose's head starts with maps of nearly zero; larger ones have peaks to disagree on
    for parameter in model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return SimpleNamespace(model=model.eval(), cfg=cfg, split=split)


@pytest.fixture(scope='module')
def results(setting):
    return evaluate_model(setting.model, setting.cfg, setting.split)


@pytest.mark.parametrize(
    ('name', 'test_cfg'),
    [
        ('plain', dict(flip_test=False)),
        ('flip_shift1', dict(flip_test=True, shift_heatmap=True)),
        ('flip_shift0', dict(flip_test=True, shift_heatmap=False)),
    ],
)
def test_equals_mmposes_own_prediction_and_metric(setting, results, name, test_cfg):
    loader_cfg = setting.cfg.evaluation_loader.to_dict()
    loader_cfg['dataset'].update(locate_split(setting.split))
    loader = Runner.build_dataloader(loader_cfg)
    evaluator = Evaluator([dict(type='CocoMetric', ann_file=setting.split['ann_file'])])
    evaluator.dataset_meta = loader.dataset.metainfo
    setting.model.test_cfg = test_cfg
    scores = []
    with torch.no_grad():
        for batch in loader:
            samples = setting.model.test_step(batch)
            evaluator.process(data_samples=samples, data_batch=batch)
            scores += [s.pred_instances.keypoint_scores[0] for s in samples]
    values = evaluator.evaluate(len(loader.dataset))
    assert results[name]['AP'] == round(100 * values['coco/AP'], 3)
    assert results[name]['AR'] == round(100 * values['coco/AR'], 3)
    labelled = np.array(results[name]['joints']['count']) == len(scores)
    means = np.array(results[name]['joints']['mean_score'], dtype=float)
    np.testing.assert_allclose(
        means[labelled], np.mean(scores, axis=0)[labelled], atol=1e-4
    )


def test_people_are_kept_with_what_their_ap_is_made_of(results):
    for name in ('plain', 'flip'):
        test, people = results[name], results[name]['people']
        assert len(people['oks']) == len(people['score']) == 6
        ap = compute_ap(np.array(people['oks']), np.array(people['score']))
        assert ap == pytest.approx(test['AP'], abs=1e-3)


def test_every_flip_test_is_there_and_differs(results):
    assert set(results) == set(FLIP_TESTS)
    offsets = [str(results[name]['joints']['mean_offset']) for name in FLIP_TESTS]
    assert len(set(offsets)) == len(FLIP_TESTS)


def test_decoding_with_oks_sigmas_changes_only_the_decoding(setting, results):
    decode_sigmas = dict(oks='coco', mean=3.0)
    decoded = evaluate_model(setting.model, setting.cfg, setting.split, decode_sigmas)
    assert {name: decoded[name] for name in FLIP_TESTS} == results
    assert set(decoded) - set(results) == set(OKS_DECODINGS.values())
    for test, wide in OKS_DECODINGS.items():
        # nose, eyes and ears have less than the variant's 2 cells and keep their scores
        ours, plain = (decoded[t]['joints']['mean_score'] for t in (wide, test))
        assert ours[:5] == plain[:5]
        assert all(a != b for a, b in zip(ours[5:], plain[5:], strict=True))
    assert evaluate_model(setting.model, setting.cfg, setting.split) == results
