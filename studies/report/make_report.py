"""Write the tables and figures of docs/study.md and study-runs.md from the results alone.

python studies/make_report.py
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

from gm_pose.codecs.dataset_metainfo import load_skeleton
from gm_pose.ops.skeleton import COCO
from studies.analysis.device_results import (
    DEVICE_RUNS,
    DeviceResults,
    load_device_runs,
)
from studies.analysis.select_variants import select_pair
from studies.analysis.study_results import StudyResults
from studies.report.decoding_tables import (
    render_decoded_pair,
    render_decodings,
    render_flip_tests,
    render_people,
)
from studies.report.device_tables import Finals, render_device_blocks, render_goals
from studies.report.headline import render_headline
from studies.report.main_tables import (
    list_main_variants,
    render_main_comparison,
    render_main_table,
    render_selected_sigmas,
)
from studies.report.repeat_table import REPEATS, render_repeats
from studies.report.summary_table import render_summary
from studies.report.tables import render_comparisons, render_joints, render_variants
from studies.training.datasets import DATASETS, ROOT
from studies.training.result_files import RESULTS, load_results

CPU_DATASETS = ('studio17', 'studio17-long', 'lspet-4k')
BEGIN, END = '<!-- generated: {} -->', '<!-- end of {} -->'
# beside the best uniform and the best joint-adaptive variant
JOINT_VARIANTS = ('published-set1', 'centered-set1', 'subcell-uniform2.5-jw')
OFFSET_VARIANTS = (
    'published-set1',
    'centered-set1',
    'published-set2',
    'centered-set2',
    'subcell-uniform2',
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--results', type=Path, default=RESULTS)
    parser.add_argument('--report', type=Path, default=ROOT / 'docs' / 'study.md')
    parser.add_argument('--runs', type=Path, default=ROOT / 'docs' / 'study-runs.md')
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


def load_joint_names(metainfo: str) -> tuple[str, ...]:
    """Dataset name or metainfo file -> names of its joints."""
    path = ROOT / metainfo if metainfo.endswith('.py') else metainfo
    return load_skeleton(str(path)).joint_names


# the blocks of docs/study.md; all others are in docs/study-runs.md
PAGE_BLOCKS = ('headline', 'goals', 'main')


def find_finals(device: DeviceResults) -> Finals | None:
    """The finalists of the runs on a device, if there are any."""
    return Finals(device) if device.finals and device.screening else None


def render_blocks(
    results: list[dict],
    device_runs: Iterable[dict] = (),
    repeats: Iterable[dict] = (),
) -> dict[str, str]:
    """All results -> the generated blocks' names and their Markdown."""
    studio = StudyResults(results, 'studio17')
    device = DeviceResults(device_runs)
    finals = find_finals(device)
    blocks = {
        'headline': render_headline(studio, finals),
        'goals': render_goals(finals),
        'main': render_summary(studio, finals),
        **render_device_blocks(device, finals),
        'steps': render_main_table(studio),
        'flip': render_flip_tests(studio),
        'lead': render_main_comparison(studio),
        'decodings': f'{render_decodings(studio)}\n\n{render_decoded_pair(studio)}',
        'people': render_people(studio),
        'repeats': render_repeats(repeats, results),
        'sigmas': render_selected_sigmas(studio, COCO.joint_names, COCO.mirror),
    }
    for name, dataset in DATASETS.items():
        of_dataset = StudyResults(results, name)
        if name in CPU_DATASETS:
            blocks[name] = (
                render_dataset(of_dataset, load_joint_names(dataset.metainfo))
                if of_dataset.runs
                else 'No run is finished yet.'
            )
    return blocks


def render_dataset(results: StudyResults, joint_names: tuple[str, ...]) -> str:
    """The complete tables of one dataset."""
    adaptive, uniform = select_pair(results)
    shown = dict.fromkeys((*JOINT_VARIANTS, uniform, adaptive))
    variants = [name for name in shown if name is not None and name in results]
    return '\n\n'.join(
        (
            'Every variant (report split; mean ± 95 % interval over the seeds):',
            render_variants(results),
            'Differences between variants, paired by seed:',
            render_comparisons(results),
            'Per joint, without flip test: mean OKS in percent / median error in '
            'input px / mean offset x y in input px:',
            render_joints(results, joint_names, variants),
        )
    )


def write_blocks(path: Path, blocks: dict[str, str]) -> None:
    """Put generated blocks into a file that has their markers."""
    text = path.read_text(encoding='utf-8')
    for name, content in blocks.items():
        text = replace_block(text, name, content)
    path.write_text(text, encoding='utf-8')


def draw_figures(
    results: list[dict], folder: Path, device_runs: Iterable[dict] = ()
) -> None:
    """Draw every figure that the results allow."""
    from studies.report.device_figures import draw_differences, draw_joint_gains
    from studies.report.draw_misplacement import draw_misplacement
    from studies.report.figures import draw_ap, draw_learned_sigmas, draw_offsets

    folder.mkdir(parents=True, exist_ok=True)
    draw_misplacement(folder / 'misplaced-target.png')
    studio = StudyResults(results, 'studio17')
    if main_variants := list_main_variants(studio):
        draw_ap(studio, folder / 'main-ap.png', main_variants, 'plain')
    for name, dataset in DATASETS.items():
        of_dataset = StudyResults(results, name)
        if not of_dataset.runs:
            continue
        draw_ap(of_dataset, folder / f'{name}-ap.png')
        shown = [variant for variant in OFFSET_VARIANTS if variant in of_dataset]
        if shown:
            path = folder / f'{name}-offsets.png'
            joint_names = load_joint_names(dataset.metainfo)
            draw_offsets(of_dataset, joint_names, shown, path)
        draw_learned_sigmas(of_dataset, folder / f'{name}-learned-sigmas.png')
    if finals := find_finals(DeviceResults(device_runs)):
        draw_differences(finals, folder / 'device-differences.png')
        draw_joint_gains(finals, folder / 'device-joints.png')


def main() -> None:
    args = parse_args()
    results = load_results(args.results)
    device_runs = load_device_runs(
        args.results / 'device' / path.name for path in DEVICE_RUNS
    )
    blocks = render_blocks(results, device_runs, load_results(args.results / REPEATS))
    shown = {name: blocks.pop(name) for name in PAGE_BLOCKS}
    write_blocks(args.report, shown)
    write_blocks(args.runs, blocks)
    write_blocks(args.readme, {'headline': shown['headline']})
    if not args.no_figures:
        draw_figures(results, args.report.with_suffix(''), device_runs)
    print(
        f'{len(results)} and {len(device_runs)} results -> {args.report}, {args.runs}'
    )
