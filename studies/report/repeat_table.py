"""Runs that were repeated from nothing on another machine -> a table."""

from collections.abc import Iterable

from studies.report.tables import to_markdown

REPEATS = 'repeated'  # below the results, which never read this folder


def render_repeats(repeats: Iterable[dict], results: Iterable[dict]) -> str:
    """Repetitions beside the recorded runs of the same config."""
    recorded = {(r['dataset'], r['variant'], r['seed']): r for r in results}
    rows = []
    for repeat in repeats:
        first = recorded[repeat['dataset'], repeat['variant'], repeat['seed']]
        if first['config_hash'] != repeat['config_hash']:
            raise ValueError(
                f'{repeat["variant"]}, seed {repeat["seed"]} was repeated with another '
                'config: repeat it again'
            )
        for name, result in (('recorded', first), ('repeated', repeat)):
            ap = result['evaluation']['report']
            processor = result['versions'].get('processor', 'not recorded')
            rows.append(
                {
                    'run': f'`{result["variant"]}`, seed {result["seed"]}',
                    '': name,
                    'processor': processor,
                    'torch': result['versions']['torch'],
                    'loss at the end': f'{result["training"]["final_loss"]:.8f}',
                    'AP': f'{ap["plain"]["AP"]:.3f}',
                    'AP, flip': f'{ap["flip"]["AP"]:.3f}',
                }
            )
    return to_markdown(rows) if rows else 'No run has been repeated yet.'
