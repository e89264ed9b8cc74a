"""Annotation files of several tools -> `KeypointData`."""

from gm_pose.new_dataset.readers.read_annotations import FORMATS, read_annotations

__all__ = ['FORMATS', 'read_annotations']
