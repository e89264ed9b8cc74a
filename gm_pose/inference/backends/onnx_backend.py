"""An exported ONNX file, run by ONNX Runtime: no PyTorch, no MMPose."""

import os.path as osp
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gm_pose.inference.backends.onnx_metadata import read_metadata
from gm_pose.inference.backends.pose_backend import PeopleArrays, concatenate_people
from gm_pose.runs.user_errors import UserError

__all__ = ['OnnxBackend', 'open_session']

_OUTPUTS = ('keypoints', 'scores', 'covariances', 'presence')


class OnnxBackend:
    """A file of `gm_pose export`, with cropping, decoding and calibration in its graph.

    The graph takes one image, so the people of an image go through the network together,
    those of another image in the next run.

    Args:
        path: of the file.
        device: 'cpu', 'cuda' or 'cuda:0'; None: the CPU.
        flip_test: must be what the file was exported with; False takes either.
        batch_size: people that go through the network at once.
        threads: of ONNX Runtime; 0: as many as there are cores.

    Raises:
        UserError: the file is missing, broken, another program's or without joints; or
            the device is not there.
    """

    def __init__(
        self,
        path: str,
        device: str | None = None,
        flip_test: bool = False,
        batch_size: int = 32,
        threads: int = 0,
    ) -> None:
        self._session = open_session(path, device, threads)
        properties = self._session.get_modelmeta().custom_metadata_map
        self.metadata, self.description = read_metadata(properties, path)
        if (self.metadata.takes, self.metadata.gives) != ('image', 'joints'):
            raise UserError(
                f'{path} takes {self.metadata.takes} and gives {self.metadata.gives}; '
                'expected image and joints. Fix: gm_pose export CHECKPOINT --out FILE '
                'without --input and --output'
            )
        if flip_test and not self.metadata.flip_test:
            raise UserError(
                f'{path} has no flip test. Fix: gm_pose export CHECKPOINT --flip-test'
            )
        self._batch_size = batch_size

    def estimate(
        self,
        images: Sequence[NDArray[np.uint8]],
        boxes_px: Sequence[NDArray[np.floating]],
    ) -> list[PeopleArrays]:
        """Images (h, w, 3) uint8 BGR with boxes (n, 4) -> their people."""
        return [self._run(*pair) for pair in zip(images, boxes_px, strict=True)]

    def _run(
        self, image: NDArray[np.uint8], boxes_px: NDArray[np.floating]
    ) -> PeopleArrays:
        boxes = np.asarray(boxes_px, np.float32).reshape(-1, 4)
        if not len(boxes):
            return PeopleArrays.make_empty(self.description.joint_count)
        image = np.ascontiguousarray(image)
        parts = []
        for start in range(0, len(boxes), self._batch_size):
            rows = boxes[start : start + self._batch_size]
            outputs = self._session.run(_OUTPUTS, {'image': image, 'boxes': rows})
            parts.append(PeopleArrays(*outputs))
        return concatenate_people(parts)


def open_session(path: str, device: str | None = None, threads: int = 0) -> Any:
    """ONNX file -> ONNX Runtime's session.

    Raises:
        UserError: no ONNX Runtime, no such file or device, or no ONNX file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            f'{path} needs ONNX Runtime, which cannot be imported ({error}). Fix: pip '
            'install onnxruntime (or onnxruntime-gpu)'
        ) from error
    if not osp.isfile(path):
        raise UserError(f'{path} does not exist. Fix: give a file of `gm_pose export`')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.intra_op_num_threads = threads
    providers = _choose_providers(onnxruntime.get_available_providers(), device)
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # its errors share no class of their own
        reason = ' '.join(str(error).split())[:200]
        raise UserError(
            f'{path} cannot be opened as an ONNX file ({reason}). Fix: give a file of '
            '`gm_pose export`'
        ) from error


def _choose_providers(available: Sequence[str], device: str | None) -> list[Any]:
    name, _, number = (device or 'cpu').partition(':')
    if name == 'cpu':
        return ['CPUExecutionProvider']
    if name == 'cuda' and 'CUDAExecutionProvider' in available:
        settings = {'device_id': int(number or 0)}
        return [('CUDAExecutionProvider', settings), 'CPUExecutionProvider']
    raise UserError(
        f'device {device!r} is not among those of ONNX Runtime ({", ".join(available)}). '
        'Fix: cpu, or pip install onnxruntime-gpu for cuda'
    )
