"""Trainings by several replicas: the part of each, and what they tell each other.

A replica is a device, or a worker of a cluster, that computes the gradient of its part
of each batch. All hold the same weights.
"""

import numpy as np

from models.legacy_keras import tf


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes files: the first worker, or the only one."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    if "chief" in resolver.cluster_spec().jobs:
        return bool(resolver.task_type == "chief")
    return bool(resolver.task_id == 0)


def share_of_batch(mask: tf.Tensor) -> tf.Tensor | float:
    """Returns what share of the real pairs of a batch this replica has.

    Means over the pairs of a replica, times this, add up over replicas to the mean over
    all pairs of the batch. To be called for each replica.

    Args:
        mask: bool [B, Q], the part of this replica, False for padding.

    Returns:
        float32 scalar in [0, 1]; 1.0 if there is one replica.
    """
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return 1.0
    own = tf.reduce_sum(tf.cast(mask, tf.float32))
    return tf.math.divide_no_nan(own, replica.all_reduce("SUM", own))


def summed(value: tf.Tensor) -> tf.Tensor:
    """Adds a value up over replicas, of each of which this is to be called."""
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return value
    return replica.all_reduce("SUM", value)


def distributed(
    episodes: tf.data.Dataset, strategy: tf.distribute.Strategy
) -> tf.data.Dataset:
    """Deals the tasks of each batch out to replicas.

    Every worker reads all batches, and keeps its part of each.

    Args:
        episodes: Batches of episodes, the same for every worker.
        strategy: Who trains.

    Returns:
        The same batches if there is one replica.
    """
    if strategy.num_replicas_in_sync == 1:
        return episodes
    return strategy.distribute_datasets_from_function(
        lambda context: part_of_worker(episodes, context)
    )


def part_of_worker(
    episodes: tf.data.Dataset, context: tf.distribute.InputContext
) -> tf.data.Dataset:
    """Returns what the replicas of one worker have of each batch, one after the other.

    Parts of a batch are of one size, padded with tasks without a pair.

    Args:
        episodes: Batches of episodes.
        context: Which worker, of how many, and how many replicas there are.
    """
    num_replicas = context.num_replicas_in_sync
    per_worker = num_replicas // context.num_input_pipelines
    first = context.input_pipeline_id * per_worker

    @tf.autograph.experimental.do_not_convert
    def to_parts(batch: dict[str, tf.Tensor]) -> tf.data.Dataset:
        parts = {name: _parts(t, num_replicas) for name, t in batch.items()}
        own = {name: t[first : first + per_worker] for name, t in parts.items()}
        return tf.data.Dataset.from_tensor_slices(own)

    return episodes.flat_map(to_parts).prefetch(per_worker)


def _parts(tensor: tf.Tensor, num_parts: int) -> tf.Tensor:
    """Splits [B, ...] into [num_parts, ceil(B / num_parts), ...], padded with 0."""
    size = tf.shape(tensor)[0]
    rows = (size + num_parts - 1) // num_parts
    ends = [[0, rows * num_parts - size], *[[0, 0]] * (len(tensor.shape) - 1)]
    padded = tf.pad(tensor, ends)
    return tf.reshape(padded, tf.concat([[num_parts, rows], tf.shape(tensor)[1:]], 0))


def told_by_chief(values: list[float], strategy: tf.distribute.Strategy) -> list[float]:
    """Returns what the chief says, once all workers have called this.

    Args:
        values: Numbers, maybe NaN; those of others than the chief do not count.
        strategy: Who trains.
    """
    if strategy.num_replicas_in_sync == 1:
        return values
    own = np.asarray(values if is_chief(strategy) else np.zeros(len(values)))

    @tf.function(autograph=False)
    def broadcast() -> tf.Tensor:
        def of_replica() -> tf.Tensor:
            replica = tf.distribute.get_replica_context()
            is_first = replica.replica_id_in_sync_group == 0
            told = tf.where(is_first, tf.constant(own), tf.zeros_like(own))
            return replica.all_reduce("SUM", told)

        return strategy.run(of_replica)

    told = strategy.experimental_local_results(broadcast())[0]
    return [float(value) for value in told]


def wait_for_chief(strategy: tf.distribute.Strategy) -> None:
    """Returns once all workers have called this."""
    told_by_chief([0.0], strategy)
