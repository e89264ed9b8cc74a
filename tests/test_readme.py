"""What the documents name exists, and the numbers they quote come from where they say."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / 'README.md',
    ROOT / 'CONTRIBUTING.md',
    *sorted((ROOT / 'docs').glob('*.md')),
]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def code_of(path: Path) -> str:
    return '\n'.join(re.findall(r'```bash\n(.*?)```', path.read_text(), re.DOTALL))


@pytest.mark.parametrize('path', DOCUMENTS, ids=name_of)
def test_links_inside_the_repository_lead_somewhere(path):
    for target in re.findall(r'\]\(([^)#]+)', path.read_text()):
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
    for name in re.findall(r'python3? ((?:tools|benchmarks|studies)/\S+\.py)', code):
        assert (ROOT / name).exists(), name
    for name in re.findall(r'-r (\S+\.txt)', code):
        assert (ROOT / name).exists(), name


def test_readme_is_finished():
    assert not re.search(r'@[A-Z]+@|TODO|FIXME|XXX', (ROOT / 'README.md').read_text())


def test_versions_in_the_readme_are_the_pinned_ones():
    pins = dict(
        re.findall(
            r'^([\w-]+)==([\d.]+)', (ROOT / 'requirements/stack.txt').read_text(), re.M
        )
    )
    readme = (ROOT / 'README.md').read_text()
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
    'source', ['benchmarks/codec_speed.md', 'benchmarks/block_cost.md']
)
def test_measured_rows_are_those_of_the_benchmarks(source):
    readme = (ROOT / 'README.md').read_text()
    rows = re.search(
        rf'<!-- rows of {source} -->\n(.*?)<!-- end -->', readme, re.DOTALL
    )[1]
    rows = [line for line in rows.splitlines() if line]
    assert len(rows) > 3
    written = (ROOT / source).read_text().splitlines()
    for row in rows:
        assert row in written, row


def test_expected_ap_of_the_demo_is_the_same_in_readme_and_config():
    config = (ROOT / 'configs' / 'demo' / 'demo_gm_set2_synthetic.py').read_text()
    expected = re.search(r'# Expected: AP (0\.\d+)', config)[1]
    assert f'AP {expected}' in (ROOT / 'README.md').read_text()
