"""`gm_pose calibrate` on a few people: what it prints and writes, and its errors."""

import os

import numpy as np
import pytest
import torch
from mmengine.config import Config

from gm_pose.cli import main
from gm_pose.codecs import JointAdaptiveMSRAHeatmap
from gm_pose.ops.uncertainty import META_KEY, Calibration

pytestmark = pytest.mark.usefixtures('configs_are_not_formatted')


@pytest.fixture(scope='module')
def run(demo_on_five_people, tmp_path_factory):
    """Folder with config and checkpoint of an untrained demo model."""
    from mmengine.registry import init_default_scope
    from mmpose.registry import MODELS

    folder = tmp_path_factory.mktemp('run')
    cfg = Config.fromfile(demo_on_five_people)
    cfg.test_dataloader.num_workers = 0
    cfg.test_dataloader.persistent_workers = False
    cfg.dump(folder / 'demo.py')
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'model.pth')
    return folder


def calibrate(run, *words):
    work = str(run / 'work')
    return main(
        [
            'calibrate',
            str(run / 'demo.py'),
            str(run / 'model.pth'),
            *('--work-dir', work),
            *words,
        ]
    )


@pytest.mark.parametrize('lane', ['--fast', '--no-fast'])
def test_prints_a_report_and_writes_checkpoint_and_plot(run, lane, tmp_path, capsys):
    out = tmp_path / 'calibrated.pth'
    assert calibrate(run, lane, '--out', str(out), '--folds', '2') == 0
    printed = capsys.readouterr().out
    assert '5 people in 2 parts (seed 0)' in printed
    assert '| OKS of labelled joints |' in printed
    assert '| left_ankle |' in printed
    assert f'meta.gm_pose_calibration of {out}' in printed
    assert (tmp_path / 'calibrated.png').read_bytes().startswith(b'\x89PNG')
    meta = torch.load(out, weights_only=True)['meta']
    assert Calibration.from_dict(meta[META_KEY], num_joints=17)
    assert sorted(os.listdir(tmp_path)) == ['calibrated.png', 'calibrated.pth']


def test_evidence_holds_true_places_in_cells(run):
    """Maps drawn from the annotations: errors as small as the fit's."""
    from mmengine.registry import init_default_scope
    from mmengine.runner import Runner
    from mmpose.registry import METRICS

    cfg = Config.fromfile(run / 'demo.py')
    init_default_scope('mmpose')
    codec = JointAdaptiveMSRAHeatmap(
        **{k: v for k, v in cfg.codec.items() if k != 'type'}
    )
    loader = Runner.build_dataloader(cfg.test_dataloader)
    metric = METRICS.build(
        dict(
            type='UncertaintyMetric',
            sigmas_cells=codec.sigmas_cells.tolist(),
            cell_px=[4.0, 4.0],
        )
    )
    metric.dataset_meta = loader.dataset.metainfo
    for batch in loader:
        samples = []
        for sample in batch['data_samples']:
            scale, center = sample.input_scale, sample.input_center
            corner = center - scale / 2
            size = np.array(sample.input_size)
            joints = (sample.gt_instances.keypoints - corner) / scale * size
            encoded = codec.encode(joints.astype(np.float32))
            keypoints, scores = codec.decode(encoded['heatmaps'])
            keypoints = keypoints / size * scale + corner
            samples.append(
                {
                    **sample.to_dict(),
                    'pred_instances': dict(keypoints=keypoints, keypoint_scores=scores),
                    'pred_fields': dict(heatmaps=torch.tensor(encoded['heatmaps'])),
                }
            )
        metric.process(batch, samples)
    metric.evaluate(len(loader.dataset))
    evidence = metric.evidence
    there = evidence.labelled & (metric.peaks > 0.5)
    assert there.sum() > 50
    # the fit finds Gaussians of 0.6 cells and more to 0.05 cells (tests of decoding)
    assert np.abs(evidence.errors_cells[there]).max() < 0.1
    assert evidence.true_oks[there].min() > 0.98
    assert len(metric.image_ids) == 5


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('--in-place', '--out', 'a.pth'), 'leave one out'),
        (('--folds', '1'), '--folds is 1'),
        (('--folds', '50'), '--folds is 50; expected at most the 2 images with people'),
        (('--plot', 'plot.jpg'), 'expected a name in .png'),
        (('--out', '/dev/null/a.pth'), 'is in the way'),
        (('--out', '/dev/null'), 'is in the way'),
        (('--out', 'a.png', '--plot', 'a.png'), 'would be written over a.png'),
        (('--seed', '-1'), '--seed is -1; expected at least 0'),
    ],
)
def test_says_what_is_wrong_and_writes_nothing(run, words, message, capsys):
    before = sorted(os.listdir(run))
    with pytest.raises(SystemExit) as ended:
        calibrate(run, '--fast', *words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert [n for n in sorted(os.listdir(run)) if n != 'work'] == [
        n for n in before if n != 'work'
    ]


def test_too_many_folds_are_refused_before_the_prediction(run, monkeypatch, capsys):
    from mmengine.runner import Runner

    monkeypatch.setattr(Runner, 'test', None)
    with pytest.raises(SystemExit):
        calibrate(run, '--fast', '--folds', '100000')
    assert '--folds is 100000; expected at most the 2 images' in capsys.readouterr().err


def test_a_head_without_gaussian_maps_is_refused(run, tmp_path, capsys):
    path = tmp_path / 'simcc.py'
    decoder = dict(
        type='SimCCLabel', input_size=(96, 128), sigma=4.9, simcc_split_ratio=2.0
    )
    path.write_text(
        f"_base_ = ['{run}/demo.py']\n"
        f'model = dict(head=dict(decoder=dict(_delete_=True, **{decoder!r})))\n'
    )
    with pytest.raises(SystemExit):
        main(['calibrate', str(path), str(run / 'model.pth')])
    assert 'expected one Gaussian map per joint' in capsys.readouterr().err
