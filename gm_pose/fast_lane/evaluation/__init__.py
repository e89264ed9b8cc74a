"""COCO's keypoint metric on arrays."""
