import re

import pytest

from studies.analysis.device_results import load_device_runs
from studies.report.make_report import (
    BEGIN,
    END,
    PAGE_BLOCKS,
    render_blocks,
    replace_block,
)
from studies.report.repeat_table import REPEATS
from studies.training.datasets import ROOT
from studies.training.result_files import RESULTS, load_results
from studies.variants.former_names import FORMER_NAMES

PAGES = [ROOT / 'docs' / name for name in ('study.md', 'study-runs.md')]
STUDY, RUNS = (path.read_text(encoding='utf-8') for path in PAGES)


@pytest.fixture(scope='module')
def blocks():
    repeats = load_results(RESULTS / REPEATS)
    return render_blocks(load_results(RESULTS), load_device_runs(), repeats)


def remove_blocks(text):
    return re.sub(
        r'<!-- generated: (\S+) -->.*?<!-- end of \1 -->', '', text, flags=re.S
    )


def test_tables_have_every_variant_that_was_run(few_results):
    blocks = render_blocks(few_results)
    for name in {result['variant'] for result in few_results}:
        assert f'| `{name}` |' in blocks['studio17']
    assert blocks['lspet-4k'] == 'No run is finished yet.'


def test_block_is_replaced_between_its_markers():
    text = f'a\n{BEGIN.format("x")}\nold\n{END.format("x")}\nb\n'
    once = replace_block(text, 'x', 'new')
    assert once == f'a\n{BEGIN.format("x")}\nnew\n{END.format("x")}\nb\n'
    assert replace_block(once, 'x', 'new') == once
    with pytest.raises(ValueError, match='once each'):
        replace_block('no markers', 'x', 'new')
    with pytest.raises(ValueError, match='stands before'):
        replace_block(f'{END.format("x")} {BEGIN.format("x")}', 'x', 'new')


def test_report_in_the_docs_is_made_from_the_results(blocks):
    for name, content in blocks.items():
        text = STUDY if name in PAGE_BLOCKS else RUNS
        assert replace_block(text, name, content) == text, (
            f'tables of {name} differ from the results: run studies/make_report.py'
        )


def test_headline_in_the_readme_is_made_from_the_results(blocks):
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert replace_block(text, 'headline', blocks['headline']) == text, (
        'run studies/make_report.py'
    )


def test_differences_quoted_in_the_text_are_in_the_tables(blocks):
    tables = '\n'.join(blocks.values())
    quoted = re.findall(r'[+-]?\d+\.\d ± \d+\.\d', remove_blocks(STUDY + RUNS))
    assert len(quoted) > 10
    for number in quoted:
        assert f' {number}' in tables, number


def test_study_is_short(blocks):
    assert len(blocks['main'].splitlines()) - 2 <= 12
    assert STUDY.count('![') == 4
    assert len(remove_blocks(STUDY).split()) < 900
    for name in blocks:
        assert (BEGIN.format(name) in STUDY) == (name in PAGE_BLOCKS)


def test_variants_named_in_the_text_were_run(blocks):
    text = remove_blocks(STUDY + RUNS)
    named = set(re.findall(r'`((?:published|centered|subcell)-[\w.-]+)`', text))
    assert named
    for name in named:
        assert f'`{name}`' in blocks['studio17'], name
    assert not [name for name in FORMER_NAMES if f'`{name}`' in text]
