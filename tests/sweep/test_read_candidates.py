import json

import pytest

from gm_pose.ops.skeleton import COCO, Skeleton
from gm_pose.runs.user_errors import UserError
from gm_pose.sweep.read_candidates import read_candidates

ARM = Skeleton('arm', ('shoulder', 'elbow', 'hand'), (0, 1, 2), (0.08, 0.08, 0.04))


def read(text, skeleton=ARM):
    return {c.name: c for c in read_candidates([text], skeleton, (48, 64))}


def test_uniform_sigmas_are_one_number_each():
    found = read('uniform:1.5,2')
    assert list(found) == ['uniform1.5', 'uniform2']
    assert found['uniform1.5'].sigmas_cells == (1.5,)
    assert found['uniform1.5'].codec_options == dict(sigmas=1.5)
    assert found['uniform2'].is_uniform


def test_oks_tables_have_the_mean_and_the_power_asked_for():
    found = read('oks:2,2.5 oks^0.5:2')
    assert found['oks-2'].sigmas_cells == (2.4, 2.4, 1.2)
    assert found['oks-2.5'].sigmas_cells == (3.0, 3.0, 1.5)
    # roots 1 : 1 : 1 / sqrt(2), of mean 2: 6 / (2 + 1 / sqrt(2)) = 2.2164
    assert found['oks^0.5-2'].sigmas_cells == (2.2164, 2.2164, 1.5672)
    assert found['oks-2'].codec_options == dict(
        sigmas=[2.4, 2.4, 1.2], balance_weights=True
    )


def test_papers_tables_as_they_are_and_scaled():
    found = read('set1 set2 set2:2 set2^0.5:2', COCO)
    assert found['set2'].sigmas_cells[:3] == (0.85, 0.84, 0.84)
    for name in ('set2-2', 'set2^0.5-2'):
        assert sum(found[name].sigmas_cells) / 17 == pytest.approx(2, abs=1e-3)
    spreads = [
        max(c) / min(c) for c in (found[n].sigmas_cells for n in list(found)[1:])
    ]
    assert spreads[0] == pytest.approx(spreads[1], rel=1e-3)
    assert spreads[2] == pytest.approx(spreads[0] ** 0.5, rel=1e-3)


def test_sigmas_by_joint_and_an_unbalanced_loss():
    found = read('small=hand:1,default:2 small2=hand:1,default:2@plain oks:2@plain')
    assert found['small'].sigmas_cells == (2.0, 2.0, 1.0)
    assert found['small'].balance is True
    assert found['small2'].balance is False
    assert found['oks-2-plain'].balance is False


def test_json_of_joints_is_one_candidate_and_of_names_several(tmp_path):
    joints, names = tmp_path / 'mine.json', tmp_path / 'several.json'
    joints.write_text(json.dumps(dict(hand=1, default=2)))
    names.write_text(json.dumps(dict(a=1.5, b=[1, 2, 3], c=dict(hand=1.5, default=2))))
    found = read(f'{joints} {names}')
    assert {name: c.sigmas_cells for name, c in found.items()} == dict(
        mine=(2, 2, 1), a=(1.5,), b=(1, 2, 3), c=(2, 2, 1.5)
    )


def test_python_file_holds_the_mapping_as_sigmas(tmp_path):
    path = tmp_path / 'tables.py'
    path.write_text('sigmas = dict(a=2.0, b=dict(hand=1.0, default=2.0))')
    assert list(read(str(path))) == ['a', 'b']


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('gauss:2 oks:2', r"--sigmas gauss:2 is no table of sigmas; expected 'uniform"),
        ('uniform:2,x', r"--sigmas uniform:2,x: 'x' is no number"),
        ('uniform:2,', r"uniform:2,: '' is no number"),
        ('uniform:-1,2', r'uniform:-1,2: -1 is not above 0; expected cells'),
        ('uniform:nan,2', r'uniform:nan,2: .*must be finite and > 0'),
        ('oks uniform:2', r'--sigmas oks has no number; expected oks:2, in cells'),
        ('uniform^2:2 oks:2', r'a uniform sigma has no power'),
        ('oks^x:2 oks:2', r"oks\^x:2: 'x' is no number"),
        ('uniform:2', r'--sigmas has 1 candidate; expected at least 2'),
        ('uniform:2,2.0', r'names uniform2 twice'),
        ('a=nose:1,default:2 oks:2', r"names \['nose'\], which are no joints of 'arm'"),
        ('a=hand:1 oks:2', r"no sigma for \['shoulder', 'elbow'\]"),
        ('a=hand oks:2', r"'hand' is no joint and number; expected NAME=nose:1"),
        ('a/b=hand:1,default:2 oks:2', r"'a/b' is no file name"),
        ('set1 oks:2', r"table 'set1' has no sigma for \['shoulder'"),
        ('uniform:2,1e9', r'uniform:2,1e9: sigma is 1e\+09 .*; expected at most'),
        ('uniform:2,1e-9', r'uniform:2,1e-9: sigma is 0 cells; expected at least'),
        ('uniform:2 same=default:2', r'uniform2 and same have the same sigmas'),
        ('a=hand:1,hand:2,default:2 oks:2', r'hand has two sigmas; expected one'),
        ('missing.json oks:2', r'missing.json'),
        ('missing.py oks:2', r'--sigmas missing.py does not exist'),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(UserError, match=message):
        read(text)


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.json', '[1, 2, 3]', 'holds list; expected a mapping'),
        ('a.json', '{"b": [1, 2]}', '2 sigmas for 3 joints'),
        ('a.py', 'tables = {}', 'has no variable `sigmas`'),
        ('a.py', 'sigmas = 1 / 0', 'cannot be read: division by zero'),
    ],
)
def test_mistakes_in_files_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message):
        read(f'{tmp_path / name} uniform:2')
