"""Does a checkpoint belong to the config's model?"""

import torch

from gm_pose.engine.user_errors import UserError

__all__ = ['check_checkpoint_fits']


def check_checkpoint_fits(checkpoint: dict, model: torch.nn.Module, path: str) -> None:
    """Raise UserError if a checkpoint's weights are not the model's.

    MMEngine loads what fits and logs the rest: a checkpoint for another number of
    keypoints, or without the block, would be evaluated with random weights.

    Args:
        checkpoint: content of the file.
        model: the config's model, or its outline.
        path: the file's name, for the message.
    """
    weights = checkpoint.get('state_dict', checkpoint)
    weights = {
        name.removeprefix('module.'): value
        for name, value in weights.items()
        if torch.is_tensor(value)
    }
    if not weights:
        raise UserError(
            f'checkpoint {path} holds no weights: give a .pth file that training wrote'
        )
    expected = model.state_dict()
    for name, value in weights.items():
        if name in expected and value.shape != expected[name].shape:
            found, wanted = list(value.shape), list(expected[name].shape)
            what = f"{name} has shape {found} in it and {wanted} in the config's model"
            if name.startswith('head.') and found[1:] == wanted[1:]:
                what = (
                    f"it is for {found[0]} keypoints and the config's head has "
                    f'{wanted[0]} ({name})'
                )
            raise UserError(
                f'checkpoint {path} does not fit the config: {what}; give the config that '
                'it was trained with'
            )
    missing = [name for name in expected if name not in weights]
    extra = [name for name in weights if name not in expected]
    for names, what in ((missing, 'lacks'), (extra, 'also has')):
        if names:
            parts = ', '.join(sorted({f'model.{name.split(".")[0]}' for name in names}))
            raise UserError(
                f'checkpoint {path} does not fit the config: it {what} {len(names)} '
                f'weights of {parts} ({names[0]}, ...); give the config that it was '
                'trained with'
            )
