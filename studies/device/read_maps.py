"""Predicted maps of a split -> AP in every way to read them, and each person's OKS."""

import base64
import zlib
from typing import Any, NamedTuple

import numpy as np
from mmpose.registry import KEYPOINT_CODECS

from gm_pose.codecs.base_codec import OURS
from gm_pose.ops.uncertainty import (
    Uncertainty,
    compute_expected_oks,
    measure_uncertainty,
)
from gm_pose.runs.evaluation.average_precision import MatchingRules, compute_precision
from gm_pose.runs.evaluation.coco_people import (
    AREA_TO_BOX_RATIO,
    read_true_people,
)
from gm_pose.runs.evaluation.people import DetectedPeople
from studies.device.device_data import People
from studies.training.joint_statistics import compute_oks, score_people
from studies.variants.loss_variants import MEAN_TOLERANCE
from studies.variants.person_heatmap import list_person_sigmas


class Reading(NamedTuple):
    """How maps are read: which sigmas they are decoded at, and what scores a person.

    Attributes:
        decoding: 'own' the targets' sigmas, 'oks' the metric's, 'uniform' the metric's
            mean for all joints, 'stock' MMPose's codec.
        scoring: 'peaks' as CocoMetric, the mean of those above 0.2; 'mean' that of all
            joints' values, 0 to 1: at the metric's sigmas the OKS that is expected;
            'expected' the OKS expected from each map's spread and peak
            (`gm_pose.ops.uncertainty`), 'uniform' with one tolerance for all joints.
    """

    decoding: str
    scoring: str

    def __str__(self) -> str:
        return f'{self.decoding}-{self.scoring}'


DECODINGS: dict[str, Any] = {
    'own': None,
    'oks': dict(oks='coco', mean=MEAN_TOLERANCE),
    'uniform': MEAN_TOLERANCE,
}
SCORINGS = ('peaks', 'mean', 'expected')
READINGS = tuple(str(Reading(d, s)) for d in DECODINGS for s in SCORINGS)
# Open to a side that knows no joint from another.
UNIFORM_READINGS = tuple(
    r for r in READINGS if not r.startswith('oks') and r != 'own-expected'
)


