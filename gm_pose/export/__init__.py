"""A checkpoint -> one ONNX file that takes an image and boxes and gives joints.

Needs PyTorch and MMPose; the file needs neither (`gm_pose.inference.backends.onnx_backend`,
or any other runtime).
"""

from gm_pose.export.export_onnx import Exported, ExportOptions, export_onnx

__all__ = ['ExportOptions', 'Exported', 'export_onnx']
