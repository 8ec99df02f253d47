"""What a prepared data set of users holds, and the groups its pairs fall into."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.episodes.entity_table import EntityTable
from models.episodes.rating_episodes import fixed_episodes
from pipeline.experiment.prepared import read_ids
from pipeline.settings.data_facts import (
    Counts,
    DataFacts,
    PairGroup,
    SplitFacts,
    rejected_examples,
)
from pipeline.settings.user.data import UserData
from transforms import schema

_MAX_VALUES = 30  # Of a feature that groups are made by.


def user_facts(dataset: UserData) -> DataFacts:
    """Returns what a data set with users as tasks holds.

    Users count with all pairs of their episodes, or all that they have if they are in
    none; items with the pairs that are learnt from.
    """
    info = dataset.info
    user_counts = np.zeros(info.num_users + 1, np.int64)
    splits = []
    for name in (*schema.SPLITS, schema.NO_TASK):
        if info.num_interactions[name]:
            facts, users = _user_split(dataset, name)
            splits += [] if name == schema.NO_TASK else [facts]
            np.add.at(user_counts, users, facts.support_sizes + facts.query_sizes)
    without_task = info.num_interactions[schema.NO_TASK]
    sizes = {
        "users": info.num_users,
        "items": info.num_items,
        "interactions in episodes": int(user_counts.sum()) - without_task,
        "interactions of users without a task": without_task,
    }
    if schema.LATER in info.num_interactions:
        later = info.num_interactions[schema.LATER]
        sizes["interactions that wait for the training on all pairs"] = later
    return DataFacts(
        info=info,
        sizes=sizes,
        examples=list(rejected_examples(dataset.directory)),
        user_counts=user_counts,
        item_counts=dataset.items.counts,
        splits=splits,
    )


def _user_split(dataset: UserData, split: str) -> tuple[SplitFacts, Counts]:
    """Returns a split and the user of each of its tasks."""
    supports, queries, users, new, labels = [], [], [], 0, []
    for episode in fixed_episodes(dataset.directory, split):
        arrays = {name: value.numpy() for name, value in episode.items()}
        in_support, in_query = arrays["support_mask"], arrays["query_mask"]
        supports.append(in_support.sum(axis=1))
        queries.append(in_query.sum(axis=1))
        users.append(np.maximum(_first(arrays, "query"), _first(arrays, "support")))
        new += int((dataset.items.counts[arrays["query_item"][in_query]] == 0).sum())
        labels += [arrays["support_label"][in_support], arrays["query_label"][in_query]]
    values, counts = np.unique(np.concatenate(labels), return_counts=True)
    query_sizes = np.concatenate(queries)
    facts = SplitFacts(
        split=split,
        support_sizes=np.concatenate(supports),
        query_sizes=query_sizes,
        num_query_pairs=int(query_sizes.sum()),
        num_new_item_pairs=new,
        labels=dict(zip(values.tolist(), counts.tolist(), strict=True)),
        pool_sizes=np.zeros(0, np.int64),
    )
    return facts, np.concatenate(users)


def _first(arrays: Mapping[str, NDArray], role: str) -> NDArray:
    """The user of each task by its support or query set, 0 where that is empty."""
    users = arrays[f"{role}_user"]
    return users[:, 0] if users.shape[1] else np.zeros(len(users), users.dtype)


def pair_groups(data: UserData) -> list[PairGroup]:
    """Returns a group for each value of the features that have few values."""
    return [
        *_feature_groups("user", data.users, data),
        *_feature_groups("item", data.items, data),
    ]


def _feature_groups(of: str, table: EntityTable, data: UserData) -> list[PairGroup]:
    """Returns a group for each value of the features that have few values.

    Args:
        of: What the table is of: "user" or "item".
        table: The table.
        data: The prepared data set, for the names of values.
    """
    groups = []
    for feature in table.features:
        if feature.kind == "numeric" or feature.vocabulary_size > _MAX_VALUES:
            continue
        names = read_ids(data.directory, feature.name)[1:]
        encoded = table.encoded[feature.name]
        for value, name in enumerate(names, 1):
            members = (encoded == value).any(axis=1)
            groups.append(PairGroup(f"{of} {feature.name}", name, of, members))
    return groups
