"""What the documents name exists, and the numbers they quote come from where they say."""

import re
import shlex
from inspect import signature
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / 'README.md'
DOCUMENTS = [
    README,
    ROOT / 'CONTRIBUTING.md',
    ROOT / 'CHANGELOG.md',
    *sorted((ROOT / 'docs').glob('**/*.md')),
    *sorted((ROOT / '.github').glob('**/*.md')),
]
# documents that quote APs of the study
QUOTING = [README, ROOT / 'docs' / 'choose-sigmas.md']


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(path: Path, language: str = 'bash') -> str:
    found = re.findall(rf'```{language}\n(.*?)```', path.read_text(), re.DOTALL)
    return '\n'.join(found)


def list_python_blocks(path: Path) -> list[str]:
    return re.findall(r'```python\n(.*?)```', path.read_text(), re.DOTALL)


@pytest.mark.parametrize('path', DOCUMENTS, ids=name_of)
def test_links_inside_the_repository_lead_somewhere(path):
    for target in re.findall(r'(?:\]\(|<img src=")([^)#"]+)', path.read_text()):
        if '://' not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize('path', DOCUMENTS, ids=name_of)
def test_commands_name_files_and_targets_that_exist(path):
    code = code_of(path)
    makefile = (ROOT / 'Makefile').read_text()
    for target in re.findall(r'^make (\w+)', code, re.MULTILINE):
        assert re.search(rf'^{target}:', makefile, re.MULTILINE), target
    for name in re.findall(r'(?:mim train|mim test) gm_pose (\S+\.py)', code):
        found = [*ROOT.glob(f'configs/**/{Path(name).name}')]
        assert len(found) == 1, name
    for name in re.findall(
        r'python3? ((?:tools|benchmarks|studies|configs)/\S+\.py)', code
    ):
        assert (ROOT / name).exists(), name
    for name in re.findall(r'(configs/\S+\.py)', code):
        assert (ROOT / name).exists(), name
    for name in re.findall(r'-r (\S+\.txt)', code):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize('path', DOCUMENTS, ids=name_of)
def test_commands_of_gm_pose_exist(path):
    from gm_pose.cli import COMMANDS

    inline = re.findall(r'`(?:python -m )?gm_pose ([a-z][\w-]*)', path.read_text())
    lines = re.findall(r'^(?:python -m )?gm_pose (\S+)', code_of(path), re.MULTILINE)
    for name in [*inline, *lines]:
        assert name in COMMANDS, name


@pytest.mark.parametrize('path', DOCUMENTS, ids=name_of)
def test_options_of_the_commands_exist(path):
    from gm_pose.cli import make_parser

    text = '\n'.join(code_of(path, kind) for kind in ('bash', 'sh', 'text'))
    lines = re.findall(
        r'^(?:\$ )?gm_pose (\w.*)', text.replace('\\\n', ' '), re.MULTILINE
    )
    inline = re.findall(r'`gm_pose ([a-z][^`]*)`', path.read_text())
    for words in (shlex.split(line, comments=True) for line in [*lines, *inline]):
        known = make_parser(words[0])._option_string_actions
        assert {word for word in words if word.startswith('--')} <= {*known}, words


def test_readme_is_finished_and_short():
    text = README.read_text()
    assert not re.search(r'@[A-Z]+@|TODO|FIXME|XXX', text)
    assert len(text.splitlines()) <= 120


def test_python_of_the_codec_page_runs():
    path = ROOT / 'docs' / 'use-the-codec.md'
    example = next(b for b in list_python_blocks(path) if 'assert' in b)
    exec(compile(example, path.name, 'exec'), {})  # holds its own assertion


def test_python_of_the_readme_names_what_exists():
    from gm_pose import PoseEstimator
    from gm_pose.inference.people import People

    _, example = list_python_blocks(README)
    assert f'import {PoseEstimator.__name__}\n' in example
    for name in re.findall(r' \.(\w+)', example):
        assert name in signature(People).parameters or hasattr(People, name), name


def test_quick_start_trains_the_recommended_config():
    assert 'Recommended' in (ROOT / 'configs/gm_best_res50_coco.py').read_text().title()
    names = re.findall(r'mim (?:train|test) gm_pose (\S+)', code_of(README))
    assert names == ['gm_best_res50_coco.py'] * 2


def test_versions_in_the_readme_are_the_pinned_ones():
    pins = dict(
        re.findall(
            r'^([\w-]+)==([\d.]+)', (ROOT / 'requirements/stack.txt').read_text(), re.M
        )
    )
    readme = README.read_text()
    for name in (
        'torch',
        'torchvision',
        'mmpose',
        'mmengine',
        'mmcv-lite',
        'mmdet',
        'openmim',
    ):
        assert f'{name} {pins[name]}' in readme, name


@pytest.mark.parametrize(
    ('page', 'source'),
    [
        ('speed.md', 'benchmarks/codec_speed.md'),
        ('speed.md', 'benchmarks/block_cost.md'),
        ('speed.md', 'benchmarks/evaluation_speed.md'),
        ('speed.md', 'benchmarks/guard_cost.md'),
        ('speed.md', 'benchmarks/log_history.md'),
        ('speed.md', 'benchmarks/pipeline_speed.md'),
        ('fast-lane.md', 'benchmarks/iteration_profile.md'),
        ('fast-lane.md', 'benchmarks/start_cost.md'),
    ],
)
def test_measured_rows_are_those_of_the_benchmarks(page, source):
    text = (ROOT / 'docs' / page).read_text()
    rows = re.search(rf'<!-- rows of {source} -->\n(.*?)<!-- end -->', text, re.DOTALL)[
        1
    ]
    rows = [line for line in rows.splitlines() if line]
    assert len(rows) > 3
    written = (ROOT / source).read_text().splitlines()
    for row in rows:
        assert row in written, row


