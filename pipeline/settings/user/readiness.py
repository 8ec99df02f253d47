"""What a run on ratings would come to, looked at before it is trained."""

from __future__ import annotations

import numpy as np

from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from transforms import schema
from transforms.schema import DataError


def check_ratings(config: UserConfig, data: UserData) -> list[str]:
    """Looks for what would fail, or mean nothing, at the end of a run.

    Returns:
        What will be undefined, in sentences.

    Raises:
        DataError: If no item could be recommended.
    """
    counts = data.items.counts[1:]
    most, needed = int(counts.max(initial=0)), config.export.min_item_count
    if most < needed:
        raise DataError(
            f"some item must have export.min_item_count = {needed} interactions of "
            f"meta-train to be recommended, the most that one has are {most}: lower it."
        )
    splits = (schema.META_VALIDATION, schema.META_TEST)
    return [
        f"ndcg will be undefined on {split}: in none of its tasks do labels of the "
        "query set differ"
        for split in splits
        if data.info.num_tasks.get(split) and not _has_order(config, data, split)
    ]


def _has_order(config: UserConfig, data: UserData, split: str) -> bool:
    """Whether some query set has labels that differ."""
    options = config.evaluation
    for batch in data.episodes(split, options.support_size, options.batch_size):
        labels, mask = batch["query_label"].numpy(), batch["query_mask"].numpy()
        highest = np.where(mask, labels, -np.inf).max(axis=1, initial=-np.inf)
        lowest = np.where(mask, labels, np.inf).min(axis=1, initial=np.inf)
        if (highest > lowest).any():
            return True
    return False
