"""The study's datasets and their three splits: train, select (selection), report."""

import hashlib
import json
import os
import random
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPLITS = ('train', 'select', 'report')


@dataclass(frozen=True)
class StudyDataset:
    """A COCO-format dataset of the study.

    Attributes:
        name: what it is called in commands and results.
        folder: folder name under the data directory.
        metainfo: MMPose dataset name, or metainfo file relative to the project's root.
        num_joints: K.
        train_annotations, val_annotations: JSON files relative to the folder.
        train_images, val_images: image folders relative to the folder.
        num_select: training images set aside as the selection split.
        epochs: length of a run.
        recipe: 'plain', Simple Baseline's, or 'modern': AdamW, an average of the weights
            and photometric distortion.
        is_crowded: whether people of one picture can be taken for each other.
    """

    name: str
    folder: str
    metainfo: str
    num_joints: int
    train_annotations: str
    val_annotations: str
    train_images: str
    val_images: str
    num_select: int
    epochs: int
    recipe: str = 'plain'
    is_crowded: bool = False


_STUDIO17 = StudyDataset(
    name='studio17',
    folder='studio17',
    metainfo='coco',
    num_joints=17,
    train_annotations='annotations/person_keypoints_train2017.json',
    val_annotations='annotations/person_keypoints_val2017.json',
    train_images='train2017/',
    val_images='val2017/',
    num_select=100,
    epochs=15,
)
_LSPET = StudyDataset(
    name='lspet-4k',
    folder='lspet-4k',
    metainfo='studies/training/lspet_metainfo.py',
    num_joints=14,
    train_annotations='annotations/person_keypoints_train.json',
    val_annotations='annotations/person_keypoints_val.json',
    train_images='train/',
    val_images='val/',
    num_select=300,
    epochs=5,
)
# crowded photographs with unlabelled joints: every training person trains
_COCO_UNION = replace(
    _STUDIO17,
    name='coco-union',
    folder='coco-union',
    num_select=0,
    epochs=30,
    is_crowded=True,
)
DATASETS = {
    'studio17': _STUDIO17,
    # the same people, trained for twice as long
    'studio17-long': replace(_STUDIO17, name='studio17-long', epochs=30),
    'studio17-modern': replace(
        _STUDIO17, name='studio17-modern', epochs=45, recipe='modern'
    ),
    'coco-union': _COCO_UNION,
    # both kinds of photographs to train on, those of coco-union to report on
    'coco-and-studio': replace(
        _COCO_UNION,
        name='coco-and-studio',
        folder='coco-and-studio',
        train_images='../',
        val_annotations='../coco-union/annotations/person_keypoints_val2017.json',
        val_images='../coco-union/val2017/',
    ),
    'lspet-4k': _LSPET,
    # the first people of it, in small pictures (pack_photographs.py)
    'lspet-1k': replace(
        _LSPET, name='lspet-1k', folder='lspet-1k', num_select=0, epochs=15
    ),
}


def choose_select_ids(image_ids: list[int], count: int, fold: int = 0) -> set[int]:
    """`count` of the image ids, always the same ones whatever their order.

    Args:
        image_ids: all of the training part.
        count: images set aside.
        fold: which ones; no image is in two folds, and fold 0 is the study's own.

    Raises:
        ValueError: fewer images than that.
    """
    if count * (fold + 1) > len(image_ids) or count >= len(image_ids):
        raise ValueError(
            f'cannot set {count} of {len(image_ids)} images aside and train on the rest '
            f'in fold {fold}'
        )
    draw, rest = random.Random(0), sorted(image_ids)
    for _ in range(fold):
        taken = set(draw.sample(rest, count))
        rest = [image_id for image_id in rest if image_id not in taken]
    return set(draw.sample(rest, count))


def split_annotations(content: dict, select_ids: set[int]) -> tuple[dict, dict]:
    """COCO dict -> (dict of all other images, dict of `select_ids`)."""
    contents = []
    for inside in (False, True):
        contents.append(
            dict(
                content,
                images=[
                    i for i in content['images'] if (i['id'] in select_ids) == inside
                ],
                annotations=[
                    a
                    for a in content['annotations']
                    if (a['image_id'] in select_ids) == inside
                ],
            )
        )
    return contents[0], contents[1]


def prepare_splits(
    dataset: StudyDataset, data_dir: Path, work_dir: Path, fold: int = 0
) -> dict[str, dict]:
    """Write the annotation files of the splits below `work_dir` and say where they are.

    Returns:
        Split name -> dict(ann_file, image_dir, people, sha256 of the annotations).

    Raises:
        ValueError: the dataset is not under `data_dir`.
    """
    folder = (data_dir / dataset.folder).resolve()
    source = folder / dataset.train_annotations
    if not source.is_file():
        raise ValueError(
            f'{source} does not exist: --data names the directory that holds '
            f'{dataset.folder}/'
        )
    content = json.loads(source.read_text())
    chosen = choose_select_ids(
        [i['id'] for i in content['images']], dataset.num_select, fold
    )
    train, select = split_annotations(content, chosen)
    name = dataset.name if fold == 0 else f'{dataset.name}-fold{fold}'
    split_dir = work_dir / 'splits' / name
    split_dir.mkdir(parents=True, exist_ok=True)
    files = {'report': folder / dataset.val_annotations}
    for split, annotations in (('train', train), ('select', select)):
        files[split] = split_dir / f'{split}.json'
        # several runs may do this at once: whole files appear, or none
        scratch = split_dir / f'{split}.{os.getpid()}'
        scratch.write_text(json.dumps(annotations))
        scratch.replace(files[split])
    splits = {}
    for split in SPLITS:
        data = files[split].read_bytes()
        images = dataset.val_images if split == 'report' else dataset.train_images
        splits[split] = dict(
            ann_file=str(files[split]),
            image_dir=str(folder / images),
            people=len(json.loads(data)['annotations']),
            sha256=hashlib.sha256(data).hexdigest()[:16],
        )
    return splits


def locate_split(split: dict) -> dict:
    """Split of `prepare_splits` -> keys of an MMPose dataset."""
    return dict(ann_file=split['ann_file'], data_prefix=dict(img=split['image_dir']))
