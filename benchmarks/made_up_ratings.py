"""What is known of a made-up data set of ratings; its tables are made elsewhere."""

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
