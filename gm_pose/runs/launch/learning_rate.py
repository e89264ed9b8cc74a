"""`--auto-scale-lr` for the batch that an optimizer step really sees."""

from mmengine.config import Config

from gm_pose.runs.user_errors import UserError

__all__ = ['enable_lr_scaling']


def enable_lr_scaling(cfg: Config) -> None:
    """Switch MMEngine's scaling on, counting accumulated passes.

    MMEngine scales by (samples per process x processes) / base_batch_size and leaves out
    that ``optim_wrapper.accumulative_counts`` passes make one step. The base is divided
    by that count here; the recipe's own number stays beside it.

    Raises:
        UserError: the config does not say which batch its rate is meant for.
    """
    scaling = cfg.get('auto_scale_lr')
    base = None if scaling is None else scaling.get('base_batch_size')
    if not isinstance(base, (int, float)) or base <= 0:
        raise UserError(
            '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=N) in the config, '
            f'the batch its learning rate is meant for, and found {base}'
        )
    passes = cfg.optim_wrapper.get('accumulative_counts', 1)
    recipe = scaling.setdefault('recipe_batch_size', base)
    scaling.base_batch_size = recipe / passes if passes > 1 else recipe
    scaling.enable = True
