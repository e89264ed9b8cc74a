"""Record oks_fixture.json: people, detections, and xtcocotools' numbers.

Needs the real xtcocotools (Python <= 3.11, numpy 1.26), run once by hand:

    python tests/runs/host/record_oks_fixture.py

The file holds the inputs too, so that a test that reads it compares evaluators and not
random generators.
"""

import json
import random
from pathlib import Path

import numpy as np

FIXTURE = Path(__file__).with_name('oks_fixture.json')
SEED = 20170
COCO_PARTS = {'keypoints': 17}
WHOLEBODY_PARTS = {
    'keypoints': 17,
    'foot_kpts': 6,
    'face_kpts': 68,
    'lefthand_kpts': 21,
    'righthand_kpts': 21,
}
# Areas on both borders of COCO's ranges (32^2, 96^2), and inside each of the three.
AREAS = [500, 32**2, 3000, 96**2, 20000, 50000]

# name -> (ground truth, detections, evaluator arguments); sigmas by name below
CASES = {
    'coco': ('coco', 'scored', {}),
    'coco_box_area': ('coco_without_area', 'scored', {'use_area': False}),
    'coco_float32_sigmas': ('coco', 'scored', {'sigmas': 'float32'}),
    'coco_detections_with_boxes': ('coco', 'boxed', {}),
    'coco_one_score_for_all': ('coco', 'tied', {}),
    'coco_no_detections': ('coco', 'none', {}),
    'crowd': ('coco', 'scored', {'iouType': 'keypoints_crowd', 'use_area': False}),
    'crowd_with_area': ('coco', 'scored', {'iouType': 'keypoints_crowd'}),
    **{
        f'{part}{suffix}': (
            'wholebody',
            f'wholebody{suffix}',
            {'iouType': f'keypoints_{part}', 'sigmas': part},
        )
        for part in ('body', 'foot', 'face', 'lefthand', 'righthand', 'wholebody')
        for suffix in ('', '_part_scores')
    },
}


def make_sigmas(name: str) -> np.ndarray:
    """OKS sigmas of a case: any positive numbers do, of the length of the part."""
    if name == 'float32':
        return np.linspace(0.02, 0.11, 17).astype(np.float32)
    cuts = np.cumsum([0, *WHOLEBODY_PARTS.values()])
    sigmas = np.linspace(0.02, 0.12, cuts[-1])
    if name == 'wholebody':
        return sigmas
    part = ('body', 'foot', 'face', 'lefthand', 'righthand').index(name)
    return sigmas[cuts[part] : cuts[part + 1]]


def run_case(name: str, fixture: dict, folder: Path, coco_type, eval_type) -> list:
    """Statistics of a case with the given COCO and COCOeval classes."""
    ground_truth, detections, arguments = CASES[name]
    arguments = dict(arguments)
    if 'sigmas' in arguments:
        arguments['sigmas'] = make_sigmas(arguments['sigmas'])
    files = []
    for kind, key in (('ground_truth', ground_truth), ('detections', detections)):
        path = folder / f'{name}_{kind}.json'
        path.write_text(json.dumps(fixture[kind][key]))
        files.append(str(path))
    coco = coco_type(files[0])
    evaluator = eval_type(coco, coco.loadRes(files[1]), **arguments)
    evaluator.params.useSegm = None
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return [float(value) for value in evaluator.stats]


def _make_person(rng: random.Random, index: int, image: int, parts: dict) -> dict:
    area = AREAS[index % len(AREAS)]
    side = round(area**0.5 * 1.4, 1)
    left, top = rng.randint(0, 300), rng.randint(0, 200)
    person = {
        'id': index,  # the first id is 0 on purpose
        'image_id': image,
        'category_id': 1,
        'bbox': [left, top, side, round(side * 1.3, 1)],
        'area': area,
        'iscrowd': 0,
    }
    hidden = index % 9 == 4  # nobody annotated the keypoints
    for key, count in parts.items():
        values = []
        for _ in range(count):
            visibility = 0 if hidden else rng.choice([0, 1, 2, 2, 2])
            x = left + round(rng.random() * side)
            y = top + round(rng.random() * side * 1.3)
            values += [x, y, visibility] if visibility else [0, 0, 0]
        person[key] = values
    if index % 11 == 7:
        person['iscrowd'] = 1
    person['num_keypoints'] = sum(v == 2 for v in person['keypoints'][2::3])
    return person


