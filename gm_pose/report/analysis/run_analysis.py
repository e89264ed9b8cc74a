"""All that is measured of one run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gm_pose.report.analysis.error_kinds import (
    FOUND,
    ErrorKinds,
    KindCosts,
    find_error_kinds,
    measure_kind_costs,
)
from gm_pose.report.analysis.estimates import Estimate, estimate
from gm_pose.report.analysis.evaluation import (
    Evaluation,
    measure_perfect_joints,
    use_ideal_scores,
)
from gm_pose.report.analysis.joint_measures import (
    COSTLY_SAMPLES,
    JointMeasures,
    measure_cells,
    measure_joints,
    measure_pck,
)
from gm_pose.report.analysis.people_groups import (
    Group,
    ScoreBins,
    assign_crowding,
    assign_sizes,
    assign_visible,
    bin_scores,
    measure_groups,
)
from gm_pose.report.analysis.person_errors import PersonErrors, measure_people
from gm_pose.report.reading.run_inputs import RunInputs
from gm_pose.runs.evaluation.matched_people import MatchingRules
from gm_pose.runs.evaluation.resampled_precision import (
    draw_image_counts,
    resample_precision,
)

__all__ = ['NUM_SAMPLES', 'PCK_PARTS', 'RunAnalysis', 'analyze_run', 'measure_run']

NUM_SAMPLES = 1000
PCK_PARTS = np.linspace(0, 0.3, 61)


@dataclass(frozen=True)
class MeasuredRun:
    """What a comparison needs of a run.

    Attributes:
        inputs: predictions and annotations.
        errors: of N people.
        numbers: (10,) COCO's.
        ap: with its interval over people.
        ap_samples: (S,) of the bootstrap.
        image_counts: (S, I) the samples, the same for all runs on the same annotations.
    """

    inputs: RunInputs
    errors: PersonErrors
    numbers: NDArray[np.float64]
    ap: Estimate
    ap_samples: NDArray[np.float64]
    image_counts: NDArray[np.int64]


@dataclass(frozen=True)
class RunAnalysis(MeasuredRun):
    """What a page shows of a run; see `MeasuredRun` for the rest.

    Attributes:
        joints: K.
        kinds: of each joint's error.
        costs: AP that each kind costs.
        groups: title to groups of people.
        person_scores: their reliability; None of few people.
        joint_scores: likewise of joints.
        pck: (K, P) at `PCK_PARTS`.
        num_background: detections that belong to nobody.
    """

    joints: list[JointMeasures]
    kinds: ErrorKinds
    costs: KindCosts
    groups: dict[str, list[Group]]
    person_scores: ScoreBins | None
    joint_scores: ScoreBins | None
    pck: NDArray[np.float64]
    num_background: int


def _start(inputs: RunInputs) -> Evaluation:
    return Evaluation(inputs.data, inputs.joints.oks_sigmas, MatchingRules())


def measure_run(inputs: RunInputs, num_samples: int = NUM_SAMPLES) -> MeasuredRun:
    """Predictions and annotations -> AP with its interval, errors of everybody."""
    evaluation = _start(inputs)
    matched = evaluation.match(inputs.predictions.people)
    image_counts = draw_image_counts(len(inputs.data.image_ids), num_samples)
    if len(inputs.data.counted_images) < 2:
        image_counts[:] = 0  # nobody: copies of one image say nothing about others
    samples = resample_precision(matched, image_counts, evaluation.rules)
    numbers = evaluation.summarize(matched)
    return MeasuredRun(
        inputs,
        measure_people(inputs.data, inputs.predictions, inputs.joints.oks_sigmas),
        numbers,
        estimate(float(numbers[0]), samples),
        samples,
        image_counts,
    )


def analyze_run(measured: MeasuredRun) -> RunAnalysis:
    """What was measured of a run -> all that its page shows."""
    inputs, errors, counts = measured.inputs, measured.errors, measured.image_counts
    people, data = inputs.predictions.people, inputs.data
    evaluation, ap = _start(inputs), measured.ap.value
    truth = data.truth.take(errors.truth_rows)
    sigmas = inputs.joints.oks_sigmas
    kinds = find_error_kinds(data.truth, people, errors, inputs.joints.mirror, sigmas)
    ideal = evaluation.measure_ap(use_ideal_scores(evaluation, people))
    targets = inputs.targets
    cells = None
    if targets is not None:
        cells = measure_cells(truth.bboxes, targets.input_size, targets.heatmap_size)
    joints = measure_joints(
        errors,
        inputs.joints.names,
        counts,
        _measure_perfect_gains(measured, evaluation),
        cells,
        targets.sigmas_cells if targets is not None else None,
    )
    groups = {
        'Size': assign_sizes(truth.areas),
        'Labelled joints': assign_visible(errors.is_labelled),
        'Crowding': assign_crowding(data, errors.truth_rows),
    }
    has = errors.detection_rows >= 0
    rows = errors.detection_rows[has]
    seen = errors.is_labelled[has]
    images = np.broadcast_to(errors.images[has, None], seen.shape)[seen]
    return RunAnalysis(
        **vars(measured),
        joints=joints,
        kinds=kinds,
        costs=measure_kind_costs(evaluation, people, errors, kinds, ap, ideal),
        groups={
            title: measure_groups(errors, assigned, counts)
            for title, assigned in groups.items()
        },
        person_scores=bin_scores(
            people.scores[rows], errors.oks[has], errors.images[has], counts
        ),
        joint_scores=bin_scores(
            people.keypoints[rows, :, 2][seen],
            (errors.similarities[has][seen] >= FOUND).astype(float),
            images,
            counts,
        ),
        pck=measure_pck(errors, truth.bboxes, PCK_PARTS),
        num_background=len(people.scores) - len(np.unique(rows)),
    )


def _measure_perfect_gains(run: MeasuredRun, evaluation: Evaluation) -> list[Estimate]:
    """AP that each joint would add if it were perfect; paired by bootstrap sample."""
    numbers, samples = measure_perfect_joints(
        evaluation,
        run.inputs.predictions.people,
        run.errors,
        run.image_counts[:COSTLY_SAMPLES],
    )
    gains = samples - run.ap_samples[:COSTLY_SAMPLES, None]
    return [
        estimate(float(number - run.ap.value), gains[:, k])
        for k, number in enumerate(numbers)
    ]
