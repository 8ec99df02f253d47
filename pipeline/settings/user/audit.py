"""Leaks in a prepared data set of ratings, which would flatter metrics."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from models.baselines.ratings.bias_ridge import BiasRidge
from models.baselines.ratings.means import ItemMean
from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.intervals import paired_difference
from models.evaluation.rating_metrics import mae
from models.legacy_keras import tf
from models.recommender import Recommender, split_episode
from pipeline.settings.finding import (
    Finding,
    compare_protocols,
    id_joins,
    tasks_overlap,
    time_in_tasks,
    time_of_pairs,
    to_finding,
)
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData, load_user_data
from transforms import schema
from transforms.plural import counted
from transforms.schema import DatasetInfo

# A batch of episodes, as arrays by name.
Batch: TypeAlias = Mapping[str, np.ndarray]

_TOLERANCE = 0.01  # Share of the label range that counts as no difference.


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


def permuted_labels(
    own: np.ndarray, permuted: np.ndarray, none: np.ndarray, span: float
) -> Finding:
    """Judges a scorer whose support labels were permuted over all pairs.

    Args:
        own: float [T], its error on each task with the labels as they are.
        permuted: The same with permuted labels.
        none: The same without support.
        span: Largest label less the smallest.
    """
    gap = paired_difference(permuted, none, seed=0)
    figures = (
        f"bias ridge on meta-validation: mae {np.nanmean(own):.4f} with its support "
        f"labels, {np.nanmean(permuted):.4f} with permuted ones, "
        f"{np.nanmean(none):.4f} without support"
    )
    if gap.high < -_TOLERANCE * span:
        return Finding(
            "permuted labels",
            "LEAK",
            f"{figures}. Labels that mean nothing must not help: something else than "
            "the labels tells the answer.",
        )
    return Finding("permuted labels", "ok", figures)


def controls(dataset: UserData) -> list[Finding]:
    """Scores two scorers that know nothing of a network on meta-validation."""
    batches = list(fixed_episodes(dataset.directory, schema.META_VALIDATION))
    if not batches:
        return [Finding("controls", "note", "there are no meta-validation tasks.")]
    pairs = dataset.training_pairs
    ridge, popularity = BiasRidge(), ItemMean()
    ridge.fit(pairs)
    popularity.fit(pairs)
    own = _task_errors(ridge, batches)
    permuted = _task_errors(ridge, _permute_labels(batches))
    none = _task_errors(ridge, [_without_support(batch) for batch in batches])
    by_item = float(np.nanmean(_task_errors(popularity, batches)))
    span = dataset.info.label_max - dataset.info.label_min
    return [
        permuted_labels(own, permuted, none, span),
        Finding(
            "items alone",
            "note",
            f"the mean label of the item has mae {by_item:.4f} on meta-validation: "
            "what a method gains on that, it gains by knowing the user.",
        ),
    ]


def _task_errors(
    method: Recommender, batches: Sequence[Mapping[str, tf.Tensor]]
) -> np.ndarray:
    """Returns the MAE of each task, float [T]."""
    errors = []
    for batch in batches:
        support, query = split_episode(batch)
        scores = method.score(method.adapt(support), query)
        errors.append(mae(batch["query_label"], scores, batch["query_mask"]))
    return np.concatenate(errors)


def _permute_labels(batches: Sequence[Mapping[str, tf.Tensor]]) -> list[dict]:
    """Permutes all support labels, over all tasks."""
    masks = [batch["support_mask"].numpy() for batch in batches]
    labels = [
        batch["support_label"].numpy()[mask]
        for batch, mask in zip(batches, masks, strict=True)
    ]
    shuffled = np.random.default_rng(0).permutation(np.concatenate(labels))
    permuted, start = [], 0
    for batch, mask in zip(batches, masks, strict=True):
        labels_of_batch = np.zeros(mask.shape, np.float32)
        labels_of_batch[mask] = shuffled[start : start + mask.sum()]
        start += int(mask.sum())
        permuted.append({**batch, "support_label": tf.constant(labels_of_batch)})
    return permuted


def _without_support(batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {**batch, "support_mask": tf.zeros_like(batch["support_mask"])}
