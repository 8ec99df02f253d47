"""Groups of query pairs that tell where a method is strong, in the user setting."""

from collections.abc import Mapping

import numpy as np

from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.rating_metrics import mae
from models.legacy_keras import tf
from models.recommender import Recommender
from pipeline.judging.variant_scores import TaskMetrics, support_groups
from pipeline.settings.user.config import EvaluationConfig
from pipeline.settings.user.group_scores import (
    COLD,
    WARM,
    GroupScores,
    few_shot_group,
    score_groups,
)
from pipeline.settings.user.loaded_dataset import LoadedDataset
from transforms import schema

OTHER_SUPPORT = "cold/other_support"

# What the main group is made of, and what stands beside it.
WARM_PAIRS = "pairs/warm"
NEW_USER = "pairs/new_user"
NEW_ITEM = "pairs/new_item"
BOTH_NEW = "pairs/both_new"

GROUPS: Mapping[str, str] = {
    COLD: "users that training has not seen",
    OTHER_SUPPORT: "the same, shown the support set of another user",
    WARM: "users of meta-train, on pairs held out of it",
    WARM_PAIRS: "pairs of a user and an item of meta-train",
    NEW_USER: "pairs of a new user and an item of meta-train",
    NEW_ITEM: "pairs of a user of meta-train and an item with few interactions there",
    BOTH_NEW: "pairs of a new user and such an item",
}


def comparison_groups(
    dataset: LoadedDataset, split: str, options: EvaluationConfig
) -> dict[str, tf.data.Dataset]:
    """Returns the episodes that methods are compared on.

    Args:
        dataset: The prepared data set.
        split: Whose tasks are cold: "meta_validation" or "meta_test".
        options: Support and batch sizes.

    Returns:
        By group: cold tasks, the same with the support set of another, warm ones, and
        cold ones with fewer support pairs.

    Raises:
        DataError: If there are fewer than 2 tasks.
    """
    exchanged = support_groups(dataset, split, options)

    def episodes(of_split: str, support_size: int) -> tf.data.Dataset:
        return fixed_episodes(
            dataset.directory,
            of_split,
            max_support_size=support_size,
            batch_size=options.batch_size,
        )

    return {
        COLD: exchanged["own"],
        OTHER_SUPPORT: exchanged["other"],
        WARM: episodes(schema.META_TRAIN, options.support_size),
        **{
            few_shot_group(size): episodes(split, size)
            for size in options.few_shot_sizes
            if size < options.support_size
        },
    }


def score_comparison(
    method: Recommender,
    groups: Mapping[str, tf.data.Dataset],
    dataset: LoadedDataset,
    seed: int,
) -> tuple[TaskMetrics, GroupScores]:
    """Scores a method on all groups, and on pairs by how new user and item are.

    Args:
        method: A fitted method.
        groups: As `comparison_groups` returns them.
        dataset: The prepared data set.
        seed: Seed of the order of pairs with equal scores.

    Returns:
        The metrics of every task by group, and the scores of the cold ones.
    """
    scored = dict(score_groups(method, groups))
    metrics = {name: scores.metrics(seed) for name, scores in scored.items()}
    few = dataset.items.counts < dataset.info.options["min_item_count"]
    for of_users, known, new in (
        (WARM, WARM_PAIRS, NEW_ITEM),
        (COLD, NEW_USER, BOTH_NEW),
    ):
        scores = scored[of_users]
        is_new = few[scores.items]
        # NaN for a task without such a pair.
        metrics[known] = {"mae": _mae_of(scores, ~is_new)}
        metrics[new] = {"mae": _mae_of(scores, is_new)}
    return metrics, scored[COLD]


def _mae_of(scores: GroupScores, chosen: np.ndarray) -> np.ndarray:
    return mae(scores.labels, scores.scores, scores.mask & chosen)
