"""Groups of users, and of pairs by how new user and item are."""

from collections.abc import Mapping

from models.evaluation.intervals import Interval, metric_intervals
from models.evaluation.scored_pairs import ScoredPairs, join_pairs
from models.evaluation.shown import Shown
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from pipeline.settings.user.metrics import metrics_by_task
from transforms import schema

COLD, WARM = "cold", "warm"

GROUP_WORDS: Mapping[str, str] = {
    COLD: "users that training has not seen",
    f"{COLD}/other_support": "the same, shown the support set of another user",
    WARM: "users of meta-train, on pairs held out of it",
    "pairs/warm": "pairs of a user and an item of meta-train",
    "pairs/new_user": "pairs of a new user and an item of meta-train",
    "pairs/new_item": (
        "pairs of a user of meta-train and an item with few interactions there"
    ),
    "pairs/both_new": "pairs of a new user and such an item",
}


def user_groups(config: UserConfig, data: UserData, split: str) -> list[Shown]:
    """Returns cold users, warm ones, and the cold ones with other support sets."""
    options = config.evaluation
    cold = Shown(COLD, split, options.support_size, options.support_size)
    warm = Shown(WARM, schema.META_TRAIN, options.support_size, options.support_size)
    sizes = [size for size in options.few_shot_sizes if size < options.support_size]
    groups = [cold, warm, *(cold.few(size) for size in sizes)]
    if data.info.num_tasks.get(split, 0) > 1:
        groups.append(cold.with_other_support())
    return groups


def cold_and_warm(
    config: UserConfig, data: UserData, scored: Mapping[str, ScoredPairs]
) -> dict[str, dict[str, Interval]]:
    """Returns the group "all": cold and warm users together."""
    del data
    options = config.evaluation
    both = join_pairs([scored[COLD], scored[WARM]])
    by_task = metrics_by_task(both)
    return {"all": metric_intervals(by_task, options.seed, options.num_resamples)}


def cold_start_groups(
    config: UserConfig, data: UserData, scored: Mapping[str, ScoredPairs]
) -> dict[str, ScoredPairs]:
    """Parts cold and warm pairs by whether meta-train knows the item well."""
    del config
    is_new = data.items.counts < data.info.options["min_item_count"]
    groups = {}
    for of_users, known, new in (
        (WARM, "pairs/warm", "pairs/new_item"),
        (COLD, "pairs/new_user", "pairs/both_new"),
    ):
        pairs = scored[of_users]
        groups[known] = pairs.select(~is_new[pairs.item])
        groups[new] = pairs.select(is_new[pairs.item])
    return groups
