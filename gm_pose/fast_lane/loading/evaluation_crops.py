"""Evaluation's crops of a batch, and what is known of the people on them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gm_pose.fast_lane.loading.crop_warp import warp_crop
from gm_pose.ops.crop_matrices import (
    fix_aspect_ratio,
    make_warp_matrices,
    measure_boxes,
)

if TYPE_CHECKING:
    from gm_pose.fast_lane.config.recipe import Recipe
    from gm_pose.fast_lane.images.image_sources import ImageSource
    from gm_pose.fast_lane.people.people_arrays import PeopleArrays

__all__ = ['EvaluationCrops']

# Numbers that only some datasets have.
_EXTRAS = ('head_size', 'crowd_index')


class EvaluationCrops:
    """Crops without augmentation, equal to those of MMPose's pipeline.

    People of one image are neighbours there, and `images` keeps the last one.

    Args:
        people: of the dataset.
        images: where pixels come from.
        recipe: what the pipeline asks for.
    """

    def __init__(
        self, people: 'PeopleArrays', images: 'ImageSource', recipe: 'Recipe'
    ) -> None:
        self.people = people
        self.images = images
        self.recipe = recipe

    def fill(self, rows: np.ndarray, inputs: np.ndarray) -> dict[str, Any]:
        """Write crops of the people `rows` (B,) into `inputs` (B, h, w, 3).

        Returns:
            What `make_data_samples` reads.

        Raises:
            UnreadableImage: 'path: reason'.
        """
        people, recipe = self.people, self.recipe
        centers, scales = measure_boxes(people.bboxes_px[rows], recipe.padding)
        scales = fix_aspect_ratio(scales, recipe.input_size)
        still = np.zeros(len(rows), dtype=np.float32)
        matrices = make_warp_matrices(
            centers, scales, still, recipe.input_size, recipe.use_udp
        )
        image_rows = people.image_rows[rows].tolist()
        sizes = np.array(people.image_sizes_px[image_rows])
        for k, row in enumerate(rows.tolist()):
            pixels, stored = self.images.read(image_rows[k], row)
            warp_crop(pixels, matrices[k], stored, inputs[k])
            if stored is None:
                sizes[k] = pixels.shape[1::-1]
        return dict(
            input_centers_px=centers,
            input_scales_px=scales,
            image_sizes_px=sizes,
            img_paths=[people.image_paths[row] for row in image_rows],
            **self._gather(rows),
        )

    def _gather(self, rows: np.ndarray) -> dict[str, Any]:
        people, recipe = self.people, self.recipe
        arrays: dict[str, Any] = dict(
            sample_indices=rows,
            ids=people.ids[rows],
            img_ids=people.img_ids[rows],
            category_ids=people.category_ids[rows],
            bboxes_px=people.bboxes_px[rows],
            bbox_scores=people.bbox_scores[rows],
            labelled_keypoints_px=people.keypoints_px[rows],
            labelled_visible=people.visible[rows],
            meta_keys=recipe.meta_keys,
            metainfo=dict(
                input_size=recipe.input_size,
                flip_indices=people.metainfo['flip_indices'],
                dataset_name=people.metainfo['dataset_name'],
            ),
        )
        for name in _EXTRAS:
            if name in people.extras:
                arrays[name] = people.extras[name][rows]
        if 'raw_ann_info' in recipe.meta_keys:
            annotations = [people.raw_ann_info(row) for row in rows.tolist()]
            if annotations[0] is not None:
                arrays['raw_ann_info'] = annotations
        return arrays
