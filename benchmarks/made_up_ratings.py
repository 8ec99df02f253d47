"""What is known of a made-up data set of ratings, and factors of its items."""

import numpy as np

from models.factors.item_factors import ItemFactors
from transforms.schema import DatasetInfo, Feature

LEVELS = (1.0, 2.0, 3.0, 4.0, 5.0)


def made_up_ratings(num_users: int, num_items: int, *features: Feature) -> DatasetInfo:
    """Returns what is known of it; users and items have the same features."""
    return DatasetInfo(
        num_users=num_users,
        num_items=num_items,
        num_tasks={},
        num_dropped={},
        options={"min_item_count": 3},
        user_features=features,
        item_features=features,
        label_min=LEVELS[0],
        label_max=LEVELS[-1],
        label_mean=3.0,
        label_std=1.4,
        label_levels=LEVELS,
        num_interactions={},
    )


def assign_made_up_factors(factors: ItemFactors) -> None:
    """Gives items normal labels and factors, as wide as those of MovieLens 1M.

    There, mean labels have a deviation of 0.48 and the k-th direction of factors one of
    0.14 / k^0.75.
    """
    rank, chance = factors.num_factors, np.random.default_rng(0)
    spread = np.append(0.14 * np.arange(1, rank + 1) ** -0.75, 0.48).astype(np.float32)
    table = np.zeros(factors.table.shape, np.float32)
    drawn = chance.standard_normal([len(table), rank + 1], np.float32)
    table[:, : rank + 1] = drawn * spread
    table[:, rank + 1] = 0.6  # Noise.
    factors.table.assign(table)
