"""results.json, joints.json, people.csv, people.parquet, written frame by frame."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gm_pose.inference.backends.pose_backend import ModelDescription
from gm_pose.inference.outputs.whole_file import write_whole
from gm_pose.inference.people import People
from gm_pose.inference.people_formats import (
    COLUMNS,
    import_extra,
    make_coco_results,
    make_columns,
)

__all__ = ['number_images', 'write_coco', 'write_csv', 'write_joints', 'write_parquet']

# Rows of a table that are kept in memory: 10 MB.
_ROWS = 50_000


def number_images(images: Iterable[People]) -> Iterator[tuple[People, int | str]]:
    """Each image with its id in the results.

    The id in the file that the boxes are from; else the number that the image's name is
    (000000000139.jpg, as in COCO), if the images so far have such names; else the place.
    A frame of a video has its number.
    """
    has_numbers = True
    for place, people in enumerate(images):
        stem = Path(people.source).stem
        has_numbers &= stem.isdecimal()
        if people.image_id is not None:
            yield people, people.image_id
        elif people.frame is not None:
            yield people, people.frame
        else:
            yield people, int(stem) if has_numbers else place


def write_coco(
    path: Path, images: Iterable[People]
) -> tuple[dict[str, int | str], int]:
    """COCO keypoint results -> ids of the images, number of people."""
    ids: dict[str, int | str] = {}
    count = 0
    with write_whole(path) as partial, open(partial, 'w', encoding='utf-8') as file:
        file.write('[')
        for people, image_id in number_images(images):
            name = people.source
            ids[name if people.frame is None else f'{name}#{people.frame}'] = image_id
            for result in make_coco_results(people, image_id):
                file.write(',\n' if count else '\n')
                json.dump(result, file, separators=(',', ':'))
                count += 1
        file.write('\n]\n')
    return ids, count


def write_joints(
    path: Path, description: ModelDescription, ids: dict[str, int | str], model: str
) -> None:
    """What stands beside the results: names of joints, skeleton, files of the ids."""
    content: dict[str, Any] = dict(
        model=model,
        joint_names=description.joint_names,
        skeleton_links=description.skeleton_links,
        flip_indices=description.flip_indices,
        oks_sigmas=description.oks_sigmas,
        image_ids=ids,
    )
    with write_whole(path) as partial:
        partial.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')


def write_csv(path: Path, images: Iterable[People]) -> None:
    """A row for each joint."""
    with (
        write_whole(path) as partial,
        open(partial, 'w', encoding='utf-8', newline='') as file,
    ):
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for people in images:
            columns = [
                c if isinstance(c, list) else c.tolist()
                for c in make_columns(people).values()
            ]
            writer.writerows(zip(*columns, strict=True))


def write_parquet(path: Path, images: Iterable[People]) -> None:
    """The same as Parquet.

    Raises:
        UserError: pyarrow is not installed.
    """
    arrow = import_extra('pyarrow', 'predict')
    parquet = import_extra('pyarrow.parquet', 'predict')
    text = arrow.dictionary(arrow.int32(), arrow.string())
    kinds = dict.fromkeys(COLUMNS, arrow.float32())
    kinds |= dict.fromkeys(('source', 'joint'), text)
    kinds |= dict.fromkeys(('frame', 'person', 'track_id'), arrow.int64())
    schema = arrow.schema(list(kinds.items()))
    with (
        write_whole(path) as partial,
        parquet.ParquetWriter(partial, schema) as writer,
    ):
        waiting: list[Any] = []
        for people in images:
            batch = arrow.table(
                {
                    name: arrow.array(values).cast(kinds[name])
                    for name, values in make_columns(people).items()
                },
                schema=schema,
            )
            waiting.append(batch)
            if sum(b.num_rows for b in waiting) > _ROWS:
                writer.write_table(arrow.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(arrow.concat_tables(waiting))
