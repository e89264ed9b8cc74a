"""One argument of `gm_pose report` -> annotations, predictions, and the run's own word."""

from __future__ import annotations

import os.path as osp
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gm_pose.report.reading.annotated_data import (
    AnnotatedData,
    build_annotated_data,
    collect_annotations,
)
from gm_pose.report.reading.joints import (
    Joints,
    read_category_joints,
    read_config_joints,
    read_metainfo_joints,
)
from gm_pose.report.reading.predictions import (
    Predictions,
    read_results_list,
    read_samples,
)
from gm_pose.report.reading.run_config import (
    Targets,
    read_scoring,
    read_targets,
    read_test_files,
)
from gm_pose.report.reading.run_folder import RunFolder, find_run_folder
from gm_pose.runs.data_checks.json_file import read_json
from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config

__all__ = ['FILE_TYPES', 'DataOptions', 'RunInputs', 'read_run', 'split_label']

FILE_TYPES = ('.pkl', '.pickle', '.json')


@dataclass(frozen=True)
class DataOptions:
    """What a user says about the data; None where the run says it.

    Attributes:
        annotations: COCO annotation file.
        images: folder of its images.
        metainfo: name of an MMPose dataset, or a metainfo file.
    """

    annotations: str | None = None
    images: str | None = None
    metainfo: str | None = None


@dataclass(frozen=True)
class RunInputs:
    """One run to be reported.

    Attributes:
        label: name in the report. Runs of the same label are seeds of one setting.
        source: file of the predictions.
        joints: K joints.
        data: annotated people.
        predictions: predicted people.
        folder: the run's work directory, where there is one.
        config: its config.
        targets: sigmas of its heatmaps.
    """

    label: str
    source: str
    joints: Joints
    data: AnnotatedData
    predictions: Predictions
    folder: RunFolder | None = None
    config: Config | None = None
    targets: Targets | None = None


def split_label(argument: str) -> tuple[str | None, str]:
    """'LABEL=PATH' -> label and path; a path alone has no label."""
    label, sign, path = argument.partition('=')
    if sign and label and path and not osp.exists(argument):
        return label, path
    return None, argument


def read_run(
    path: str, label: str, options: DataOptions, folder: RunFolder | None = None
) -> RunInputs:
    """File of predictions -> everything that the report needs of the run.

    Args:
        path: a dump (.pkl, .pickle) or COCO results (.json).
        label: name in the report.
        options: the user's word on the data.
        folder: the run's work directory; None looks for one above a dump.

    Raises:
        UserError: a file cannot be read or does not fit the others, or annotations are
            missing.
    """
    if not path.endswith(FILE_TYPES):
        raise UserError(
            f'{path} is neither a folder nor a .pkl, .pickle or .json file. Fix: give the '
            'work directory of a run, a dump of `mim test`, or COCO results'
        )
    if not osp.isfile(path):
        raise UserError(f'{path} does not exist')
    is_dump = not path.endswith('.json')
    folder = folder or (find_run_folder(path) if is_dump else None)
    config = folder.load_config() if folder is not None else None
    samples = _read_samples_of(path) if is_dump else None
    content, data_source, images, metric = _find_data(path, samples, config, options)
    joints = _find_joints(content, data_source, config, options)
    data = build_annotated_data(
        content, len(joints), data_source, images, metric.get('use_area', True)
    )
    if samples is not None:
        predictions = read_samples(samples, joints.oks_sigmas, path, metric)
    else:
        predictions = read_results_list(read_json(path), len(joints), path)
    _check_images(predictions, data, path)
    if predictions.image_files:
        files = {**predictions.image_files, **data.image_files}
        data = replace(data, image_files=files)
    targets = read_targets(config, len(joints)) if config is not None else None
    return RunInputs(label, path, joints, data, predictions, folder, config, targets)


def _read_samples_of(path: str) -> list[dict[str, Any]]:
    # imports PyTorch and MMEngine, which results in JSON do not need
    from gm_pose.report.reading.safe_dump import read_dump

    return read_dump(path)


def _find_data(
    path: str,
    samples: list[dict[str, Any]] | None,
    config: Config | None,
    options: DataOptions,
) -> tuple[dict[str, Any], str, str | None, dict[str, Any]]:
    """Content of the annotation file, its name, the image folder, the metric's settings."""
    annotations, images, metric = options.annotations, options.images, {}
    if config is not None:
        metric = read_scoring(config)
        named, folder = read_test_files(config)
        annotations = annotations or (named if named and osp.isfile(named) else None)
        images = images or (folder if folder and osp.isdir(folder) else None)
    if annotations is not None:
        content = read_json(annotations)
        if not isinstance(content, dict):
            raise UserError(f'{annotations} is no COCO file. Fix: give one with --ann')
        return content, annotations, images, metric
    if samples is None:
        raise UserError(
            f'{path} needs the annotations that it is compared with. Fix: --ann FILE'
        )
    return collect_annotations(samples, path), path, images, metric


def _find_joints(
    content: dict[str, Any], source: str, config: Config | None, options: DataOptions
) -> Joints:
    if options.metainfo is not None:
        return read_metainfo_joints(options.metainfo)
    if config is not None:
        dataset = (config.get('test_dataloader') or {}).get('dataset') or {}
        found = read_config_joints(dataset)
        if found is not None:
            return found
    return read_category_joints(content, source)


def _check_images(predictions: Predictions, data: AnnotatedData, path: str) -> None:
    strange = sorted(set(predictions.people.image_ids.tolist()) - set(data.image_ids))
    if len(strange) == len(set(predictions.people.image_ids.tolist())):
        raise UserError(
            f'{path} and {data.source} share no image: the predictions are of images '
            f'{strange[:3]}, ... Fix: --ann with the annotations of these images'
        )
