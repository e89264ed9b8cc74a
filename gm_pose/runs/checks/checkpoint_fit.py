"""Does a checkpoint belong to the config's model?"""

import copy
import re
import warnings
from collections import OrderedDict
from typing import Any

import torch

from gm_pose.runs.user_errors import UserError

__all__ = ['check_checkpoint_fits']

_MISMATCH = re.compile(
    r'size mismatch for (\S+): .*?Size\(\[(.*?)\]\).*?Size\(\[(.*?)\]\)', re.DOTALL
)


def check_checkpoint_fits(checkpoint: dict, model: torch.nn.Module, path: str) -> None:
    """Raise UserError if a checkpoint's weights are not the model's, or not finite.

    MMEngine loads what fits and logs the rest: a checkpoint for another number of
    keypoints, or without the block, would be evaluated with random weights. Names are
    compared after the model's own loading hooks, so what MMPose converts while it loads
    (state dicts of its 0.x versions) fits.

    Args:
        checkpoint: content of the file; left as it is.
        model: the config's model, or its outline; left as it is.
        path: the file's name, for the message.
    """
    found = checkpoint.get('state_dict', checkpoint)
    weights: Any = OrderedDict(
        (name.removeprefix('module.'), value.to('meta'))
        for name, value in found.items()
        if torch.is_tensor(value)
    )
    if not weights:
        raise UserError(
            f'checkpoint {path} holds no weights. Fix: give a .pth file that training wrote'
        )
    weights._metadata = getattr(found, '_metadata', OrderedDict())
    outline = copy.deepcopy(model).to('meta')
    try:
        with warnings.catch_warnings():  # that loading into meta tensors copies nothing
            warnings.simplefilter('ignore', UserWarning)
            result = outline.load_state_dict(weights, strict=False)
    except (RuntimeError, AssertionError) as error:  # a shape, or a hook's refusal
        what = _explain_mismatch(str(error))
        raise UserError(
            f'checkpoint {path} does not fit the config: {what}. Fix: give the config that '
            'it was trained with'
        ) from error
    # Files of before PyTorch 0.4.1 lack these counters, and nothing depends on them.
    missing = [n for n in result.missing_keys if not n.endswith('num_batches_tracked')]
    for names, what in ((missing, 'lacks'), (result.unexpected_keys, 'also has')):
        if names:
            places = ', '.join(
                sorted({f'model.{name.split(".")[0]}' for name in names})
            )
            raise UserError(
                f'checkpoint {path} does not fit the config: it {what} {len(names)} '
                f'weights of {places} ({names[0]}, ...). Fix: give the config that it was '
                'trained with'
            )
    faulty = [
        name
        for name, value in found.items()
        if torch.is_tensor(value)
        and value.is_floating_point()
        and not value.isfinite().all()
    ]
    if faulty:
        raise UserError(
            f'checkpoint {path} has NaN or infinity in {len(faulty)} weights '
            f'({faulty[0]}, ...): the run diverged. Fix: give an earlier checkpoint'
        )


def _explain_mismatch(text: str) -> str:
    """What PyTorch says about the first weight of another shape , in short."""
    match = _MISMATCH.search(text)
    if match is None:
        return ' '.join(text.split())[:300] or 'a loading hook of the model refuses it'
    name = match[1]
    found, expected = (
        [int(n) for n in sizes.split(',') if n.strip()] for sizes in match.groups()[1:]
    )
    if name.startswith('head.') and found and found[1:] == expected[1:]:
        return (
            f"it is for {found[0]} keypoints and the config's head has {expected[0]} "
            f'({name})'
        )
    return f"{name} has shape {found} in it and {expected} in the config's model"
