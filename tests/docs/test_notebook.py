"""The notebook runs, and prints what stands in it."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / 'docs' / 'notebooks' / 'from-photo-to-pose.ipynb'


def list_printed(notebook) -> list[str]:
    return [
        output['text']
        for cell in notebook.cells
        for output in cell.get('outputs', [])
        if output['output_type'] == 'stream'
    ]


def count_pictures(notebook) -> int:
    return sum(
        'image/png' in output.get('data', {})
        for cell in notebook.cells
        for output in cell.get('outputs', [])
    )


def test_notebook_runs_and_prints_what_stands_in_it(monkeypatch):
    path = os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])
    monkeypatch.setenv('PYTHONPATH', path)
    written = nbformat.read(NOTEBOOK, as_version=4)
    ran = nbformat.read(NOTEBOOK, as_version=4)
    for cell in ran.cells:
        if cell.cell_type == 'code':
            cell.outputs = []
    NotebookClient(ran, timeout=120, kernel_name='python3').execute()
    assert len(list_printed(written)) == 3
    assert list_printed(ran) == list_printed(written)
    assert count_pictures(ran) == count_pictures(written) == 2
