"""Draws of one training episode from the clicks of a scenario."""

import dataclasses

from models.legacy_keras import tf


@dataclasses.dataclass(frozen=True)
class EpisodeSizes:
    """How large training episodes are.

    Attributes:
        support_size: Most clicks of a support set.
        support_negatives: Negatives beside each of them.
        query_size: Most clicks of a query set.
        query_negatives: R, negatives beside each of them.
        full_support_fraction: Share of batches with `support_size` clicks a task; the
            others draw a size from 0 to `support_size`.
        open_fraction: Share of batches without a pool, whose negatives are drawn from
            the whole catalogue.
    """

    support_size: int = 64
    support_negatives: int = 1
    query_size: int = 128
    query_negatives: int = 1
    full_support_fraction: float = 1.0
    open_fraction: float = 0.0


def draw_episode(
    clicks: dict[str, tf.Tensor],
    sizes: EpisodeSizes,
    num_support: tf.Tensor,
    seed: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Draws one episode from the clicks of a scenario.

    Args:
        clicks: By name, N clicks: "user", "item" and "fold" int32 [N], "negative" int32
            [N, K], and "of_user" float32 [N], how many of them its user has.
        sizes: How large the episode is.
        num_support: int32 [], clicks of its support set, at most.
        seed: int64 [2], of all draws.

    Returns:
        The episode, without a batch; fits are numbered by fold, from 1.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 5))
    fold = clicks["fold"]
    num_clicks = tf.size(fold)
    asked = fold[tf.random.stateless_uniform([], seeds[0], 0, num_clicks, tf.int32)]
    keys = tf.math.log(tf.random.stateless_uniform([num_clicks], seeds[1], 1e-9))
    by_user = keys * clicks["of_user"]  # The largest: a user as likely as another.
    size = sizes.query_size
    places, mask = _take(fold == asked, by_user, size, size)
    query = _with_negatives(clicks, places, mask, sizes.query_negatives, seeds[2])
    size = sizes.support_size
    places, mask = _take(fold != asked, keys, size, num_support)
    support = _with_negatives(clicks, places, mask, sizes.support_negatives, seeds[3])
    order = tf.argsort(
        tf.random.stateless_uniform([support["mask"].shape.num_elements()], seeds[4])
    )
    fit = tf.reshape(asked + 1, [1])
    return {
        **{f"query_{name}": part for name, part in query.items()},
        **{f"support_{name}": tf.gather(part, order) for name, part in support.items()},
        "support_fit": fit,
        "query_fit": fit,
    }


def _take(
    is_wanted: tf.Tensor, keys: tf.Tensor, size: int, limit: tf.Tensor | int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the places of the wanted clicks with the largest keys, and their mask.

    Both are [size], and at most `limit` are taken.
    """
    missing = tf.maximum(size - tf.size(keys), 0)
    chosen = tf.where(is_wanted, keys, keys.dtype.min)
    chosen = tf.pad(chosen, [[0, missing]], constant_values=keys.dtype.min)
    places = tf.math.top_k(chosen, size).indices
    found = tf.reduce_sum(tf.cast(is_wanted, tf.int32))
    mask = tf.range(size) < tf.minimum(found, limit)
    return tf.where(mask, places, 0), mask


def aim_episode(
    episode: dict[str, tf.Tensor],
    is_open: tf.Tensor,
    catalogue: tf.Tensor,
    per_fold: int,
    seed: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Takes the pool away from an episode that is open, and finds the fit for it.

    Args:
        episode: As of `draw_episode`.
        is_open: bool [].
        catalogue: int32 [N], rows that negatives are drawn from.
        per_fold: Fits of the vectors for each fold.
        seed: int64 [2], of the negatives.
    """
    item = episode["query_item"]
    places = tf.random.stateless_uniform(
        tf.shape(item), seed, 0, tf.size(catalogue), tf.int32
    )
    is_negative = episode["query_mask"] & (episode["query_label"] < 0.5)
    drawn = tf.gather(catalogue, places)
    fit = episode["query_fit"] * per_fold
    fit += tf.cast(is_open, tf.int32) * (per_fold - 1)
    return episode | {
        "query_item": tf.where(is_open & is_negative, drawn, item),
        "query_open": tf.reshape(tf.cast(is_open, tf.float32), [1]),
        "support_fit": fit,
        "query_fit": fit,
    }


def _with_negatives(
    clicks: dict[str, tf.Tensor],
    places: tf.Tensor,
    mask: tf.Tensor,
    num_negatives: int,
    seed: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Returns user, item, label and mask of clicks and R negatives, [N * (1 + R)].

    What is masked is zero.
    """
    user = tf.gather(clicks["user"], places)[:, tf.newaxis]
    item = tf.gather(clicks["item"], places)[:, tf.newaxis]
    negatives = tf.gather(clicks["negative"], places)  # [N, K]
    keys = tf.random.stateless_uniform(tf.shape(negatives), seed)
    drawn = tf.math.top_k(keys, num_negatives).indices
    items = tf.concat([item, tf.gather(negatives, drawn, batch_dims=1)], axis=1)
    group = 1 + num_negatives
    present = tf.repeat(mask[:, tf.newaxis], group, axis=1)
    label = tf.one_hot(tf.zeros(places.shape, tf.int32), group)
    parts = {
        "user": tf.where(present, tf.repeat(user, group, axis=1), 0),
        "item": tf.where(present, items, 0),
        "label": tf.where(present, label, 0.0),
        "mask": present,
    }
    return {name: tf.reshape(part, [-1]) for name, part in parts.items()}