def decode_maps(
    maps: np.ndarray, codec: dict[str, Any], cells: list[float], metainfo: str
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Maps (N, K, H, W) -> decoding -> joints (N, K, 2) in input px, values (N, K).

    Args:
        maps: of one test.
        codec: config of the run's.
        cells: (K,) or (1,), sigmas that the maps are read at.
        metainfo: of the dataset.
    """
    maps = maps.astype(np.float32)
    if codec['type'] == 'MSRAHeatmap':
        built = KEYPOINT_CODECS.build(codec)
        pairs = [built.decode(person.copy()) for person in maps]
        joints, values = (np.concatenate(part) for part in zip(*pairs, strict=True))
        return dict(stock=(joints, values))
    sigmas = cells if len(cells) > 1 else cells[0]
    found = {}
    for name, table in DECODINGS.items():
        if name == 'oks':
            table = dict(table, oks=metainfo)
        settings = dict(codec, sigmas=sigmas, decode_sigmas=table, type=OURS)
        for key in ('balance_weights', 'foot', 'root_cells'):  # of the targets alone
            settings.pop(key, None)
        if name == 'uniform' and min(cells) >= MEAN_TOLERANCE:  # nothing to blur
            settings['decode_sigmas'] = None
        joints, values = KEYPOINT_CODECS.build(settings)._decode(maps)
        found[name] = joints, values
    return found


def decode_people(
    maps: np.ndarray, codec: dict[str, Any], cells: np.ndarray, metainfo: str
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """`decode_maps` for maps whose sigmas (N, K) or (N, 1) differ by person."""
    people = [
        decode_maps(maps[i : i + 1], codec, own.tolist(), metainfo)
        for i, own in enumerate(cells)
    ]
    return {
        name: (
            np.concatenate([found[name][0] for found in people]),
            np.concatenate([found[name][1] for found in people]),
        )
        for name in people[0]
    }


def measure_roots(people: People, codec: dict[str, Any]) -> np.ndarray:
    """Roots (N,) of people's areas in cells of their crops.

    An area is taken as 0.53 of the box, which is all that a test knows.
    """
    sides = np.array([person['bbox'][2:] for person in people.truth], float)
    scales = codec['heatmap_size'][0] / people.scales_px[:, 0]
    return np.asarray(np.sqrt(AREA_TO_BOX_RATIO * sides.prod(1)) * scales)


def to_image_px(joints: np.ndarray, people: People, input_size: Any) -> np.ndarray:
    """Joints (N, K, 2) in input px -> in image px, as MMPose's estimator does it."""
    scales = people.scales_px[:, None] / np.asarray(input_size, np.float32)
    return joints * scales + people.centers_px[:, None] - people.scales_px[:, None] / 2


def score(values: np.ndarray, scoring: str) -> np.ndarray:
    """Values of joints (N, K) -> scores of people (N,)."""
    if scoring == 'peaks':
        return score_people(values)
    return values.clip(0, 1).mean(1)


def average_by_presence(expected_oks: np.ndarray, presence: np.ndarray) -> np.ndarray:
    """Joints' expected OKS and presence (N, K) -> people's expected OKS (N,).

    All runs are scored so. The package's own score is the mean over all joints.
    """
    total = presence.sum(-1).clip(1e-6)  # of nobody nothing shows: no 0 / 0
    return np.asarray(expected_oks.sum(-1) / total)


def expect_oks(
    maps: np.ndarray,
    joints: np.ndarray,
    cells: Any,
    people: People,
    codec: dict[str, Any],
    oks_sigmas: np.ndarray,
) -> dict[str, np.ndarray]:
    """Maps (N, K, H, W), joints (N, K, 2) in input px -> expected OKS (N,) of people.

    Args:
        cells: (K,) or (1,), or (N, K) by person.

    Returns:
        'oks' with each joint's tolerance, 'uniform' with their mean for all.
    """
    px = codec['input_size'][0] / codec['heatmap_size'][0]
    roots = measure_roots(people, codec)
    sure = measure_by_sigma(
        maps.astype(np.float32), joints / px, np.asarray(cells, float)
    )
    found = {}
    mean = np.full_like(oks_sigmas, oks_sigmas.mean())
    for name, told in (('oks', oks_sigmas), ('uniform', mean)):
        tolerances = 2 * told * roots[:, None]
        oks = compute_expected_oks(sure.covariances_cells2, sure.presence, tolerances)
        found[name] = np.nan_to_num(average_by_presence(oks, sure.presence))
    return found


def measure_by_sigma(
    maps: np.ndarray, joints_cells: np.ndarray, cells: np.ndarray
) -> Uncertainty:
    """`measure_uncertainty` at sigmas (K,) or (1,), or of each person (N, K)."""
    if cells.ndim == 1:
        return measure_uncertainty(maps, joints_cells, cells)
    parts = [
        measure_uncertainty(maps[i : i + 1], joints_cells[i : i + 1], own)
        for i, own in enumerate(cells)
    ]
    return Uncertainty(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def measure_ap(
    joints: np.ndarray, scores: np.ndarray, truth: list[dict], oks_sigmas: np.ndarray
) -> list[float]:
    """Joints (N, K, 2) in image px, scores (N,) -> AP, AP50, AP75, AR in percent."""
    people = read_true_people(truth, len(oks_sigmas))
    found = DetectedPeople(
        people.image_ids,
        people.category_ids,
        np.concatenate([joints, np.ones_like(joints[..., :1])], -1).astype(float),
        people.areas,
        scores.astype(float),
    )
    precision = compute_precision(
        people, found, oks_sigmas, np.unique(people.image_ids), np.array([1])
    )
    numbers = precision.summarize(MatchingRules().thresholds)
    return [round(100 * float(numbers[k]), 3) for k in (0, 1, 2, 5)]


def measure_joints(
    joints: np.ndarray, truth: list[dict], oks_sigmas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Joints (N, K, 2) in image px -> OKS (N, K), labelled (N, K)."""
    people = read_true_people(truth, len(oks_sigmas))
    gaps = np.linalg.norm(joints - people.keypoints[..., :2], axis=2)
    return compute_oks(gaps, people.areas, oks_sigmas), people.keypoints[..., 2] > 0


def pack(values: np.ndarray, dtype: str = 'float16') -> dict[str, Any]:
    """An array as text for a line of JSON; `unpack` reads it."""
    array = np.ascontiguousarray(values, dtype=dtype)
    text = base64.b85encode(zlib.compress(array.tobytes(), 9)).decode()
    return dict(shape=list(array.shape), dtype=dtype, data=text)


def unpack(packed: dict[str, Any]) -> np.ndarray:
    """What `pack` wrote -> the array."""
    data = zlib.decompress(base64.b85decode(packed['data']))
    return np.frombuffer(data, packed['dtype']).reshape(packed['shape'])


def read_split(
    maps: dict[str, np.ndarray],
    people: People,
    codec: dict[str, Any],
    cells: list[float],
    metainfo: Any,
    dataset_name: str,
    keep_joints: bool,
) -> dict[str, Any]:
    """Maps of every test on a split -> what a result keeps of it.

    Args:
        maps: test -> (N, K, H, W).
        people: of the split.
        codec: config of the run's.
        cells: see `decode_maps`.
        metainfo: parsed, with `sigmas`.
        dataset_name: for the codec's tables.
        keep_joints: also every joint with flip test.
    """
    oks_sigmas = np.asarray(metainfo['sigmas'], float)
    result: dict[str, Any] = dict(ap={}, people={}, joints={})
    decode: Any = decode_maps
    own: Any = cells
    if codec['type'] == 'PersonHeatmap':
        built = KEYPOINT_CODECS.build(codec)
        decode, own = (
            decode_people,
            list_person_sigmas(built, measure_roots(people, codec)),
        )
    for test, values in maps.items():
        is_flip = test.startswith('flip')
        for name, (joints, peaks) in decode(values, codec, own, dataset_name).items():
            placed = to_image_px(joints, people, codec['input_size'])
            oks, labelled = measure_joints(placed, people.truth, oks_sigmas)
            oks = np.where(labelled, oks, 0)
            scores = [score(peaks, scoring) for scoring in SCORINGS[:2]]
            if is_flip and name == 'own':  # the maps as they are, whatever decodes them
                expected = expect_oks(values, joints, own, people, codec, oks_sigmas)
            if is_flip and name != 'stock':
                scores.append(expected['uniform' if name == 'uniform' else 'oks'])
            for scoring, person_scores in zip(SCORINGS, scores, strict=False):
                result['ap'][f'{test}/{name}-{scoring}'] = measure_ap(
                    placed, person_scores, people.truth, oks_sigmas
                )
            if not is_flip:
                continue
            count = labelled.sum(1).clip(1)
            result['people'][f'{test}/{name}'] = pack(
                np.stack([oks.sum(1) / count, *scores])
            )
            result['joints'][f'{test}/{name}'] = [
                round(float(v), 4) for v in oks.sum(0) / labelled.sum(0).clip(1)
            ]
            if keep_joints and name in ('own', 'oks', 'stock'):
                # 1 / 200 px of the input
                packed = np.clip(np.rint(joints * 200), -32000, 32000)
                result['people'][f'{test}/{name}/joints'] = pack(packed, 'int16')
    return result
