"""Controls of a data set of ratings: bias ridge by permuted labels, and item means."""

from collections.abc import Mapping, Sequence

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
)
from pipeline.settings.user.data import UserData
from transforms import schema

_TOLERANCE = 0.01  # Share of the label range that counts as no difference.


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
