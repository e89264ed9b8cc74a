"""Result files: one small JSON file per finished run, and the status of a run."""

import json
from dataclasses import dataclass
from pathlib import Path

from studies.training.fingerprints import equals_fingerprint

RESULTS = Path(__file__).parents[1] / 'results'
RESULT_FORMAT = 3


@dataclass(frozen=True)
class Run:
    """One training: a variant on a dataset with a seed."""

    dataset: str
    variant: str
    seed: int

    def __str__(self) -> str:
        return f'{self.dataset} {self.variant} seed {self.seed}'

    def find_result(self, results: Path = RESULTS) -> Path:
        return results / self.dataset / self.variant / f'seed{self.seed}.json'

    def find_work_dir(self, work_dir: Path) -> Path:
        return work_dir / 'runs' / self.dataset / self.variant / f'seed{self.seed}'


def load_result(path: Path) -> dict:
    """Result file -> dict.

    Raises:
        ValueError: the file is no result of this format.
    """
    try:
        result = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{path} is no JSON ({error}): delete it to repeat the run'
        ) from None
    if not isinstance(result, dict) or result.get('format') != RESULT_FORMAT:
        raise ValueError(
            f'{path} is no result of format {RESULT_FORMAT}: delete it to repeat the run'
        )
    return result


def load_results(folder: Path) -> list[dict]:
    """All results below a folder, ordered by path.

    Raises:
        ValueError: a file that is no result, or whose place contradicts its content.
    """
    results = []
    for path in sorted(folder.glob('*/*/seed*.json')):
        result = load_result(path)
        run = Run(result['dataset'], result['variant'], result['seed'])
        if run.find_result(folder) != path:
            raise ValueError(f"{path} holds the result of '{run}': move or delete it")
        results.append(result)
    return results


def get_run_status(
    path: Path, config_hash: str, fingerprints: dict[str, list[float]]
) -> str:
    """Status of a run: 'missing', 'done', 'stale' or 'stale-evaluation'.

    'stale' was trained with another config or on targets that the encoder no longer
    gives; it stays in the tables until it is repeated. 'stale-evaluation' was decoded
    otherwise and needs only an evaluation.
    """
    if not path.exists():
        return 'missing'
    result = load_result(path)
    if result['config_hash'] != config_hash:
        return 'stale'
    recorded = result['fingerprints']
    if not equals_fingerprint(recorded['encoding'], fingerprints['encoding']):
        return 'stale'
    if not equals_fingerprint(recorded['decoding'], fingerprints['decoding']):
        return 'stale-evaluation'
    return 'done'


def format_result(value: object, indent: int = 0) -> str:
    """JSON with objects over several lines and lists on one: short and easy to compare."""
    if not isinstance(value, dict):
        return json.dumps(value)
    if not value:
        return '{}'
    pad = ' ' * (indent + 1)
    lines = [
        f'{pad}{json.dumps(key)}: {format_result(item, indent + 1)}'
        for key, item in value.items()
    ]
    return '{\n' + ',\n'.join(lines) + '\n' + ' ' * indent + '}'
