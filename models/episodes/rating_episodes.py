"""Episode records to batches of episodes, by `tf.data`."""

import pathlib
from collections.abc import Mapping, Sequence

from models.episodes.record_files import read_records
from models.legacy_keras import tf
from transforms import schema

_SPEC = {
    schema.TASK_ID_KEY: tf.io.FixedLenFeature([], tf.string),
    schema.USER_KEY: tf.io.FixedLenFeature([], tf.int64),
    schema.SUPPORT_ITEM_KEY: tf.io.RaggedFeature(tf.int64),
    schema.SUPPORT_LABEL_KEY: tf.io.RaggedFeature(tf.float32),
    schema.QUERY_ITEM_KEY: tf.io.RaggedFeature(tf.int64),
    schema.QUERY_LABEL_KEY: tf.io.RaggedFeature(tf.float32),
}
_QUERY_OF = {
    schema.SUPPORT_ITEM_KEY: schema.QUERY_ITEM_KEY,
    schema.SUPPORT_LABEL_KEY: schema.QUERY_LABEL_KEY,
}
_SHUFFLE_BUFFER = 1 << 14


def fixed_episodes(
    dataset_dir: str | pathlib.Path,
    split: str,
    *,
    max_support_size: int | None = None,
    batch_size: int = 128,
) -> tf.data.Dataset:
    """Episodes with the support and query sets of the records, the same every time.

    For meta-train these are the warm episodes: the query is the held-out one, which
    training never draws from.

    Args:
        dataset_dir: A prepared data set.
        split: "meta_train", "meta_validation" or "meta_test"; or "no_task", for users
            with a support set alone.
        max_support_size: Support pairs kept of each task, the first ones; all if None.
        batch_size: B; the last batch may be smaller.

    Returns:
        Batches as `Recommender` takes them, and `task_id`, string [B].
    """

    @tf.autograph.experimental.do_not_convert
    def to_episode(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        records = tf.io.parse_example(serialized, _SPEC)
        items = records[schema.SUPPORT_ITEM_KEY][:, :max_support_size]
        labels = records[schema.SUPPORT_LABEL_KEY][:, :max_support_size]
        query_items = records[schema.QUERY_ITEM_KEY]
        query_labels = records[schema.QUERY_LABEL_KEY]
        user = records[schema.USER_KEY]
        return {
            "task_id": records[schema.TASK_ID_KEY],
            **_pairs(
                "support", user, items.to_tensor(), labels.to_tensor(), _mask(items)
            ),
            **_pairs(
                "query",
                user,
                query_items.to_tensor(),
                query_labels.to_tensor(),
                _mask(query_items),
            ),
        }

    records = read_records(pathlib.Path(dataset_dir) / schema.EPISODES_DIR, split)
    return records.batch(batch_size).map(to_episode).prefetch(2)


def training_episodes(
    dataset_dir: str | pathlib.Path,
    *,
    support_size: int,
    query_size: int,
    batch_size: int,
    seed: int,
    full_support_fraction: float = 1.0,
    first_step: int = 0,
    splits: Sequence[str] = (schema.META_TRAIN,),
    with_query: bool = False,
) -> tf.data.Dataset:
    """Training episodes, drawn afresh from the support of the records, endlessly.

    Each epoch visits every task once, in a new order, with a new query, a new support
    set and a new order within it. A task with too few pairs gives half of them,
    rounded up, to the query. All is a function of the step, the seed and the global
    seed of TensorFlow, so that a resumed training sees what an uninterrupted one would
    have.

    Args:
        dataset_dir: A prepared data set.
        support_size: S, most support pairs of a task.
        query_size: Q, most query pairs of a task.
        batch_size: B; the last batch of an epoch may be smaller.
        seed: Seed of all draws.
        full_support_fraction: Share of batches with `support_size` pairs a task; the
            others have a size drawn from 0 to `support_size`, so that the model
            learns to work with few.
        first_step: Batches left out at the start.
        splits: The splits whose tasks are drawn from.
        with_query: Whether the query of a record is drawn from too.

    Returns:
        Batches as `Recommender` takes them.
    """

    @tf.autograph.experimental.do_not_convert
    def to_episode(step: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        size_seed, draw_seed = tf.unstack(
            tf.random.experimental.stateless_split(tf.stack([seed, step]), 2)
        )
        kind, size = tf.unstack(tf.random.stateless_uniform([2], size_seed))
        num_support = tf.where(
            kind < full_support_fraction,
            support_size,
            tf.cast(size * (support_size + 1.0), tf.int32),
        )
        records = tf.io.parse_example(serialized, _SPEC)
        if with_query:
            records |= {
                support: tf.concat([records[support], records[query]], axis=1)
                for support, query in _QUERY_OF.items()
            }
        return _draw(records, num_support, query_size, draw_seed)

    records = read_records(pathlib.Path(dataset_dir) / schema.EPISODES_DIR, *splits)
    shuffled = records.shuffle(_SHUFFLE_BUFFER, seed)
    steps = shuffled.batch(batch_size).repeat().enumerate().skip(first_step)
    return steps.map(to_episode).prefetch(2)


def _draw(
    records: Mapping[str, tf.Tensor],
    num_support: tf.Tensor,
    query_size: int,
    seed: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Draws a query and then a support set from each record's support pairs."""
    items = records[schema.SUPPORT_ITEM_KEY]
    num_pairs = tf.cast(items.row_lengths(), tf.int32)[:, tf.newaxis]  # [B, 1]
    num_drawn = query_size + num_support
    width = tf.maximum(tf.reduce_max(num_pairs), num_drawn)
    shape = tf.stack([tf.shape(num_pairs)[0], width])
    keys = tf.random.stateless_uniform(shape, seed)
    keys = tf.where(tf.range(width) < num_pairs, keys, -1.0)
    order = tf.math.top_k(keys, num_drawn).indices  # [B, Q + S], padding last.
    num_query = tf.minimum(query_size, (num_pairs + 1) // 2)  # [B, 1]
    query_at = tf.range(query_size)[tf.newaxis, :] + tf.zeros_like(num_query)
    support_at = tf.range(num_support)[tf.newaxis, :] + num_query
    padded_items = items.to_tensor(shape=tf.stack([-1, width]))
    padded_labels = records[schema.SUPPORT_LABEL_KEY].to_tensor(
        shape=tf.stack([-1, width])
    )

    def take(role: str, at: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        drawn = tf.gather(order, at, batch_dims=1)
        return _pairs(
            role,
            records[schema.USER_KEY],
            tf.gather(padded_items, drawn, batch_dims=1),
            tf.gather(padded_labels, drawn, batch_dims=1),
            mask,
        )

    return {
        **take("support", support_at, support_at < num_pairs),
        **take("query", query_at, query_at < num_query),
    }


def _pairs(
    role: str, user: tf.Tensor, items: tf.Tensor, labels: tf.Tensor, mask: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Names the tensors of a support or query set; padding is zero."""
    users = tf.cast(user, tf.int32)[:, tf.newaxis]
    return {
        f"{role}_user": tf.where(mask, users, 0),
        f"{role}_item": tf.where(mask, tf.cast(items, tf.int32), 0),
        f"{role}_label": tf.where(mask, labels, 0.0),
        f"{role}_mask": mask,
    }


def _mask(ragged: tf.RaggedTensor) -> tf.Tensor:
    return tf.ones_like(ragged, tf.bool).to_tensor(default_value=False)
