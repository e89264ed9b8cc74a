"""Write the tables and figures of docs/study.md from the kept results alone.

python studies/make_report.py
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.ops.skeleton import COCO
from studies.datasets import DATASETS, ROOT
from studies.kept_results import RESULTS, load_results
from studies.pick_sigmas import render_picks
from studies.report_headline import render_headline
from studies.report_readings import (
    render_goal,
    render_people,
    render_read_comparison,
    render_readings,
)
from studies.report_tables import (
    choose_pair,
    group_results,
    render_arms,
    render_comparisons,
    render_joints,
)

BEGIN, END = '<!-- generated: {} -->', '<!-- end of {} -->'
# beside the best uniform and the best joint-adaptive arm
JOINT_ARMS = ['msra-set1', 'ctr-set1', 'sub-u2.5-w-hard']
OFFSET_ARMS = ['msra-set1', 'ctr-set1', 'msra-set2', 'ctr-set2', 'sub-u2.0']


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--results', type=Path, default=RESULTS)
    parser.add_argument('--report', type=Path, default=ROOT / 'docs' / 'study.md')
    parser.add_argument('--readme', type=Path, default=ROOT / 'README.md')
    parser.add_argument('--no-figures', action='store_true')
    return parser.parse_args()


def replace_block(text: str, name: str, content: str) -> str:
    """Put `content` between the markers of the generated block `name`.

    Raises:
        ValueError: the markers are not both there, once and in order.
    """
    begin, end = BEGIN.format(name), END.format(name)
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the report needs '{begin}' and '{end}' once each")
    head, rest = text.split(begin)
    old, tail = rest.split(end) if end in rest else (None, '')
    if old is None:
        raise ValueError(f"'{end}' stands before '{begin}'")
    return f'{head}{begin}\n{content}\n{end}{tail}'


def render_blocks(results: list[dict]) -> dict[str, str]:
    """All results -> the generated blocks' names and their Markdown."""
    studio = group_results(results, 'studio17')
    blocks = {
        'headline': render_headline(studio),
        'goal': render_goal(studio),
        'readings': f'{render_readings(studio)}\n\n{render_read_comparison(studio)}',
        'people': render_people(studio),
        'picks': render_picks(studio, COCO.joint_names, COCO.mirror),
    }
    for name, dataset in DATASETS.items():
        grouped = group_results(results, name)
        joints = load_skeleton(str(_find_metainfo(dataset.metainfo))).joint_names
        adaptive, uniform = choose_pair(grouped)
        shown = [*JOINT_ARMS, *[arm for arm in (uniform, adaptive) if arm]]
        if not grouped:
            blocks[name] = 'No run is finished yet.'
            continue
        blocks[name] = '\n\n'.join(
            (
                'Every arm (report part; mean ± 95 % interval over the seeds):',
                render_arms(grouped),
                'Differences of arms, paired by seed:',
                render_comparisons(grouped),
                'Per joint, without flip test: mean OKS in percent / median error in '
                'input px / mean offset x y in input px:',
                render_joints(grouped, joints, list(dict.fromkeys(shown))),
            )
        )
    return blocks


def write_blocks(path: Path, blocks: dict[str, str]) -> None:
    """Put generated blocks into a file that has their markers."""
    text = path.read_text(encoding='utf-8')
    for name, content in blocks.items():
        text = replace_block(text, name, content)
    path.write_text(text, encoding='utf-8')


def _find_metainfo(metainfo: str) -> Path | str:
    return ROOT / metainfo if metainfo.endswith('.py') else metainfo


def draw_figures(results: list[dict], folder: Path) -> None:
    """Draw every figure that the results allow."""
    from studies.draw_misplacement import draw_misplacement
    from studies.report_figures import draw_ap, draw_learned_sigmas, draw_offsets

    folder.mkdir(parents=True, exist_ok=True)
    draw_misplacement(folder / 'misplaced-target.png')
    for name, dataset in DATASETS.items():
        grouped = group_results(results, name)
        if not grouped:
            continue
        joints = load_skeleton(str(_find_metainfo(dataset.metainfo))).joint_names
        draw_ap(grouped, folder / f'{name}-ap.png')
        offset_arms = [arm for arm in OFFSET_ARMS if arm in grouped]
        if offset_arms:
            draw_offsets(grouped, joints, offset_arms, folder / f'{name}-offsets.png')
        draw_learned_sigmas(grouped, folder / f'{name}-learned-sigmas.png')


def main() -> None:
    args = parse_args()
    results = load_results(args.results)
    blocks = render_blocks(results)
    write_blocks(args.report, blocks)
    write_blocks(args.readme, {'headline': blocks['headline']})
    if not args.no_figures:
        draw_figures(results, args.report.with_suffix(''))
    print(f'{len(results)} results -> {args.report}')


if __name__ == '__main__':
    main()
