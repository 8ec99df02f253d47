"""Leaks in a prepared data set of ratings, which would flatter metrics."""

import pathlib
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from pipeline.settings.finding import (
    Finding,
    compare_protocols,
    id_joins,
    tasks_overlap,
    time_in_tasks,
    time_of_pairs,
    to_finding,
)
from pipeline.settings.user.audit_controls import controls
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import load_user_data
from transforms import schema
from transforms.plural import counted
from transforms.schema import DatasetInfo

# A batch of episodes, as arrays by name.
Batch: TypeAlias = Mapping[str, np.ndarray]


def audit_ratings(config: UserConfig, dataset_dir: pathlib.Path) -> list[Finding]:
    """Looks for leaks in a data set of the user-specific setting.

    Meta-test is looked at for overlaps only; controls are scored on meta-validation.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        A finding a check.
    """
    del config
    dataset = load_user_data(dataset_dir)
    parts = {
        part: [_as_arrays(e) for e in fixed_episodes(dataset_dir, part)]
        for part in (*schema.SPLITS, schema.NO_TASK)
    }
    splits = {split: parts[split] for split in schema.SPLITS}
    return [
        tasks_overlap(
            {
                part: [name for batch in batches for name in batch["task_id"]]
                for part, batches in parts.items()
            }
        ),
        query_in_support(splits),
        repeated_pairs(splits),
        too_small_tasks(splits, dataset.info),
        *id_joins(dataset.info),
        time_of_pairs(dataset.info.options),
        time_in_tasks(dataset.info),
        *controls(dataset),
        user_protocol(dataset.info),
    ]


def query_in_support(splits: Mapping[str, Iterable[Batch]]) -> Finding:
    """Looks for query pairs that are in the support of the same task.

    What training draws from is the support of meta-train, so that the warm queries,
    which are those of meta-train, are looked for there too.

    Args:
        splits: Batches of episodes by split.
    """
    num_bad = num_pairs = 0
    for batches in splits.values():
        for batch in batches:
            query = np.where(batch["query_mask"], batch["query_item"], -1)
            support = np.where(batch["support_mask"], batch["support_item"], -2)
            is_same = query[:, :, np.newaxis] == support[:, np.newaxis, :]
            num_bad += int(is_same.any(axis=2).sum())
            num_pairs += int(batch["query_mask"].sum())
    return to_finding(
        "query pairs in the support of their task",
        num_bad,
        counted(num_pairs, "query pair"),
        "their labels are in the support set; prepare again.",
    )


def repeated_pairs(splits: Mapping[str, Iterable[Batch]]) -> Finding:
    """Looks for items that a task holds twice on the same side.

    Args:
        splits: Batches of episodes by split.
    """
    num_bad = num_pairs = 0
    for batches in splits.values():
        for batch in batches:
            for role in ("support", "query"):
                for items, mask in zip(
                    batch[f"{role}_item"], batch[f"{role}_mask"], strict=True
                ):
                    num_bad += int(mask.sum()) - np.unique(items[mask]).size
                    num_pairs += int(mask.sum())
    return to_finding(
        "pairs that a task holds twice",
        num_bad,
        counted(num_pairs, "pair"),
        "one of them can end up on the other side; prepare again.",
    )


def too_small_tasks(
    splits: Mapping[str, Iterable[Batch]], info: DatasetInfo
) -> Finding:
    """Looks for tasks with fewer pairs than the options of the data set allow.

    Args:
        splits: Batches of episodes by split.
        info: What `dataset.json` says.
    """
    options = info.options["episodes"]
    query_size, support_size = options["query_size"], options["min_support_size"]
    num_bad = num_tasks = 0
    for batches in splits.values():
        for batch in batches:
            is_small = batch["query_mask"].sum(axis=1) != query_size
            is_small |= batch["support_mask"].sum(axis=1) < support_size
            num_bad += int(is_small.sum())
            num_tasks += is_small.size
    return to_finding(
        "tasks of another size than the options say",
        num_bad,
        counted(num_tasks, "task"),
        f"they must have {query_size} query pairs and {support_size} support pairs or "
        "more; prepare again.",
    )


def user_protocol(info: DatasetInfo) -> Finding:
    """Says which published protocol the split is like, and where it is not."""
    episodes, split = info.options["episodes"], info.options["split"]
    query_size = episodes["query_size"]
    per_task = episodes["max_interactions_per_task"]
    share = info.num_tasks[schema.META_TEST] / max(sum(info.num_tasks.values()), 1)
    fewest = query_size + episodes["min_support_size"]
    most_support = per_task - query_size if per_task else "all"
    how = "named by a file" if split["path"] else "drawn by a stable hash"
    if (test_from := split.get("test_from")) is not None:
        how = f"who came from {test_from} on"
    compared = compare_protocols(
        [
            ("20% of users are meta-test (CMML)", "20%", f"{share:.0%}"),
            ("10 query pairs (MeLU, CMML; TaNP at least 10)", 10, query_size),
            ("50 pairs of a meta-test user (CMML)", 50, per_task or "all"),
            ("users with 13 pairs or more (MeLU)", 13, fewest),
            ("users with 100 pairs or fewer (MeLU)", 100, "any number"),
            ("20 support pairs (TaNP)", 20, most_support),
        ]
    )
    return Finding(
        "protocol", "note", f"tasks are users, meta-test is {how}. {compared}"
    )


def _as_arrays(episode: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in episode.items()}
