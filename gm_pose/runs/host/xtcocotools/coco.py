"""pycocotools' `COCO` with the differences of xtcocotools that MMPose can meet."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import coco as pycocotools_coco


def _as_list(ids: Any) -> Any:
    """One id -> list of it; a str id is one id (pycocotools takes it for a sequence)."""
    return [ids] if isinstance(ids, str) else ids


class COCO(pycocotools_coco.COCO):
    """COCO-format annotations, or detections read against them by `loadRes`.

    Differs from pycocotools' class as xtcocotools' does: `iscrowd` may be missing (then
    False), ids may be strings, an empty result list loads, `anno_file` lists the files
    that were read, and `getAnnIds` includes an annotation on the lower area border.

    Args:
        annotation_file: JSON file of ground truth.
        test_index: keep these keypoints only, in this order.
        ann_data: the content of the file, where it is already in memory.
    """

    def __init__(
        self,
        annotation_file: str | None = None,
        test_index: Sequence[int] | None = None,
        ann_data: dict | None = None,
    ) -> None:
        super().__init__()
        self.anno_file = [annotation_file]
        self.test_index = test_index
        if ann_data is None and annotation_file is not None:
            with open(annotation_file) as file:
                ann_data = json.load(file)
        if ann_data is None:
            return
        if not isinstance(ann_data, dict):
            raise ValueError(
                f'{annotation_file or "ann_data"} holds a {type(ann_data).__name__}; '
                'expected a JSON object with images, annotations and categories. Fix: '
                'read a list of detections with loadRes'
            )
        self.dataset = ann_data
        for annotation in ann_data.get('annotations', []):
            annotation.setdefault('iscrowd', False)
            if test_index is not None:
                triplets = np.array(annotation['keypoints']).reshape(-1, 3)
                annotation['keypoints'] = triplets[test_index].ravel().tolist()
        self.createIndex()

    def getAnnIds(
        self, imgIds: Any = (), catIds: Any = (), areaRng: Any = (), iscrowd: Any = None
    ) -> list:
        ids = super().getAnnIds(_as_list(imgIds), _as_list(catIds), [], iscrowd)
        if len(areaRng) == 0:
            return ids
        low, high = areaRng
        return [i for i in ids if low <= self.anns[i]['area'] < high]

    def getImgIds(self, imgIds: Any = (), catIds: Any = ()) -> list:
        return super().getImgIds(_as_list(imgIds), _as_list(catIds))

    def loadAnns(self, ids: Any = ()) -> list[dict]:
        return super().loadAnns(_as_list(ids))

    def loadImgs(self, ids: Any = ()) -> list[dict]:
        return super().loadImgs(_as_list(ids))

    def loadRes(self, resFile: Any, resData: list[dict] | None = None) -> 'COCO':
        """Detections (JSON file, list of dicts or array) -> annotations to compare."""
        if len(self.anno_file) == 1:
            self.anno_file.append(resFile)
        if resData is None and isinstance(resFile, str):
            with open(resFile) as file:
                resData = json.load(file)
        detections = resFile if resData is None else resData
        results = COCO()
        if len(detections) == 0:
            results.dataset = {'images': list(self.dataset['images'])}
            results.dataset['annotations'] = []
        else:
            results.dataset = super().loadRes(detections).dataset
        results.createIndex()
        return results
