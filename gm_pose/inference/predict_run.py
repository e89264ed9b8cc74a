"""A prediction from a source into a folder: resumable, in constant memory."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gm_pose.inference.boxes import BoxCounts
from gm_pose.inference.outputs import result_files
from gm_pose.inference.outputs.journal import Journal
from gm_pose.inference.outputs.pictures import PictureFolder, VideoFile
from gm_pose.inference.people_formats import import_extra
from gm_pose.inference.pose_estimator import PoseEstimator
from gm_pose.inference.progress import Progress
from gm_pose.inference.sources import Failure, FrameSource
from gm_pose.inference.tracking import Tracker
from gm_pose.runs.files.atomic_files import explain_write_error
from gm_pose.runs.user_errors import UserError

__all__ = ['SAVED', 'Outcome', 'OutputSettings', 'predict_into']

SAVED = ('json', 'csv', 'parquet', 'images', 'video')


@dataclass(frozen=True)
class OutputSettings:
    """What a prediction leaves behind.

    Attributes:
        folder: of all files.
        saved: of `SAVED`.
        threshold: joints with a lower score are hollow in pictures.
        track: number people across frames.
        overwrite: begin anew where the folder holds results.
        model: as the user calls it, noted in the results.
        settings: what results depend on besides, noted and compared at a resume.
    """

    folder: Path
    saved: Sequence[str]
    threshold: float = 0.3
    track: bool = False
    overwrite: bool = False
    model: str = ''
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """What happened.

    Attributes:
        frames: predicted in this run.
        skipped: done by an earlier one.
        people: in all results.
        failures: files that were not used, or not to their end.
        counts: boxes that were left out.
        is_interrupted: by the user, with Ctrl-C.
    """

    frames: int = 0
    skipped: int = 0
    people: int = 0
    failures: list[Failure] = field(default_factory=list)
    counts: BoxCounts = field(default_factory=BoxCounts)
    is_interrupted: bool = False


def predict_into(
    estimator: PoseEstimator, source: FrameSource, finder: Any, output: OutputSettings
) -> Outcome:
    """Predict all frames of a source and write what is asked for.

    Each frame is noted in people.jsonl when it is done; the other files are made of that
    at the end. A run that was interrupted goes on after the last frame noted there.

    Raises:
        UserError: the folder cannot be written, or holds results of other settings.
    """
    _check_saved(output.saved)
    if 'parquet' in output.saved:
        import_extra('pyarrow', 'predict')
    tracker = Tracker(source.fps) if output.track else None
    try:
        output.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_write_error(error, str(output.folder), 'make', '--out') from error
    # tracks and videos cannot begin in the middle
    restart = output.overwrite or tracker is not None or 'video' in output.saved
    settings = dict(
        model=_name_file(output.model), track=output.track, **output.settings
    )
    journal = Journal(output.folder / 'people.jsonl', settings, restart)
    outcome = Outcome(skipped=source.leave_out(journal.done) if journal.done else 0)
    try:
        try:
            _predict(estimator, source, finder, output, journal, tracker, outcome)
        except KeyboardInterrupt:
            outcome.is_interrupted = True
        outcome.failures = source.failures
        _write_results(estimator, journal, output, outcome)
    finally:
        journal.close()
    return outcome


def _predict(
    estimator: PoseEstimator,
    source: FrameSource,
    finder: Any,
    output: OutputSettings,
    journal: Journal,
    tracker: Tracker | None,
    outcome: Outcome,
) -> None:
    writers: list[Any] = []
    video = None
    if 'images' in output.saved:
        writers.append(PictureFolder(output.folder / 'images', output.threshold))
    if 'video' in output.saved:
        path = output.folder / 'video.mp4'
        video = VideoFile(path, source.fps or 5.0, output.threshold)
        writers.append(video)
    progress = Progress(source.total)
    is_whole = False
    try:
        for estimated in estimator.estimate(source, finder, outcome.counts):
            people = estimator.make_people(estimated, keep_image=bool(writers))
            if tracker is not None:
                people = tracker.add_ids(people)
            for writer in writers:
                writer.write(people)
            journal.append(people)
            outcome.frames += 1
            progress.add(len(people))
        is_whole = True
    except KeyboardInterrupt:
        is_whole = True  # as far as it goes
        raise
    finally:
        progress.end()
        if video is not None:
            video.close(is_whole)


def _write_results(
    estimator: PoseEstimator, journal: Journal, output: OutputSettings, outcome: Outcome
) -> None:
    """Files made of all that is noted."""
    folder, description = output.folder, estimator.description
    if 'json' in output.saved:
        ids, outcome.people = result_files.write_coco(
            folder / 'results.json', journal.read(description)
        )
        result_files.write_joints(
            folder / 'joints.json', description, ids, output.model
        )
    if 'csv' in output.saved:
        result_files.write_csv(folder / 'people.csv', journal.read(description))
    if 'parquet' in output.saved:
        result_files.write_parquet(folder / 'people.parquet', journal.read(description))
    if 'json' not in output.saved:
        outcome.people = sum(len(people) for people in journal.read(description))


def _check_saved(saved: Sequence[str]) -> None:
    for name in saved:
        if name not in SAVED:
            raise UserError(f'--save has {name!r}; expected some of {",".join(SAVED)}')


def _name_file(model: str) -> str:
    """A model file with its size and time, so that another of that name is noticed."""
    with contextlib.suppress(OSError):
        stat = os.stat(model)
        return f'{model} ({stat.st_size} bytes, {int(stat.st_mtime)})'
    return model
