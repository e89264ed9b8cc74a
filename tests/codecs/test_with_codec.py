"""`with_codec` in config files: what it changes, what stays, and what it refuses."""

import re

import pytest
from mmengine.config import Config
from mmpose_configs import NAMES, ROOT, load_with_codec

from gm_pose import JointAdaptiveMSRAHeatmap, with_codec
from gm_pose.runs.checks.codec_agreement import (
    check_codec_agreement,
    expand_codec_options,
)
from gm_pose.runs.checks.outline import read_outline

COCO = 'body_2d_keypoint/topdown_heatmap/coco'
RES50 = f'{COCO}/td-hm_res50_8xb64-210e_coco-256x192.py'
DARK = f'{COCO}/td-hm_res50_dark-8xb64-210e_coco-256x192.py'
UDP = f'{COCO}/td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192.py'
COMBINED = f'{COCO}/td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192.py'
MSPN = f'{COCO}/td-hm_mspn50_8xb32-210e_coco-256x192.py'
VIS = f'{COCO}/td-hm-vis_res50_8xb64-210e_coco-aic-256x192-merge.py'
STAGE2 = f'{COCO}/cspnext-l_udp_8xb256-210e_aic-coco-256x192.py'
VITPOSE = f'{COCO}/td-hm_ViTPose-small_8xb64-210e_coco-256x192.py'
DEEPFASHION_UDP = (
    'fashion_2d_keypoint/topdown_heatmap/deepfashion/'
    'td-hm_hrnet-w32_udp_8xb64-210e_deepfashion_full-256x192.py'
)
SIMCC = 'body_2d_keypoint/simcc/coco/simcc_res50_8xb64-210e_coco-256x192.py'


def iter_dicts(node):
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from iter_dicts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from iter_dicts(value)


def find_codecs(cfg: dict) -> list[dict]:
    return [d for d in iter_dicts(cfg) if str(d.get('type')).endswith('Heatmap')]


def drop_scopes(node):
    """A config without `_scope_`, MMEngine's note of the file that a part comes from."""
    if isinstance(node, dict):
        return {k: drop_scopes(v) for k, v in node.items() if k != '_scope_'}
    if isinstance(node, (list, tuple)):
        return [drop_scopes(value) for value in node]
    return node


def mask_codec(node):
    """A config without what `with_codec` is there to change."""
    if isinstance(node, dict):
        if str(node.get('type')).endswith('Heatmap'):
            return 'a codec'
        changed = ('shift_heatmap', 'custom_imports')
        return {k: mask_codec(v) for k, v in node.items() if k not in changed}
    if isinstance(node, (list, tuple)):
        return [mask_codec(value) for value in node]
    return node


def load_stock(base: str) -> Config:
    return Config.fromfile(ROOT / base)


@pytest.mark.parametrize('base', [RES50, VIS, STAGE2, DEEPFASHION_UDP])
def test_every_codec_becomes_the_one_returned_and_nothing_else_changes(base, tmp_path):
    cfg = load_with_codec(base, tmp_path, 'sigmas=1.5').to_dict()
    codecs = find_codecs(cfg)
    assert all(codec == cfg['codec'] for codec in codecs)
    assert cfg['codec']['type'] == 'JointAdaptiveMSRAHeatmap'
    assert cfg['codec']['sigmas'] == 1.5

    stock = load_stock(base).to_dict()
    assert mask_codec(drop_scopes(cfg)) == mask_codec(drop_scopes(stock))
    assert '_delete_' not in str(cfg)


def test_what_is_not_named_stays_as_the_base_has_it(tmp_path):
    sizes = dict(input_size=(192, 256), heatmap_size=(48, 64))
    kind = dict(type='JointAdaptiveMSRAHeatmap')
    for base, expected in (
        (RES50, dict(sigmas=2)),
        (DARK, dict(sigmas=2, unbiased=True)),
        (UDP, dict(sigmas=2, unbiased=True, grid='udp')),
        # its variables state UDP; its data loaders and its head are those of its base
        (DEEPFASHION_UDP, dict(sigmas=2)),
    ):
        cfg = load_with_codec(base, tmp_path)
        assert cfg.codec.to_dict() == kind | sizes | expected


