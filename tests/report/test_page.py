"""The report's file in a real browser, wide and narrow, and what it says."""

import json
import re
import sys

import cv2
import numpy as np
import pytest
from report_people import make_truth, predict

from gm_pose.report.reading.run_inputs import DataOptions, read_run
from gm_pose.report.write_report import write_report
from gm_pose.runs.user_errors import UserError

EVIL = '</script><script>alert("x")</script> & <b>'


@pytest.fixture(scope='module')
def pages(files, tmp_path_factory):
    """one.html of one run, two.html of two; comparisons of the second."""
    folder = tmp_path_factory.mktemp('pages')
    (folder / 'images').mkdir()
    picture = np.full((200, 200, 3), (60, 120, 60), np.uint8)
    for n in range(1, 20):  # the rest have no image
        cv2.imwrite(str(folder / 'images' / f'{n}.jpg'), picture)
    options = DataOptions(str(files / 'truth.json'), str(folder / 'images'))
    good = read_run(str(files / 'good.json'), 'good', options)
    bad = read_run(str(files / 'bad.json'), EVIL, options)
    write_report([good], str(folder / 'one.html'), num_people=4)
    write_report([good, bad], str(folder / 'two.html'), num_people=4)
    return folder


@pytest.mark.parametrize('count', [0, 4, 20])
def test_progress_ends_with_the_last_person(files, tmp_path, count):
    options = DataOptions(str(files / 'truth.json'))
    names = ('good', 'bad')
    runs = [read_run(str(files / f'{name}.json'), name, options) for name in names]
    steps = []
    path = str(tmp_path / 'two.html')
    write_report(runs, path, count, lambda *step: steps.append(step))
    drawn = [step[1:] for step in steps if step[0] == 'people drawn']
    assert drawn == [(n + 1, len(drawn)) for n in range(len(drawn))]
    assert bool(drawn) == bool(count)


def open_page(browser, path, width):
    """Open a page: no errors, no requests, nothing wider than the window."""
    browser.messages.clear()
    browser.open(path, width)
    assert browser.messages == []
    assert browser.evaluate('document.documentElement.scrollWidth') == width
    drawn = browser.evaluate(
        "[...document.querySelectorAll('.plot')].map(p => [p.offsetWidth, "
        "p.querySelector('svg.main-svg') ? p.querySelector('svg').clientWidth : 0])"
    )
    assert len(drawn) >= 7
    for place, chart in drawn:
        assert 0 < place <= width
        assert chart == place


# A page is opened once for all that is looked at: the browser reads 5 MB each time.
def test_one_run_wide(browser, pages):
    open_page(browser, pages / 'one.html', 1280)
    check_top(browser)
    check_sorting(browser)
    check_filters(browser)


def check_top(browser):
    """Numbers of the analysis stand at the top."""
    text = browser.evaluate("document.getElementById('summary').innerText")
    found = re.search(r'AP\n+([\d.]+)\n+95 %: ([\d.]+) to ([\d.]+)', text)
    value, low, high = map(float, found.groups())
    assert 0 < low < value < high < 100
    # the smallest sigmas lose most under the same noise
    assert re.search(r'Worst joint\n+(left|right) eye|Worst joint\n+nose', text)
    assert re.search(r'Best joint\n+(left|right) hip', text)
    header = browser.evaluate("document.querySelector('header').innerText")
    assert '24 people in 24 images, 17 joints; 24 people found' in header


def check_sorting(browser):
    """A click on a column's head sorts the table."""
    column = (
        "[...document.querySelectorAll('.sortable tbody tr')]"
        '.map(r => parseFloat(r.cells[2].innerText))'
    )
    before = browser.evaluate(column)
    browser.evaluate("document.querySelectorAll('.sortable thead th')[2].click()")
    assert browser.evaluate(column) == sorted(before, reverse=True) != before


def check_filters(browser):
    """Cards that do not fit all filters are hidden."""
    count = "document.querySelectorAll('.card:not([hidden])').length"
    choose = (
        "(() => {{const f = document.getElementById('filters').elements.{0}; "
        "f.value = '{1}'; f.dispatchEvent(new Event('input', {{bubbles: true}}));}})()"
    )
    assert browser.evaluate(count) == 4
    browser.evaluate(choose.format('group', ''))
    assert browser.evaluate(count) == 8
    browser.evaluate(choose.format('labelled', '18'))
    assert browser.evaluate(count) == 0
    browser.evaluate(choose.format('labelled', '1'))
    browser.evaluate(choose.format('kind', 'jitter'))
    errors = browser.evaluate(
        "[...document.querySelectorAll('.card')].map(c => c.dataset.errors)"
    )
    assert browser.evaluate(count) == sum('jitter' in json.loads(e) for e in errors)


def test_one_run_narrow(browser, pages):
    open_page(browser, pages / 'one.html', 400)


def test_two_runs_narrow(browser, pages):
    open_page(browser, pages / 'two.html', 400)
    verdict = browser.evaluate("document.querySelector('.verdict').innerText")
    assert 'is worse than good on these people' in verdict
    assert EVIL in verdict  # as text, not as markup
    assert browser.evaluate("document.querySelectorAll('main script').length") == 0
    assert (
        browser.evaluate("document.querySelectorAll('#summary tbody tr').length") == 2
    )


def test_two_runs_wide_and_printed(browser, pages, tmp_path):
    open_page(browser, pages / 'two.html', 1280)
    browser.print_pdf(tmp_path / 'two.pdf')
    assert (tmp_path / 'two.pdf').read_bytes().startswith(b'%PDF')


def test_file_names_no_other_host(pages):
    text = (pages / 'two.html').read_text()
    body = re.sub(r'<script>.*?</script>', '', text, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!data:|#)', body)
    assert "default-src 'none'" in text


def test_missing_library_names_the_command(files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'plotly', None)
    options = DataOptions(str(files / 'truth.json'))
    run = read_run(str(files / 'good.json'), 'good', options)
    with pytest.raises(UserError, match=r"plotly.*pip install 'gm_pose\[report\]'"):
        write_report([run], str(tmp_path / 'out.html'))
    assert not list(tmp_path.iterdir())


def test_small_and_odd_data_make_a_page(tmp_path):
    """One person of one image; nobody found in a second."""
    truth = make_truth(2)
    (tmp_path / 'truth.json').write_text(json.dumps(truth))
    (tmp_path / 'run.json').write_text(json.dumps(predict(truth, 3)[:1]))
    run = read_run(
        str(tmp_path / 'run.json'), 'x', DataOptions(str(tmp_path / 'truth.json'))
    )
    write_report([run], str(tmp_path / 'out.html'), num_people=3)
    assert 'not found' in (tmp_path / 'out.html').read_text()
