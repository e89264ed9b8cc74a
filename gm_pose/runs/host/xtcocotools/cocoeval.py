"""Keypoint evaluation with xtcocotools' arguments and numbers, on pycocotools' matching.

Whatever is evaluated (whole body, a part of it, crowd images) is written as plain COCO
keypoints first; pycocotools then computes OKS, matches and accumulates, so that its
arithmetic, which xtcocotools shares operation for operation, gives the same doubles.
"""

import contextlib
import io
import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import cocoeval as pycocotools_cocoeval

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

# Part of its box that a person covers, for data sets without `area`.
AREA_TO_BOX_RATIO = 0.53

# Crowd index below which an image of CrowdPose is easy, and below which it is medium
# (Li et al., CVPR 2019, section 5.1).
CROWD_EASY_BELOW = 0.2
CROWD_MEDIUM_BELOW = 0.8


class COCOeval(pycocotools_cocoeval.COCOeval):
    """AP and AR over object keypoint similarity (OKS).

    `stats` after `summarize`: AP, AP50, AP75, AP medium, AP large, then the same five for
    AR; for ``'keypoints_crowd'`` AP, AP50, AP75, AR, AR50, AR75, AP easy, medium, hard.

    Two fields differ from xtcocotools': an unmatched entry of `evalImgs` is 0, not -1,
    and ids there are shifted by a constant where the smallest one is below 1.

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

    def evaluate(self) -> None:
        print(f'Evaluating {self.iou_type}')
        super().evaluate()

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

    def _prepare(self) -> None:
        """Fill `_gts` and `_dts` with plain COCO keypoint annotations (copies)."""
        gts, dts = self._load(self.cocoGt), self._load(self.cocoDt)
        # pycocotools marks "unmatched" with 0, so that an id of 0 would be no match.
        shift = max(0, 1 - min((ann['id'] for ann in gts + dts), default=1))
        self._gts, self._dts = defaultdict(list), defaultdict(list)
        for gt in gts:
            keypoints = self._join_parts(gt)
            if self.iou_type == 'keypoints_crowd':
                count = gt['num_keypoints']  # CrowdPose counts visibility 2 only
            else:
                count = np.count_nonzero(np.asarray(keypoints[2::3]) > 0)
            person = {
                **gt,
                'id': gt['id'] + shift,
                'keypoints': keypoints,
                'area': self._get_area(gt),
                'ignore': bool(count == 0 or gt.get('iscrowd', 0)),
            }
            self._gts[gt['image_id'], gt['category_id']].append(person)
        lacks_part_score = False
        for dt in dts:
            keypoints = self._join_parts(dt)
            if not np.any(np.asarray(keypoints[2::3]) > 0):
                continue  # a detection without any scored keypoint counts as none
            lacks_part_score |= self.score_key not in dt
            score = dt.get(self.score_key, dt['score'])
            person = {**dt, 'keypoints': keypoints, 'score': score}
            person['id'] = dt['id'] + shift
            self._dts[dt['image_id'], dt['category_id']].append(person)
        if lacks_part_score:
            warnings.warn(
                f'detections have no {self.score_key!r}: ranked by their score instead',
                stacklevel=3,
            )
        self.evalImgs: Any = defaultdict(list)
        self.eval: dict[str, Any] = {}

    def _load(self, coco: Any) -> list[dict]:
        """Annotations of the evaluated images and categories."""
        categories = self.params.catIds if self.params.useCats else []
        return coco.loadAnns(
            coco.getAnnIds(imgIds=self.params.imgIds, catIds=categories)
        )

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
