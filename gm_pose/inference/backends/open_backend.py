"""Whatever a user calls MODEL -> a backend that is ready to predict."""

from gm_pose.inference.backends.pose_backend import PoseBackend
from gm_pose.runs.user_errors import UserError

__all__ = ['open_backend']


def open_backend(
    model: str,
    weights: str | None = None,
    device: str | None = None,
    flip_test: bool = False,
    batch_size: int = 32,
) -> PoseBackend:
    """Open a model.

    Args:
        model: checkpoint of a run, config file, name of a published MMPose model, or ONNX
            file of `gm_pose export`.
        weights: checkpoint for a config or a name.
        device: 'cpu', 'cuda:0', ...; None: a GPU where there is one.
        flip_test: average the maps with those of the mirrored crop.
        batch_size: people that go through the network at once.

    Raises:
        UserError: it cannot be opened; the text says why and what to do.
    """
    if model.lower().endswith('.onnx'):
        from gm_pose.inference.backends.onnx_backend import OnnxBackend

        if weights is not None:
            raise UserError(f'{model} holds its weights. Fix: leave --weights out')
        return OnnxBackend(
            model, device=device, flip_test=flip_test, batch_size=batch_size
        )
    from gm_pose.inference.models.open_model import open_model

    opened = open_model(model, weights)  # first: it checks that PyTorch is there
    from gm_pose.inference.backends.torch_backend import TorchBackend

    return TorchBackend(opened, device, flip_test, batch_size)