def test_what_the_fast_lane_gives_is_what_was_measured():
    text = (ROOT / 'docs' / 'fast-lane.md').read_text()
    written = (ROOT / 'benchmarks' / 'pipeline_speed.md').read_text()
    measured = written.partition('| validation sample')[0]
    for arm, words in (
        ('original', 'from the files'),
        ('images', 'from a store of images'),
        ('crops', 'from a store of crops'),
    ):
        (cells,) = re.findall(rf'^\| {arm} \|(.+)\|$', measured, re.MULTILINE)
        ratios = [float(cell) for cell in cells.split('|')[1::2]]
        (row,) = re.findall(rf'^\| .*{words} \|(.+)\|$', text, re.MULTILINE)
        said = [float(number) for number in re.findall(r'[\d.]+', row)]
        assert said == [round(ratio, 1) for ratio in ratios], arm


def read_ratios(start: str, state: str = '') -> list[float]:
    """Ratios of the rows of benchmarks/codec_speed.md that begin like this, K = 17."""
    text = (ROOT / 'benchmarks' / 'codec_speed.md').read_text()
    ratios = []
    for row in text.splitlines():
        if row.startswith(f'| {start}') and 'OKS' not in row:
            cells = [cell.strip() for cell in row.strip('|').split('|')]
            if cells[1] == (state or '17'):
                ratios.append(float(re.search(r'\*\*([\d.]+)\*\*', row)[1]))
    return ratios


def test_speed_in_the_readme_is_that_of_the_benchmark():
    text = ' '.join(README.read_text().split())
    encode, decode = read_ratios('encode'), read_ratios('decode 64')
    cold = read_ratios('decode 64', 'cold')
    assert len(encode) == 4
    assert len(decode) == len(cold) == 3
    assert {round(ratio) for ratio in encode} <= {10, 11}
    assert 'encodes 10 times' in text
    assert f'decodes {min(decode):.0f} to {max(decode):.0f} times as fast' in text
    assert f'{min(cold):.0f} to {max(cold):.0f} times with cold caches' in text


def test_states_of_the_caches_in_the_docs_are_those_of_the_benchmark():
    text = ' '.join((ROOT / 'docs' / 'speed.md').read_text().split())
    for state in ('written', 'cold'):
        first, second, third = read_ratios('decode 64', state)
        assert f'{first:.0f}, {second:.0f} and {third:.0f} times' in text


def test_means_of_scores_in_the_docs_are_those_of_the_benchmark():
    rows = re.findall(
        r'^\| ([\w-]+) \| \d+ \| ([^|]+) \| ([\d.]+) \|',
        (ROOT / 'benchmarks' / 'rescoring.md').read_text(),
        re.MULTILINE,
    )
    aps = {(data, score): float(ap) for data, score, ap in rows}
    text = (ROOT / 'docs' / 'how-sure.md').read_text()
    for start, score in (
        ('joints above', 'above 0.2'),
        ('joints, weig', 'by presence'),
    ):
        quoted = re.search(rf'^\| {start}[^|]*\|(.*)\|$', text, re.MULTILINE)[1]
        for data, found in zip(
            ('demo', 'studio17', 'coco-union'), quoted.split('|'), strict=True
        ):
            over_all = aps[data, 'expected OKS, calibrated']
            assert float(found) == round(aps[data, f'the same, {score}'] - over_all, 2)


@pytest.mark.parametrize('path', QUOTING, ids=name_of)
def test_quoted_aps_are_those_of_the_study(path):
    study = ''.join(
        (ROOT / 'docs' / name).read_text() for name in ('study.md', 'study-runs.md')
    )
    text = ' '.join(path.read_text().split())
    quoted = re.findall(
        r'(\d\d\.\d)(?: →| AP| with flip)|([+-]?\d\.\d ± \d\.\d) AP', text
    )
    assert quoted
    for value, difference in quoted:
        assert (value or difference).lstrip('+') in study, value or difference
    number = r'[+-]\d\.\d'
    for found in re.findall(rf'{number} \({number} to {number}\)', text):
        assert found in study, found


def test_expected_ap_of_the_demo_is_the_same_in_readme_and_config():
    config = (ROOT / 'configs' / 'demo' / 'demo_gm_set2_synthetic.py').read_text()
    expected = re.search(r'# Expected: AP (0\.\d+), AR (0\.\d+)', config)
    assert f'AP {expected[1]} and AR {expected[2]}' in README.read_text()


def test_rooms_and_files_of_the_map_exist():
    text = (ROOT / 'CONTRIBUTING.md').read_text()
    named = re.findall(r'`((?:[\w.]+/)+(?:[\w.]+\.\w+)?)`', text)
    opened_later = {'gm_pose/models/losses/'}
    parts_of_rooms = {'heads/', 'pose_estimators/'}
    assert len(named) > 25
    for name in {*named} - opened_later - parts_of_rooms:
        assert (ROOT / name).exists(), name


def test_every_room_is_on_the_map():
    text = (ROOT / 'CONTRIBUTING.md').read_text()
    rooms = [
        path.relative_to(ROOT).as_posix()
        for folder in ('gm_pose', 'gm_pose/runs')
        for path in (ROOT / folder).iterdir()
        if (path / '__init__.py').exists()
    ]
    assert len(rooms) > 10
    for room in rooms:
        assert f'| `{room}/` |' in text, room


def test_workflows_name_files_that_exist():
    text = (ROOT / '.github/workflows/ci.yml').read_text()
    named = re.findall(r'requirements/\w+\.txt', text)
    assert 'requirements/docs.txt' in named
    for name in named:
        assert (ROOT / name).exists(), name
