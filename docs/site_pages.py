"""MkDocs hook: pages that are kept outside of docs/, and links that lead out of it.

README.md and others are read on the repository's pages, too, so that they stay where they
are and link to files as they lie in the repository. Here they become pages of the site,
their links are turned to pages, and links to source files, which have no page, lead to the
repository (`repo_url`) or, without one, become plain text.
"""

import base64
import json
import os
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
# file of the repository -> page of the site
PAGES = {
    'README.md': 'index.md',
    'CONTRIBUTING.md': 'CONTRIBUTING.md',
    'CHANGELOG.md': 'CHANGELOG.md',
    **{
        (name := f'benchmarks/{path.name}'): name
        for path in ROOT.glob('benchmarks/*.md')
    },
    **{
        f'docs/notebooks/{path.name}': f'notebooks/{path.stem}.md'
        for path in DOCS.glob('notebooks/*.ipynb')
    },
}
_SOURCES = {page: source for source, page in PAGES.items()}
_IMAGE = re.compile(r'<img src="([^"]+)" alt="([^"]+)" width="(\d+)">')
_LINK = re.compile(r'(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)')


def on_files(files, config):
    """Add the pages."""
    for source, page in PAGES.items():
        if source.endswith('.ipynb'):
            notebook = json.loads((ROOT / source).read_text())
            text, pictures = convert_notebook(notebook, Path(source).stem)
            for name, content in pictures.items():
                uri = f'{os.path.dirname(page)}/{name}'
                files.append(File.generated(config, uri, content=content))
        else:
            text = (ROOT / source).read_text(encoding='utf-8')
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turn the links of one page."""
    uri = page.file.src_uri
    source = _SOURCES.get(uri, f'docs/{uri}')
    parts = re.split(r'(^```.*?^```$)', markdown, flags=re.MULTILINE | re.DOTALL)
    for index in range(0, len(parts), 2):  # the others are code
        text = _IMAGE.sub(r'![\2](\1){ width=\3 }', parts[index])
        text = text.replace(' ± ', '\u00a0±\u00a0')  # one number, in narrow tables too
        parts[index] = _LINK.sub(
            lambda link: turn_link(link, source, uri, config.repo_url), text
        )
    return ''.join(parts)


def turn_link(link: re.Match, source: str, uri: str, repo_url: str | None) -> str:
    """A link of the file `source` -> the same link on the page `uri`."""
    mark, text, target = link.groups()
    if '://' in target or target.startswith(('#', 'mailto:')):
        return link[0]
    path, hash_sign, anchor = target.partition('#')
    path = os.path.normpath(os.path.join(os.path.dirname(source), path))
    if not (ROOT / path).exists():
        raise PluginError(f'{source} links to {target}, which does not exist')
    if path in PAGES or path.startswith('docs/'):
        page = PAGES.get(path, path.removeprefix('docs/'))
        path = os.path.relpath(page, os.path.dirname(uri) or '.')
        return f'{mark}[{text}]({path}{hash_sign}{anchor})'
    return f'[{text}]({repo_url.rstrip("/")}/blob/main/{path})' if repo_url else text


def convert_notebook(notebook: dict, name: str) -> tuple[str, dict[str, bytes]]:
    """Notebook with its outputs -> Markdown, and the pictures in it by file name."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook['cells']:
        text = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown':
            parts.append(text)
            continue
        parts.append(f'```python\n{text}\n```')
        for output in cell['outputs']:
            data = output.get('data', {})
            for kind in ('png', 'jpeg'):
                if f'image/{kind}' in data:
                    file = f'{name}-{len(pictures)}.{kind}'
                    pictures[file] = base64.b64decode(data[f'image/{kind}'])
                    parts.append(
                        f'<img src="../{file}" alt="output of the cell above">'
                    )
            if 'text/markdown' in data:
                parts.append(''.join(data['text/markdown']))
            if output['output_type'] == 'stream':
                parts.append(f'```text\n{"".join(output["text"])}```')
            elif data.keys() == {'text/plain'}:
                parts.append(f'```text\n{"".join(data["text/plain"])}\n```')
    return '\n\n'.join(parts) + '\n', pictures
