import dataclasses
import json
from pathlib import Path

import pytest

from studies.training.datasets import (
    DATASETS,
    choose_select_ids,
    prepare_splits,
    split_annotations,
)

IDS = list(range(100, 150))


def test_choice_does_not_depend_on_the_order():
    chosen = choose_select_ids(IDS, 20)
    assert len(chosen) == 20
    assert chosen < set(IDS)
    assert choose_select_ids(IDS[::-1], 20) == chosen


def test_choice_needs_images_left_to_train_on():
    with pytest.raises(ValueError, match='cannot set 50 of 50 images aside'):
        choose_select_ids(IDS, 50)


def test_split_keeps_every_image_and_annotation_once():
    content = dict(
        info='x',
        images=[dict(id=i) for i in range(4)],
        annotations=[dict(id=10 + i, image_id=i % 4) for i in range(7)],
    )
    train, select = split_annotations(content, {1, 3})
    assert [i['id'] for i in select['images']] == [1, 3]
    assert {a['image_id'] for a in select['annotations']} == {1, 3}
    assert len(train['annotations']) + len(select['annotations']) == 7
    assert train['info'] == 'x'


def test_splits_are_written_and_counted(tmp_path):
    # the long one reads the same folder
    dataset = dataclasses.replace(DATASETS['studio17-long'], num_select=3)
    folder = tmp_path / 'studio17'
    (folder / 'annotations').mkdir(parents=True)
    for path, count in ((dataset.train_annotations, 10), (dataset.val_annotations, 4)):
        content = dict(
            images=[dict(id=i) for i in range(count)],
            annotations=[dict(id=i, image_id=i) for i in range(count)],
        )
        (folder / path).write_text(json.dumps(content))
    splits = prepare_splits(dataset, tmp_path, tmp_path / 'work')
    assert {name: split['people'] for name, split in splits.items()} == dict(
        train=7, select=3, report=4
    )
    ids = {
        name: {
            i['id'] for i in json.loads(Path(split['ann_file']).read_text())['images']
        }
        for name, split in splits.items()
    }
    assert not ids['train'] & ids['select']
    again = prepare_splits(dataset, tmp_path, tmp_path / 'elsewhere')
    assert [s['sha256'] for s in again.values()] == [
        s['sha256'] for s in splits.values()
    ]


def test_error_text_when_the_data_is_not_there(tmp_path):
    with pytest.raises(
        ValueError, match='--data names the directory that holds studio17/'
    ):
        prepare_splits(DATASETS['studio17'], tmp_path, tmp_path)
