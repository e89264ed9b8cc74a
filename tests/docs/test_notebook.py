"""The notebooks run, and give what stands in them."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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
def execute(monkeypatch, tmp_path, warm_python):
    """Run a notebook -> what stands in it, what it gave."""
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    monkeypatch.setenv('PYTHONPATH', path)
    monkeypatch.setenv('GM_POSE_CACHE', str(tmp_path / 'cache'))
    # what a cell starts with Python has MMPose imported already
    start = nbformat.v4.new_code_cell(f"import sys; sys.executable = '{warm_python}'")

    def run(name: str):
        written, ran = (nbformat.read(NOTEBOOKS / name, as_version=4) for _ in range(2))
        for cell in ran.cells:
            if cell.cell_type == 'code':
                cell.outputs = []
        ran.cells.insert(0, start)
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


def test_four_commands_run_on_rendered_people(execute, tmp_path):
    written, ran = execute('from-annotations-to-a-decision.ipynb')
    assert count_pictures(ran) == count_pictures(written) == 2
    printed, expected = list_printed(ran), list_printed(written)
    assert len(printed) == len(expected) == 4
    assert printed[:2] == expected[:2]  # what follows depends on the processor
    assert 'wrote demo/demo_small.py' in printed[0]
    assert (tmp_path / 'run' / 'epoch_2.pth').is_file()
    assert (tmp_path / 'report.html').read_text().startswith('<!doctype html>')
    (answer,) = (
        output.data['text/markdown']
        for cell in ran.cells
        for output in cell.get('outputs', [])
        if 'text/markdown' in output.get('data', {})
    )
    assert re.search(
        r'\| \*{0,2}uniform2\*{0,2} \| 2 \| 1 \| [\d.]+ \| [\d.]+ \|', answer
    )
    assert (tmp_path / 'sweep' / 'report.html').is_file()
    sizes = [(NOTEBOOKS / path).stat().st_size for path in os.listdir(NOTEBOOKS)]
    assert max(sizes) < 400_000
