"""The kept results: one small JSON file per finished run, and what state a run is in."""

import json
from dataclasses import dataclass
from pathlib import Path

from studies.run_versions import equals_fingerprint

RESULTS = Path(__file__).with_name('results')
RESULT_FORMAT = 2


@dataclass(frozen=True)
class Run:
    """One training: an arm on a dataset with a seed."""

    dataset: str
    arm: str
    seed: int

    def __str__(self) -> str:
        return f'{self.dataset} {self.arm} seed {self.seed}'

    def find_result(self, results: Path = RESULTS) -> Path:
        return results / self.dataset / self.arm / f'seed{self.seed}.json'

    def find_work_dir(self, work_dir: Path) -> Path:
        return work_dir / 'runs' / self.dataset / self.arm / f'seed{self.seed}'


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
        run = Run(result['dataset'], result['arm'], result['seed'])
        if run.find_result(folder) != path:
            raise ValueError(f"{path} holds the result of '{run}': move or delete it")
        results.append(result)
    return results


def judge_run(
    path: Path, config_hash: str, fingerprints: dict[str, list[float]]
) -> str:
    """State of a run: 'missing', 'done', 'stale' or 'other decoder'.

    'stale' was trained with another config or on targets that the encoder no longer
    gives; it stays in the tables until it is repeated. 'other decoder' needs only an
    evaluation.
    """
    if not path.exists():
        return 'missing'
    result = load_result(path)
    if result['config_hash'] != config_hash:
        return 'stale'
    kept = result['fingerprints']
    if not equals_fingerprint(kept['encoding'], fingerprints['encoding']):
        return 'stale'
    if not equals_fingerprint(kept['decoding'], fingerprints['decoding']):
        return 'other decoder'
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
