"""Training's crops of a batch: augmented, unreadable images replaced."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gm_pose.fast_lane.loading.crop_warp import warp_crop
from gm_pose.fast_lane.loading.pixel_transforms import PixelTransforms
from gm_pose.fast_lane.loading.sample_words import (
    draw_augmentation,
    draw_pixel_seeds,
    draw_replacement,
)
from gm_pose.fast_lane.people.body_sides import read_sides
from gm_pose.ops.augmented_crops import CropFrame, Crops, augment_crops
from gm_pose.ops.joint_checks import require_finite_joints
from gm_pose.runs.data_checks.unreadable_image import SKIPPED, UnreadableImage
from gm_pose.runs.loading.sample_errors import (
    MAX_TRIES,
    explain_unreadable,
    explain_wrong_sample,
)
from gm_pose.runs.user_errors import UserError

if TYPE_CHECKING:
    from gm_pose.fast_lane.config.recipe import Recipe
    from gm_pose.fast_lane.images.image_sources import ImageSource
    from gm_pose.fast_lane.people.people_arrays import PeopleArrays

__all__ = ['TrainingCrops']


class TrainingCrops:
    """Crops of people, each augmented by the random numbers of its own key.

    Args:
        people: of the dataset.
        images: where pixels come from.
        recipe: what the pipeline asks for.
    """

    def __init__(
        self, people: 'PeopleArrays', images: 'ImageSource', recipe: 'Recipe'
    ) -> None:
        if recipe.augmentation is None:
            raise ValueError(
                'the recipe has no augmentation; expected that of training'
            )
        self.people = people
        self.images = images
        self.augmentation = recipe.augmentation
        self.frame = CropFrame(recipe.input_size, recipe.use_udp, recipe.padding)
        self.sides = read_sides(people.metainfo)
        self.pixel_transforms = PixelTransforms(recipe.pixel_transforms)
        self._shared = {}
        if recipe.use_dataset_keypoint_weights:
            weights = np.float32(people.metainfo['dataset_keypoint_weights'])
            self._shared['dataset_keypoint_weights'] = weights

    def fill(
        self, rows: np.ndarray, words: np.ndarray, inputs: np.ndarray
    ) -> dict[str, Any]:
        """Write crops of the people `rows` (B,) into `inputs` (B, h, w, 3).

        Args:
            rows: changed where another sample takes the place of an unreadable one.
            words: (B, 3), the samples' keys.
            inputs: uint8.

        Returns:
            Where the keypoints are, and which images were replaced.

        Raises:
            UserError: `MAX_TRIES` unreadable images in a row, or an annotation that no
                target can be made of.
        """
        crops = self._augment(rows, words)
        seeds = draw_pixel_seeds(words) if len(self.pixel_transforms) else None
        skipped: list[str] = []
        image_rows = self.people.image_rows[rows].tolist()
        for k in range(len(rows)):
            tries = 0
            while not self._try_read(
                image_rows[k], int(rows[k]), crops.matrices[k], inputs[k], skipped
            ):
                tries += 1
                if tries == MAX_TRIES:
                    raise explain_unreadable(skipped[-tries:])
                rows[k] = draw_replacement(words[k], tries, len(self.people.ids))
                image_rows[k] = int(self.people.image_rows[rows[k]])
                self._replace(crops, k, rows, words)
            if seeds is not None:
                self._change_pixels(rows[k], inputs[k], seeds[k])
        self._check_finite(rows, crops)
        # Small arrays stay numpy's: a tensor from a worker takes a connection of its own.
        return {
            'keypoints_px': crops.keypoints_px,
            'visible': crops.visible,
            'sample_indices': rows,
            SKIPPED: skipped,
            **self._shared,
        }

    def _augment(self, rows: np.ndarray, words: np.ndarray) -> Crops:
        people = self.people
        return augment_crops(
            people.bboxes_px[rows],
            people.keypoints_px[rows],
            people.visible[rows],
            self.frame,
            self.sides,
            self.augmentation,
            draw_augmentation(self.augmentation, words),
        )

    def _replace(
        self, crops: Crops, k: int, rows: np.ndarray, words: np.ndarray
    ) -> None:
        one = slice(k, k + 1)
        other = self._augment(rows[one], words[one])
        crops.matrices[one] = other.matrices
        crops.keypoints_px[one] = other.keypoints_px
        crops.visible[one] = other.visible

    def _try_read(
        self,
        image_row: int,
        row: int,
        matrix: np.ndarray,
        crop: np.ndarray,
        skipped: list[str],
    ) -> bool:
        try:
            pixels, stored = self.images.read(image_row, row)
        except UnreadableImage as error:
            skipped.append(str(error))
            return False
        warp_crop(pixels, matrix, stored, crop)
        return True

    def _change_pixels(self, row: int, crop: np.ndarray, seed: np.ndarray) -> None:
        try:
            self.pixel_transforms.apply(crop, (int(seed[0]), int(seed[1])))
        except ValueError as error:
            raise self._name_error(row, error) from error

    def _check_finite(self, rows: np.ndarray, crops: Crops) -> None:
        """Targets are drawn on the device, where nobody waits for a check."""
        # One number that is not finite where any is not, or is too large to square.
        if np.isfinite(np.vdot(crops.keypoints_px, crops.keypoints_px)):
            return
        for k, row in enumerate(rows):
            try:
                require_finite_joints(
                    crops.keypoints_px[k], crops.visible[k] >= 0.5, None
                )
            except ValueError as error:
                raise self._name_error(row, error) from error

    def _name_error(self, row: int, error: ValueError) -> UserError:
        path = self.people.image_paths[int(self.people.image_rows[row])]
        name = f'{row} (id {self.people.ids[row]}, {path})'
        return explain_wrong_sample(name, error)
