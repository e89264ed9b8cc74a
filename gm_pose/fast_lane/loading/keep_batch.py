"""The collate function of a dataset that makes whole batches."""

from typing import Any

from mmengine.registry import FUNCTIONS


@FUNCTIONS.register_module()
def keep_batch(batch: dict[str, Any]) -> dict[str, Any]:
    """What `__getitems__` returned, as it is.

    Raises:
        ValueError: a list of samples, from a dataset without `__getitems__`.
    """
    if not isinstance(batch, dict):
        raise ValueError(
            f'the batch is a {type(batch).__name__}; expected a dict from '
            "FastTopdownDataset. Fix: collate_fn=dict(type='pseudo_collate')"
        )
    return batch