def test_a_second_call_changes_what_it_names(tmp_path):
    first = tmp_path / 'first.py'
    load_with_codec(RES50, tmp_path, 'sigmas=dict(oks="coco", mean=2.0), unbiased=True')
    (tmp_path / 'with_codec.py').rename(first)
    second = tmp_path / 'second.py'
    second.write_text(
        "_base_ = ['./first.py']\nfrom gm_pose import with_codec\n\n"
        'codec = with_codec(_base_, sigmas=1.5, aligned_flip=True)\n'
    )
    cfg = Config.fromfile(second)
    assert cfg.codec.sigmas == 1.5
    assert cfg.codec.unbiased
    assert cfg.model.head.decoder == cfg.codec
    assert cfg.model.type == 'AlignedFlipTopdownPoseEstimator'
    assert cfg.model.test_cfg.shift_heatmap is False
    assert cfg.custom_imports.imports == ['gm_pose']
    third = tmp_path / 'third.py'
    third.write_text(
        second.read_text().replace('first', 'second').replace('True', 'False')
    )
    cfg = Config.fromfile(third)
    assert cfg.model.type == 'TopdownPoseEstimator'
    assert cfg.model.test_cfg.shift_heatmap is True


def test_the_rest_of_the_file_is_merged_as_ever(tmp_path):
    """What a config says of `model` or a data loader takes nothing of the codec away."""
    path = tmp_path / 'with_codec.py'
    load_with_codec(RES50, tmp_path, 'sigmas=1.5')
    lines = "model = dict(neck=dict(type='GaussianMixtureBlock', in_channels=2048))\n"
    path.write_text(
        path.read_text() + lines + 'train_dataloader = dict(batch_size=3)\n'
    )
    cfg = Config.fromfile(path)
    assert cfg.model.head.decoder == cfg.codec
    assert cfg.model.neck.in_channels == 2048
    assert cfg.train_dataloader.batch_size == 3
    assert find_codecs(cfg.train_dataloader.to_dict()) == [cfg.codec.to_dict()]
    # the call leaves no key of its own, and its dump is a config that needs no call
    stock = load_stock(RES50)
    assert {*cfg} - {*stock} == {'custom_imports'}
    cfg.dump(tmp_path / 'dumped.py')
    again = Config.fromfile(tmp_path / 'dumped.py')
    assert drop_scopes(again.to_dict()) == drop_scopes(cfg.to_dict())


def test_one_place_can_be_changed_without_the_others(tmp_path):
    cfg = load_with_codec(RES50, tmp_path, 'sigmas=dict(oks="coco", mean=2.0)')
    cfg.model.head.decoder.sigmas.mean = 1.0
    assert cfg.codec.sigmas.mean == 2.0
    assert find_codecs(cfg.train_dataloader.to_dict())[0]['sigmas']['mean'] == 2.0


def test_imports_of_the_base_are_kept(tmp_path):
    cfg = load_with_codec(VITPOSE, tmp_path)
    stock = load_stock(VITPOSE).custom_imports
    assert cfg.custom_imports.imports == [*stock.imports, 'gm_pose']
    assert cfg.custom_imports.allow_failed_imports is stock.allow_failed_imports


def test_flip_test_is_shifted_where_the_grid_needs_it(tmp_path):
    for base, options, shift in (
        (RES50, '', True),
        (UDP, '', False),
        (DEEPFASHION_UDP, '', True),
        (RES50, 'aligned_flip=True', False),
    ):
        cfg = load_with_codec(base, tmp_path, options)
        assert cfg.model.test_cfg.shift_heatmap is shift
        assert cfg.model.test_cfg.flip_test


def test_crops_follow_the_size_of_the_codec(tmp_path):
    options = 'input_size=(96, 128), heatmap_size=(24, 32)'
    cfg = load_with_codec(RES50, tmp_path, options).to_dict()
    crops = [d for d in iter_dicts(cfg) if d.get('type') == 'TopdownAffine']
    assert {d['input_size'] for d in crops} == {(96, 128)}
    assert len(crops) == 5  # two variables, three data loaders


def test_dataset_weights_are_set_where_targets_are_made(tmp_path):
    def read(options):
        cfg = load_with_codec(RES50, tmp_path, options).to_dict()
        steps = [d for d in iter_dicts(cfg) if d.get('type') == 'GenerateTarget']
        return [step.get('use_dataset_keypoint_weights') for step in steps]

    assert read('use_dataset_keypoint_weights=True') == [True, True]
    assert read('') == [None, None]


def test_a_loaded_config_can_be_changed_too():
    cfg = load_stock(RES50)
    codec = with_codec(cfg, sigmas=1.5)
    assert cfg.codec == codec
    assert cfg.model.head.decoder == codec
    assert find_codecs(cfg.to_dict()) == [codec] * 4
    assert type(codec) is dict


