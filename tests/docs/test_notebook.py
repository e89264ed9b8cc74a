"""The first notebook runs; the commands of the second are parsed."""

import os
import re
import shlex
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from gm_pose.cli import build_parser

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / 'docs' / 'notebooks'


def list_printed(notebook) -> list[str]:
    """What each cell printed, of those that did."""
    printed = (
        ''.join(
            o['text'] for o in cell.get('outputs', []) if o['output_type'] == 'stream'
        )
        for cell in notebook.cells
    )
    return [text for text in printed if text]


def count_pictures(notebook) -> int:
    return sum(
        bool({'image/png', 'image/jpeg'} & set(output.get('data', {})))
        for cell in notebook.cells
        for output in cell.get('outputs', [])
    )


@pytest.fixture
def execute(monkeypatch, tmp_path):
    """Run a notebook -> what stands in it, what it gave."""
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    monkeypatch.setenv('PYTHONPATH', path)
    monkeypatch.setenv('GM_POSE_CACHE', str(tmp_path / 'cache'))

    def run(name: str):
        written, ran = (nbformat.read(NOTEBOOKS / name, as_version=4) for _ in range(2))
        for cell in ran.cells:
            if cell.cell_type == 'code':
                cell.outputs = []
        resources = dict(metadata=dict(path=str(tmp_path)))
        NotebookClient(
            ran, timeout=300, kernel_name='python3', resources=resources
        ).execute()
        return written, ran

    return run


def test_notebook_runs_and_prints_what_stands_in_it(execute):
    written, ran = execute('from-photo-to-pose.ipynb')
    assert len(list_printed(written)) == 3
    assert list_printed(ran) == list_printed(written)
    assert count_pictures(ran) == count_pictures(written) == 2


def test_commands_of_the_second_notebook_are_understood():
    """Executed by hand: it takes minutes. Its commands have tests of their own."""
    written = nbformat.read(NOTEBOOKS / 'from-annotations-to-a-decision.ipynb', 4)
    assert count_pictures(written) == 2
    source = '\n'.join(cell.source for cell in written.cells)
    commands = re.findall(r"""["']((?:look|train|report|sweep) .*)["']""", source)
    assert [c.split()[0] for c in commands] == [
        *('look', 'train', 'report', 'look', 'sweep')
    ]
    for command in commands:
        name, *words = shlex.split(command)
        assert build_parser(name).parse_args([name, *words]).run
    sizes = [(NOTEBOOKS / path).stat().st_size for path in os.listdir(NOTEBOOKS)]
    assert max(sizes) < 400_000
