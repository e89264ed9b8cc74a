"""Results files of two runs, and a browser for the page."""

import json
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from report_people import make_truth, predict


@pytest.fixture(scope='session')
def browser():
    if CHROMIUM is None:
        pytest.skip('no Chromium here')
    tab = Browser()
    yield tab
    tab.close()


@pytest.fixture(scope='session')
def files(tmp_path_factory) -> Path:
    """truth.json, good.json, and bad.json, which is off by twice as much."""
    folder = tmp_path_factory.mktemp('results')
    truth = make_truth()
    (folder / 'truth.json').write_text(json.dumps(truth))
    (folder / 'good.json').write_text(json.dumps(predict(truth, 5.0, seed=1)))
    (folder / 'bad.json').write_text(json.dumps(predict(truth, 10.0, seed=2)))
    return folder
