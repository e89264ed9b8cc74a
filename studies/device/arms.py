"""What is trained on the device, in which order, and the rules by which runs are chosen.

Written before any run. Both sides have the same number of trials. A trial is a variant, or
one that another continues ("fine-tuning"). The rules:

1. *Screening.* Every trial with seeds 0 and 1, then the better half of each side with
   seeds 2 and 3, then the best four of each side with seeds 4 to 6. Seed s holds out fold
   s of studio17's training people (100 people, no one in two folds), and the trial is
   judged there alone, with flip test: the mean over its folds of AP in the best reading
   that is open to its side. A uniform side reads every joint alike.
2. *Finalists.* The best of each side; also the uniform trial that is best when all
   readings are open to it. They train on the study's own split, whose 200 report people
   nobody was chosen on, and on coco-union, with fresh seeds (100 and on).
3. *Reading.* Each finalist is reported in the reading that was best on its own folds.

Power: the APs of a pair with the same seed differ with a standard deviation of about 0.5
(docs/study.md), and 200 people add about 0.25 to the standard error of a difference
whatever the seeds. With 8 seeds a difference of 0.6 AP is seen with 80 %, of 1.0 with
99 %; more than 16 seeds change little.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from studies.device.read_maps import READINGS, UNIFORM_READINGS

SCREENING_FOLDS = 7
FINAL_SEED = 100


class Trial(NamedTuple):
    """A setting that competes.

    Attributes:
        name: variant; 'first>second': the second goes on in the last third of the steps.
        adaptive: whether joints are told apart by their tolerance.
    """

    name: str
    adaptive: bool

    @property
    def readings(self) -> tuple[str, ...]:
        """Readings that are open to its side."""
        return READINGS if self.adaptive else UNIFORM_READINGS

    @property
    def variants(self) -> list[str]:
        """The variants that it trains, one after another."""
        return self.name.split('>')


_FORMS = (
    '', 'eoks0.001', 'eoks0.003', 'eoks0.01', 'eoks0.003-sharp10', 'poks0.001',
    'poks0.003', 'poks0.01', 'foot0.4x2', 'foot0.2x3', 'two-maps2', 'lr0.002',
    'lr0.0005', 'softmax-lr0.001', 'softmax-lr0.0003', 'eoks-alone',
)  # fmt: skip
_SMALL_FORMS = ('foot0.4x2', 'two-maps2', 'softmax-lr0.001')
_TUNED = ('eoks0.01', 'poks0.01', 'eoks-alone')


def _join(*words: str) -> str:
    return '-'.join(word for word in words if word)


def _list_side(base: str, small: str, others: Sequence[str], adaptive: bool) -> list:
    names = [_join(base, form) for form in _FORMS]
    names += [_join(small, form) for form in _SMALL_FORMS]
    names += [f'{base}>{_join(base, form)}' for form in _TUNED]
    return [Trial(name, adaptive) for name in (*names, *others)]


UNIFORM = 'subcell-uniform2-jw2'
ADAPTIVE = 'subcell-face1-rest2-balanced-jw2'
TRIALS: tuple[Trial, ...] = (
    *_list_side(
        UNIFORM,
        'subcell-uniform1.5-jw2',
        [
            *(f'subcell-uniform{s}-jw2' for s in ('1.5', '1.75', '2.25', '2.5', '2.75')),
            'subcell-uniform3-jw2', 'subcell-uniform2-jw', 'subcell-uniform2-jw3',
            'subcell-uniform2.25-jw', 'subcell-uniform2.25-jw3', 'subcell-uniform2-jw4',
        ],
        adaptive=False,
    ),
    *_list_side(
        ADAPTIVE,
        'subcell-face0.75-rest1.5-balanced-jw2',
        [
            'subcell-face0.75-rest1.5-balanced-jw2',
            'subcell-face0.875-rest1.75-balanced-jw2',
            'subcell-face1.125-rest2.25-balanced-jw2',
            'subcell-face1.25-rest2.5-balanced-jw2',
            'subcell-face0.75-rest2-balanced-jw2', 'subcell-face1.25-rest2-balanced-jw2',
            'subcell-face1-rest2-balanced-jw', 'subcell-face1-rest2-balanced-jw3',
            'subcell-face1-rest2.5-balanced-jw2',
            'subcell-face1-ears1.5-rest2-balanced-jw2',
            'subcell-face1-ears1.5-rest2.5-balanced-jw2',
        ],
        adaptive=True,
    ),
)  # fmt: skip
# Thought of after the rules; for --only.
LATER = tuple(
    Trial(f'{name}-jw2-person-lr0.002', adaptive)
    for name, adaptive in (
        ('subcell-uniform2-balanced', False),
        ('subcell-face1-rest2-balanced', True),
    )
)
# Without CUDA graphs there is no time for a screening.
FIXED = tuple(
    _join(base, form) for base in (UNIFORM, ADAPTIVE) for form in ('', 'poks0.003')
)
STOCK = Trial('stock-uniform2', False)
PLAIN = Trial('subcell-uniform2', False)


class Job(NamedTuple):
    """One training."""

    trial: Trial
    dataset: str
    seed: int
    fold: int
    stage: str

    @property
    def key(self) -> str:
        return f'{self.stage}/{self.dataset}/{self.trial.name}/{self.seed}'

    @property
    def crops(self) -> tuple[str, int, int]:
        """What its crops depend on."""
        return self.dataset, self.fold, self.seed


def find_job(key: str) -> Job:
    """Key of a job, 'final/studio17/subcell-uniform2/107' -> the job.

    Raises:
        ValueError: no such stage, trial or seed.
    """
    stage, dataset, name, seed = ([*key.split('/'), '', '', ''])[:4]
    trials = {t.name: t for t in (STOCK, PLAIN, *TRIALS, *LATER)}
    if stage not in ('screen', 'final') or name not in trials or not seed.isdigit():
        raise ValueError(
            f"job is '{key}'; expected STAGE/DATASET/TRIAL/SEED with a stage of screen and "
            'final and a trial of studies.device.arms'
        )
    fold = int(seed) if stage == 'screen' else 0
    return Job(trials[name], dataset, int(seed), fold, stage)


# Trial -> reading -> AP by fold, with flip test on the held-out people
Scores = Mapping[Trial, Mapping[str, Sequence[float]]]


def judge(scores: Mapping[str, Sequence[float]], readings: Iterable[str]) -> float:
    """AP by reading and fold -> mean over the folds in the best open reading."""
    found = [float(np.mean(scores[r])) for r in readings if scores.get(r)]
    return max(found, default=-1.0)


def choose_reading(
    scores: Mapping[str, Sequence[float]], readings: Iterable[str]
) -> str:
    """The open reading with the largest mean over the folds."""
    known = [r for r in readings if scores.get(r)]
    return max(known, key=lambda r: float(np.mean(scores[r])))


def rank(scores: Scores, adaptive: bool, readings: Sequence[str]) -> list[Trial]:
    """Trials of a side, best first; a trial with more folds counts before ones with fewer.

    Only those that reached the last round compete for being first.
    """

    def order(trial: Trial) -> tuple[int, float]:
        folds = max((len(v) for v in scores[trial].values()), default=0)
        return folds, judge(scores[trial], readings)

    side = [trial for trial in scores if trial.adaptive == adaptive]
    return sorted(side, key=order, reverse=True)


def plan_screening(round_: int, scores: Scores) -> list[Job]:
    """Jobs of a round of the screening, 0 to 2; see the rules above."""
    if round_ == 0:
        chosen, folds = list(TRIALS), range(2)
    else:
        chosen = []
        for adaptive in (True, False):
            side = [t for t in TRIALS if t.adaptive == adaptive]
            count = len(side) // 2 if round_ == 1 else 4
            readings = side[0].readings
            chosen += rank(scores, adaptive, readings)[:count]
            if not adaptive:  # the best with all readings goes on, too
                best = rank(scores, False, READINGS)[: count // 2]
                chosen += [t for t in best if t not in chosen]
        folds = range(2, 4) if round_ == 1 else range(4, SCREENING_FOLDS)
    return [Job(t, 'studio17', s, s, 'screen') for s in folds for t in chosen]


def choose_finalists(scores: Scores) -> list[Trial]:
    """Best adaptive trial, best uniform one, best uniform one with all readings.

    The study's former pair where nothing was screened.
    """
    finalists = []
    for adaptive, readings, known in (
        (True, READINGS, ADAPTIVE),
        (False, UNIFORM_READINGS, UNIFORM),
        (False, READINGS, UNIFORM),
    ):
        ranked = rank(scores, adaptive, readings)
        finalists.append(ranked[0] if ranked else Trial(known, adaptive))
    return list(dict.fromkeys(finalists))


def plan_finals(finalists: Sequence[Trial], num_seeds: int, datasets: set) -> list[Job]:
    """Jobs of the finals, in the order of their value.

    Args:
        finalists: of `choose_finalists`.
        num_seeds: at most.
        datasets: that are at hand.
    """
    known = [t for t in TRIALS if t.name in (UNIFORM, ADAPTIVE)]
    jobs = []
    for index in range(num_seeds):
        seed = FINAL_SEED + index
        rows = [(t, d) for d in ('studio17', 'coco-union') for t in finalists]
        if index < 8:
            rows += [(t, d) for d in ('studio17', 'coco-union') for t in (STOCK,)]
            rows += [(t, 'studio17') for t in known if t not in finalists]
        if index < 4:
            rows += [(t, d) for d in ('lspet-1k',) for t in finalists]
            rows += [(PLAIN, 'studio17')]
        if 2 <= index < 10:
            rows += [(t, 'studio17-modern') for t in finalists]
        jobs += [Job(t, d, seed, 0, 'final') for t, d in rows if d in datasets]
    return [job for job in jobs if _runs_on(job)]


def _runs_on(job: Job) -> bool:
    from studies.variants.catalog import VARIANTS

    return all(VARIANTS[v].runs_on(job.dataset) for v in job.trial.variants)