def _detect(rng: random.Random, person: dict, noise: float, parts: dict) -> dict:
    scale = noise * person['area'] ** 0.5
    detection = {
        'image_id': person['image_id'],
        'category_id': person['category_id'],
        'score': round(rng.random(), 1),  # one digit: many ties
    }
    for key in parts:
        values = []
        for x, y in zip(person[key][0::3], person[key][1::3], strict=True):
            x, y = (x, y) if x or y else person['bbox'][:2]
            values += [round(v + rng.uniform(-scale, scale), 1) for v in (x, y)]
            values += [round(rng.random(), 2)]
        detection[key] = values
    return detection


def make_inputs() -> dict:
    """Ground truths and detections of all cases."""
    rng = random.Random(SEED)
    noises = [0.01, 0.05, 0.1, 0.2, 0.4]
    images = [
        {'id': i, 'width': 640, 'height': 480, 'crowdIndex': crowd}
        for i, crowd in enumerate([0.0, 0.1, 0.2, 0.5, 0.8, 0.9, 0.3, 0.05, 0.7])
    ]
    # Image 1 is empty, 2 has people and no detections, 3 detections and no people,
    # 4 more than 20 detections.
    people: list[dict] = []
    for image in (0, 0, 0, 2, 2, *[4] * 9, 5, 5, 5, 6, 6, 6, 6, 7, 7, 8, 8, 8, 8):
        people.append(_make_person(rng, len(people), image, COCO_PARTS))
    people[-1]['category_id'] = 2
    scored = []
    for person in people:
        if person['image_id'] == 2:
            continue
        for _ in range(3 if person['image_id'] == 4 else rng.choice([0, 1, 1, 2])):
            scored.append(_detect(rng, person, rng.choice(noises), COCO_PARTS))
    scored.append({**scored[0], 'image_id': 3})
    scored.append({**scored[1], 'keypoints': [0] * 51})  # nothing found
    boxed = [{**d, 'bbox': [5, 5, 20 + 9 * i, 40]} for i, d in enumerate(scored)]
    whole = [
        _make_person(rng, index, image, WHOLEBODY_PARTS)
        for index, image in enumerate((0, 0, 0, 2, 4, 4, 5, 6))
    ]
    whole[2]['lefthand_kpts'] = [0] * 63
    wholebody = [
        _detect(rng, person, rng.choice(noises[:3]), WHOLEBODY_PARTS)
        for person in [*whole, whole[0], whole[5]]
        if person['image_id'] != 2
    ]
    wholebody[1]['foot_kpts'] = [0] * 18
    part_scores = [
        {
            **detection,
            **{
                f'{part}_score': round(rng.random(), 1)
                for part in ('wholebody', 'foot', 'face', 'lefthand', 'righthand')
            },
        }
        for detection in wholebody
    ]
    categories = [{'id': 1, 'name': 'person'}, {'id': 2, 'name': 'statue'}]
    truth = {'images': images, 'categories': categories}
    without_area = [{k: v for k, v in p.items() if k != 'area'} for p in people]
    return {
        'ground_truth': {
            'coco': {**truth, 'annotations': people},
            'coco_without_area': {**truth, 'annotations': without_area},
            'wholebody': {**truth, 'annotations': whole},
        },
        'detections': {
            'scored': scored,
            'boxed': boxed,
            'tied': [{**detection, 'score': 0.5} for detection in scored],
            'none': [],
            'wholebody': wholebody,
            'wholebody_part_scores': part_scores,
        },
    }


def main() -> None:
    import tempfile

    import xtcocotools.version
    from xtcocotools.coco import COCO
    from xtcocotools.cocoeval import COCOeval

    fixture = make_inputs()
    with tempfile.TemporaryDirectory() as folder:
        fixture['stats'] = {
            name: run_case(name, fixture, Path(folder), COCO, COCOeval)
            for name in CASES
        }
    fixture['recorded_with'] = f'xtcocotools {xtcocotools.version.__version__}'
    FIXTURE.write_text(json.dumps(fixture, separators=(',', ':')) + '\n')
    print(f'{FIXTURE}: {FIXTURE.stat().st_size / 1024:.0f} KiB')


if __name__ == '__main__':
    main()
