"""How long to train on so many people."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ['Schedule', 'plan_schedule']

EPOCHS, MILESTONES, WARM_UP = 210, (170, 200), 500  # MMPose's recipe for COCO
LEAST_ITERATIONS = 4000
"""A rule of thumb, not measured: COCO's 210 epochs of 36 people are 1,000 small steps, of
which 500 are the warm-up."""


@dataclass(frozen=True)
class Schedule:
    """Batch size, epochs and steps of the learning rate."""

    batch_size: int
    num_epochs: int
    iterations_per_epoch: int

    def format(self) -> list[str]:
        """Lines of a config."""
        total = self.num_epochs * self.iterations_per_epoch
        milestones = [round(self.num_epochs * m / EPOCHS) for m in MILESTONES]
        interval = max(1, self.num_epochs // 21)
        return [
            '# the learning rate is for this batch size, as --auto-scale-lr reads it',
            f'auto_scale_lr = dict(base_batch_size={self.batch_size})',
            f'# {self.iterations_per_epoch} iterations an epoch, {total} in all',
            f'train_cfg = dict(max_epochs={self.num_epochs}, val_interval={interval})',
            'param_scheduler = [',
            "    dict(type='LinearLR', begin=0, end="
            f'{min(WARM_UP, max(1, total // 10))}, start_factor=0.001, by_epoch=False),',
            f"    dict(type='MultiStepLR', begin=0, end={self.num_epochs}, "
            f'milestones={milestones},',
            '         gamma=0.1, by_epoch=True),',
            ']',
            'default_hooks = dict(',
            f'    checkpoint=dict(interval={interval}, max_keep_ckpts=1),',
            f'    logger=dict(interval={min(50, max(1, self.iterations_per_epoch))}),',
            ')',
        ]


def plan_schedule(num_people: int) -> Schedule:
    """People to train on -> COCO's schedule, longer in epochs where people are few.

    Example:
        >>> plan_schedule(36)
        Schedule(batch_size=8, num_epochs=800, iterations_per_epoch=5)
        >>> plan_schedule(20_000).num_epochs
        210
    """
    batch_size = next((b for b in (64, 32, 16) if num_people >= 100 * b), 8)
    iterations = -(-num_people // batch_size)
    epochs = max(EPOCHS, -(-LEAST_ITERATIONS // iterations))
    if epochs > EPOCHS:
        epochs = -(-epochs // 10) * 10
    return Schedule(batch_size, epochs, iterations)
