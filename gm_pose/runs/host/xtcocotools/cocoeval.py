"""Keypoint evaluation with xtcocotools' arguments and numbers.

Whatever is evaluated (whole body, a part of it, crowd images) is written as plain COCO
keypoints first, which `gm_pose.runs.evaluation` then evaluates at once; parameters and
summary are pycocotools'.
"""

import contextlib
import io
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import cocoeval as pycocotools_cocoeval

from gm_pose.runs.evaluation.average_precision import (
    KeypointPrecision,
    MatchingRules,
    compute_precision,
)
from gm_pose.runs.evaluation.coco_people import (
    AREA_TO_BOX_RATIO,
    read_detected_people,
    read_true_people,
)
from gm_pose.runs.evaluation.people import DetectedPeople, TruePeople

# evaluation type -> (keys of an annotation whose keypoints are joined, key of the score)
_PARTS: dict[str, tuple[tuple[str, ...], str]] = {
    'keypoints': (('keypoints',), 'score'),
    'keypoints_body': (('keypoints',), 'score'),
    'keypoints_crowd': (('keypoints',), 'score'),
    'keypoints_foot': (('foot_kpts',), 'foot_score'),
    'keypoints_face': (('face_kpts',), 'face_score'),
    'keypoints_lefthand': (('lefthand_kpts',), 'lefthand_score'),
    'keypoints_righthand': (('righthand_kpts',), 'righthand_score'),
    'keypoints_wholebody': (
        ('keypoints', 'foot_kpts', 'face_kpts', 'lefthand_kpts', 'righthand_kpts'),
        'wholebody_score',
    ),
}

# Crowd index below which an image of CrowdPose is easy, and below which it is medium
# (Li et al., CVPR 2019, section 5.1).
CROWD_EASY_BELOW = 0.2
CROWD_MEDIUM_BELOW = 0.8