@pytest.mark.parametrize(
    ('base', 'options', 'message'),
    [
        (MSPN, '', 'the encoder is a list of 4 codecs, one per stage (MSPN, RSN)'),
        (COMBINED, '', "heatmap_type is 'combined', with 3 maps per joint in head and"),
        (
            SIMCC,
            '',
            'the codec is SimCCLabel; expected MSRAHeatmap, UDPHeatmap or Joint',
        ),
        (RES50, "grid='udp'", "use_udp is False with a codec on the 'udp' grid"),
        (UDP, "grid='stride'", "Fix: codec.grid='udp', or use_udp=False"),
        (UDP, 'aligned_flip=True', "on the 'udp' grid, which mirrors onto itself"),
        (UDP, "alignment='legacy_msra', unbiased=False", "with grid='udp'; expected"),
        (
            VIS,
            'balance_weights=True',
            'learns keypoint_weights as visibilities of 0 or 1',
        ),
        (
            VIS,
            'use_dataset_keypoint_weights=True',
            'Fix: leave balance_weights and use_d',
        ),
        (RES50, "sigmas='set3'", "unknown sigma table 'set3'"),
        (RES50, 'decode_sigmas=3.0', 'Fix: unbiased=True'),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(base, options, message, tmp_path):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        load_with_codec(base, tmp_path, options)
    # one line of at most 200 characters for each place of the config
    assert all(len(line) <= 200 for line in str(error.value).splitlines())


def test_an_option_that_the_codec_does_not_have_is_refused(tmp_path):
    with pytest.raises(TypeError, match="unexpected keyword argument 'sigma'"):
        load_with_codec(RES50, tmp_path, 'sigma=2.0')


def drop_targets(cfg):
    cfg.train_dataloader.dataset.pipeline = []


def drop_crops(cfg):
    for split in ('train', 'val', 'test'):
        pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
        steps = [step for step in pipeline if step.type != 'TopdownAffine']
        cfg[f'{split}_dataloader'].dataset.pipeline = steps


def mix_grids(cfg):
    cfg.val_dataloader.dataset.pipeline[2].use_udp = True


def drop_decoder(cfg):
    del cfg.model.head.decoder


def change_estimator(cfg):
    cfg.model.type = 'MyEstimator'


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (drop_targets, 'no data loader has GenerateTarget'),
        (drop_crops, 'no data loader has TopdownAffine'),
        (
            mix_grids,
            'train_dataloader.dataset.pipeline.5.use_udp is False with a codec',
        ),
        (drop_decoder, 'model.head has no decoder'),
        (
            change_estimator,
            'model.type is MyEstimator with aligned_flip=True; expected',
        ),
    ],
)
def test_a_base_that_is_refused_is_left_alone(spoil, message):
    cfg = load_stock(RES50)
    spoil(cfg)
    before = cfg.to_dict()
    with pytest.raises(ValueError, match=re.escape(message)):
        with_codec(cfg, aligned_flip=True)
    assert cfg.to_dict() == before


def test_names_of_this_file_are_mmposes():
    assert {RES50, DARK, UDP, COMBINED, MSPN, VIS, STAGE2, VITPOSE} <= {*NAMES}


@pytest.mark.parametrize('base', [VIS, STAGE2])
def test_options_of_the_command_line_reach_every_copy(base, tmp_path):
    """`codec.NAME=VALUE`, where a decoder or a later pipeline lies deeper than usual."""
    cfg = load_with_codec(base, tmp_path)
    cfg.merge_from_dict(expand_codec_options(cfg, {'codec.sigmas': 1.5}))
    assert check_codec_agreement(read_outline(cfg)) == []
    running = [cfg.model, cfg.train_dataloader, cfg.custom_hooks]
    codecs = [codec for part in running for codec in find_codecs(part)]
    assert {codec['sigmas'] for codec in codecs} == {1.5}
    assert len(codecs) == (3 if base == STAGE2 else 2)


@pytest.mark.filterwarnings('ignore:The metainfo config file')
@pytest.mark.parametrize(
    ('path', 'value', 'found'),
    [
        (None, None, []),
        ('val_dataloader.dataset.pipeline.2.use_udp', True, None),
        ('model.test_cfg.shift_heatmap', False, None),
        ('model.head.type', 'VisPredictHead', None),
        ('model.head.loss.use_target_weight', False, ['codec.balance_weights']),
        ('model.head.out_channels', 16, []),  # the datasets' joints are 17: not known
        ('codec.sigmas', [1.0, 2.0], None),
    ],
)
def test_the_codec_finds_what_does_not_fit_it(path, value, found, tmp_path):
    cfg = load_with_codec(RES50, tmp_path, "sigmas='set2', balance_weights=True")
    if path is not None:
        cfg.merge_from_dict({path: value}, allow_list_keys=True)
    options = {k: v for k, v in cfg.codec.to_dict().items() if k != 'type'}
    problems = JointAdaptiveMSRAHeatmap(**options).find_config_problems(
        read_outline(cfg)
    )
    assert [p.place for p in problems] == ([path] if found is None else found)
