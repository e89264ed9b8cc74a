"""The collate function of a dataset that makes whole batches."""

from typing import Any

from mmengine.registry import FUNCTIONS

from gm_pose.fast_lane.loading.shared_batches import send_batch


@FUNCTIONS.register_module()
def keep_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """What `__getitems__` returned; in a worker its crops are made ready to leave.

    Raises:
        ValueError: a list of samples, from a dataset without `__getitems__`.
    """
    if not isinstance(batch, dict):
        raise ValueError(
            f'the batch is a {type(batch).__name__}; expected a dict from '
            "FastTopdownDataset. Fix: collate_fn=dict(type='pseudo_collate')"
        )
    batch['inputs'] = send_batch(batch['inputs'])
    return batch