class COCOeval(pycocotools_cocoeval.COCOeval):
    """AP and AR over object keypoint similarity (OKS).

    `stats` after `summarize`: AP, AP50, AP75, AP medium, AP large, then the same five for
    AR; for ``'keypoints_crowd'`` AP, AP50, AP75, AR, AR50, AR75, AP easy, medium, hard.

    `evalImgs` stays empty: images are not evaluated one by one.

    Args:
        cocoGt: ground truth, with `getAnnIds` and `loadAnns`.
        cocoDt: detections, as `cocoGt.loadRes` returns them.
        iouType: one of the keypoint types above. Boxes and masks are refused.
        sigmas: OKS sigma of each keypoint; None means COCO's 17.
        use_area: False computes each area as 0.53 x box (CrowdPose, AIC have none).

    Raises:
        ValueError: the type is not one of keypoints.
    """

    def __init__(
        self,
        cocoGt: Any = None,
        cocoDt: Any = None,
        iouType: str = 'keypoints',
        sigmas: Sequence[float] | np.ndarray | None = None,
        use_area: bool = True,
    ) -> None:
        if iouType not in _PARTS:
            raise ValueError(
                f'iouType is {iouType!r}; expected one of {", ".join(_PARTS)}'
            )
        super().__init__(cocoGt, cocoDt, 'keypoints')
        self.iou_type = iouType
        self.use_area = use_area
        self._part_keys, self.score_key = _PARTS[iouType]
        if sigmas is not None:
            # No dtype: MMPose's sigmas are float32 and so is xtcocotools' (2 sigma)^2.
            self.params.kpt_oks_sigmas = np.asarray(sigmas)
        self.sigmas = self.params.kpt_oks_sigmas
        self.anno_file = getattr(cocoGt, 'anno_file', None)
        self._found: list[KeypointPrecision] = []
        self.eval: dict[str, Any] = {}

    def evaluate(self) -> None:
        """Match detections with people; `accumulate` puts the numbers into `eval`."""
        print(f'Evaluating {self.iou_type}')
        p = self.params
        if not p.useCats:
            raise ValueError('params.useCats is 0; expected 1 for keypoints')
        p.imgIds, p.catIds = sorted(set(p.imgIds)), sorted(set(p.catIds))
        p.maxDets = sorted(p.maxDets)
        self._image_places = {image: place for place, image in enumerate(p.imgIds)}
        self._category_places = {name: place for place, name in enumerate(p.catIds)}
        truth, is_ignored = self._read_truth()
        detections = self._read_detections()
        self._found = [
            compute_precision(
                truth,
                detections,
                self.sigmas,
                np.arange(len(p.imgIds)),
                np.arange(len(p.catIds)),
                MatchingRules(p.iouThrs, p.recThrs, np.array(p.areaRng, float), count),
                is_ignored,
            )
            for count in p.maxDets
        ]

    def accumulate(self, p: Any = None) -> None:
        """Fill `eval` with precision and scores (T, R, C, A, M), recall (T, C, A, M)."""
        if not self._found:
            raise ValueError('nothing is evaluated yet. Fix: call evaluate() first')
        numbers = {
            name: np.stack([getattr(found, name) for found in self._found], axis=-1)
            for name in ('precision', 'recall', 'scores')
        }
        self.eval = {
            'params': self.params,
            'counts': list(numbers['precision'].shape),
            'date': f'{datetime.now():%Y-%m-%d %H:%M:%S}',
            **numbers,
        }

    def summarize(self) -> None:
        super().summarize()
        if self.iou_type != 'keypoints_crowd':
            return
        crowd_aps = self._compute_crowd_aps()
        for name, ap in zip(('easy', 'medium', 'hard'), crowd_aps, strict=True):
            print(f' Average Precision  (AP) @[ crowding={name:>6s} ] = {ap:0.3f}')
        self.stats: np.ndarray = np.concatenate(
            [self.stats[0:3], self.stats[5:8], crowd_aps]
        )

    def _read_truth(self) -> tuple[TruePeople, NDArray[np.bool_]]:
        """Annotated people, and who of them need not be found."""
        people, is_ignored = [], []
        for gt in self._load(self.cocoGt):
            keypoints = self._join_parts(gt)
            if self.iou_type == 'keypoints_crowd':
                count = gt['num_keypoints']  # CrowdPose counts visibility 2 only
            else:
                count = np.count_nonzero(np.asarray(keypoints[2::3]) > 0)
            is_ignored.append(bool(count == 0 or gt.get('iscrowd', 0)))
            people.append(
                {
                    **self._number_ids(gt),
                    'keypoints': keypoints,
                    'bbox': gt['bbox'],
                    'area': self._get_area(gt),
                    'iscrowd': gt.get('iscrowd', 0),
                }
            )
        return read_true_people(people, len(self.sigmas)), np.array(is_ignored, bool)

    def _read_detections(self) -> DetectedPeople:
        people = []
        lacks_part_score = False
        for dt in self._load(self.cocoDt):
            keypoints = self._join_parts(dt)
            if not np.any(np.asarray(keypoints[2::3]) > 0):
                continue  # a detection without any scored keypoint counts as none
            lacks_part_score |= self.score_key not in dt
            score = dt.get(self.score_key, dt['score'])
            person = {'keypoints': keypoints, 'score': score, 'area': dt['area']}
            people.append({**self._number_ids(dt), **person})
        if lacks_part_score:
            warnings.warn(
                f'detections have no {self.score_key!r}: ranked by their score instead',
                stacklevel=3,
            )
        return read_detected_people(people, len(self.sigmas))

    def _number_ids(self, annotation: dict) -> dict[str, int]:
        """Places of its image and category: ids themselves may be strings."""
        return {
            'image_id': self._image_places[annotation['image_id']],
            'category_id': self._category_places[annotation['category_id']],
        }

    def _load(self, coco: Any) -> list[dict]:
        """Annotations of the evaluated images and categories."""
        p = self.params
        return coco.loadAnns(coco.getAnnIds(imgIds=p.imgIds, catIds=p.catIds))

    def _join_parts(self, annotation: dict) -> list[float]:
        """Flat (x, y, v) list of the evaluated keypoints, checked against the sigmas."""
        try:
            keypoints = [v for key in self._part_keys for v in annotation[key]]
        except KeyError as error:
            raise ValueError(
                f'annotation {annotation.get("id")} has no {error.args[0]!r}, which '
                f'iou_type {self.iou_type!r} evaluates. Fix: use another iou_type, or '
                'complete the annotation file'
            ) from None
        if len(keypoints) != 3 * len(self.sigmas):
            raise ValueError(
                f'annotation {annotation.get("id")} has {len(keypoints) / 3:g} keypoints; '
                f'expected {len(self.sigmas)}, one for each sigma. Fix: set the sigmas of '
                "the annotated joints in the dataset's metainfo"
            )
        return keypoints

    def _get_area(self, gt: dict) -> float:
        """Area in px^2 that scales the OKS of a person."""
        if not self.use_area:
            return gt['bbox'][2] * gt['bbox'][3] * AREA_TO_BOX_RATIO
        if 'area' not in gt:
            raise ValueError(
                f'annotation {gt["id"]} has no area. Fix: add it to the file, or evaluate '
                f'with use_area=False, which takes {AREA_TO_BOX_RATIO} x box'
            )
        return gt['area']

    def _compute_crowd_aps(self) -> np.ndarray:
        """AP of the easy, medium and hard images, rounded to 4 digits as published."""
        groups: tuple[list, list, list] = ([], [], [])
        for image in self.cocoGt.dataset['images']:
            if 'crowdIndex' not in image:
                raise ValueError(
                    f"image {image['id']} has no crowdIndex, which 'keypoints_crowd' "
                    "needs. Fix: use CrowdPose's files or iou_type='keypoints'"
                )
            index = image['crowdIndex']
            is_hard = index >= CROWD_MEDIUM_BELOW
            groups[2 if is_hard else int(index >= CROWD_EASY_BELOW)].append(image['id'])
        aps = []
        for image_ids in groups:
            part = type(self)(
                self.cocoGt, self.cocoDt, self.iou_type, self.sigmas, self.use_area
            )
            part.params.imgIds = image_ids
            with contextlib.redirect_stdout(io.StringIO()):
                part.evaluate()
                part.accumulate()
            aps.append(round(np.mean(part.eval['precision'][:, :, :, 0, :]), 4))
        return np.array(aps)
