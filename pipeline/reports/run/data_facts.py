"""What a prepared data set holds, as the report tells it in both settings."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import ScenarioTask
from models.episodes.rating_episodes import fixed_episodes
from pipeline.settings.scenario.data import LoadedScenarios
from pipeline.settings.user.data import LoadedDataset
from transforms import schema

Counts = NDArray[np.int64]

_NUM_EXAMPLES = 5


@dataclasses.dataclass(frozen=True, eq=False)
class SplitFacts:
    """The tasks of one split.

    Attributes:
        split: Its name.
        support_sizes: int [T], support pairs of each task.
        query_sizes: int [T], query pairs of each.
        num_query_pairs: Query pairs in all.
        num_new_item_pairs: Query pairs on an item that meta-train has never seen.
        labels: Number of pairs by label; empty where there are none but clicks.
        pool_sizes: int [T], items of each scenario; empty with users as tasks.
    """

    split: str
    support_sizes: Counts
    query_sizes: Counts
    num_query_pairs: int
    num_new_item_pairs: int
    labels: Mapping[float, int]
    pool_sizes: Counts


@dataclasses.dataclass(frozen=True, eq=False)
class DataFacts:
    """A prepared data set in figures.

    Attributes:
        sizes: What was read, by name.
        num_rejected: Refused rows by reason.
        num_dropped: Legal rows and tasks left out, by reason.
        examples: Some refused rows, as they are kept.
        user_counts: int [N + 1], interactions of each user that can be learned from.
        item_counts: int [M + 1], the same of each item.
        splits: The splits.
    """

    sizes: Mapping[str, int]
    num_rejected: Mapping[str, int]
    num_dropped: Mapping[str, int]
    examples: Sequence[Mapping[str, object]]
    user_counts: Counts
    item_counts: Counts
    splits: Sequence[SplitFacts]

    @property
    def new_item_share(self) -> float:
        """The share of items that meta-train has never seen, in [0, 1]."""
        return float((self.item_counts[1:] == 0).mean())

    def split(self, name: str) -> SplitFacts | None:
        """Returns a split by its name, None if it has no tasks."""
        return next((found for found in self.splits if found.split == name), None)


def user_facts(dataset: LoadedDataset) -> DataFacts:
    """Returns what a data set with users as tasks holds.

    Users count with all pairs of their episodes, items with the support pairs of
    meta-train.
    """
    info = dataset.info
    user_counts = np.zeros(info.num_users + 1, np.int64)
    splits = []
    for name in schema.SPLITS:
        if info.num_tasks.get(name):
            found, users = _user_split(dataset, name)
            splits.append(found)
            np.add.at(user_counts, users, found.support_sizes + found.query_sizes)
    return DataFacts(
        sizes={
            "users": info.num_users,
            "items": info.num_items,
            "interactions in episodes": int(user_counts.sum()),
        },
        num_rejected=info.num_rejected,
        num_dropped=info.num_dropped,
        examples=list(_examples(dataset.directory)),
        user_counts=user_counts,
        item_counts=dataset.items.counts,
        splits=splits,
    )


def _user_split(dataset: LoadedDataset, split: str) -> tuple[SplitFacts, Counts]:
    """Returns a split and the user of each of its tasks."""
    supports, queries, users, new, labels = [], [], [], 0, []
    for episode in fixed_episodes(dataset.directory, split):
        arrays = {name: value.numpy() for name, value in episode.items()}
        shown, asked = arrays["support_mask"], arrays["query_mask"]
        supports.append(shown.sum(axis=1))
        queries.append(asked.sum(axis=1))
        users.append(np.maximum(arrays["query_user"][:, 0], _first(arrays)))
        new += int((dataset.items.counts[arrays["query_item"][asked]] == 0).sum())
        labels += [arrays["support_label"][shown], arrays["query_label"][asked]]
    values, counts = np.unique(np.concatenate(labels), return_counts=True)
    query_sizes = np.concatenate(queries)
    found = SplitFacts(
        split=split,
        support_sizes=np.concatenate(supports),
        query_sizes=query_sizes,
        num_query_pairs=int(query_sizes.sum()),
        num_new_item_pairs=new,
        labels=dict(zip(values.tolist(), counts.tolist(), strict=True)),
        pool_sizes=np.zeros(0, np.int64),
    )
    return found, np.concatenate(users)


def _first(arrays: Mapping[str, NDArray]) -> NDArray:
    """The user of each task by its support set, 0 where that is empty."""
    users = arrays["support_user"]
    return users[:, 0] if users.shape[1] else np.zeros(len(users), users.dtype)


def scenario_facts(dataset: LoadedScenarios) -> DataFacts:
    """Returns what a data set with scenarios as tasks holds.

    Users and items count with their known clicks, in scenarios or not.
    """
    info, known = dataset.info, dataset.known
    item_counts = np.bincount(known.item, minlength=info.num_items + 1)
    splits = [
        _scenario_split(name, dataset.tasks(name), item_counts)
        for name in schema.SPLITS
        if info.num_tasks.get(name)
    ]
    return DataFacts(
        sizes={
            "users": info.num_users,
            "items": info.num_items,
            "known clicks": info.num_known,
            "held-out clicks": info.num_held_out,
            "scenarios": sum(info.num_tasks.values()),
        },
        num_rejected=info.num_rejected,
        num_dropped=info.num_dropped,
        examples=list(_examples(dataset.directory)),
        user_counts=np.bincount(known.user, minlength=info.num_users + 1),
        item_counts=item_counts,
        splits=splits,
    )


def _scenario_split(
    name: str, tasks: Sequence[ScenarioTask], item_counts: Counts
) -> SplitFacts:
    asked = np.concatenate([task.query_item for task in tasks])
    return SplitFacts(
        split=name,
        support_sizes=np.array([task.support_item.size for task in tasks]),
        query_sizes=np.array([task.query_item.size for task in tasks]),
        num_query_pairs=int(asked.size),
        num_new_item_pairs=int((item_counts[asked] == 0).sum()),
        labels={},
        pool_sizes=np.array([task.pool.size for task in tasks]),
    )


def _examples(dataset_dir: pathlib.Path) -> Iterator[Mapping[str, object]]:
    """Yields some refused rows."""
    left = _NUM_EXAMPLES
    for path in sorted((dataset_dir / schema.REJECTED_DIR).glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if not left:
                    return
                left -= 1
                yield json.loads(line)
