import types

import numpy as np
import pytest

from models.legacy_keras import tf
from models.replicas import distributed, is_chief, part_of_worker, share_of_batch

BATCHES = [[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]], [[11, 12]]]


def episodes():
    """Batches of five tasks and of one."""
    signature = {"query_item": tf.TensorSpec([None, 2], tf.int32)}
    batches = ({"query_item": np.int32(batch)} for batch in BATCHES)
    return tf.data.Dataset.from_generator(lambda: batches, output_signature=signature)


def strategy_of(task_type, task_id, jobs):
    spec = types.SimpleNamespace(jobs=jobs)
    resolver = types.SimpleNamespace(
        task_type=task_type, task_id=task_id, cluster_spec=lambda: spec
    )
    return types.SimpleNamespace(cluster_resolver=resolver)


@pytest.mark.parametrize(
    ("worker", "parts"),
    [
        (0, [[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[11, 12]], [[0, 0]]]),
        (1, [[[9, 10], [0, 0]], [[0, 0], [0, 0]], [[0, 0]], [[0, 0]]]),
    ],
)
def test_a_worker_has_a_part_of_each_batch_for_each_of_its_replicas(worker, parts):
    # Four replicas: five tasks make parts of two, one task parts of one, padded.
    context = tf.distribute.InputContext(2, worker, 4)
    own = list(part_of_worker(episodes(), context).as_numpy_iterator())
    assert [part["query_item"].tolist() for part in own] == parts


def test_one_replica_has_all_of_a_batch():
    one = tf.distribute.get_strategy()
    dataset = episodes()
    assert distributed(dataset, one) is dataset
    assert share_of_batch(tf.constant([[True, False]])) == 1.0
    assert is_chief(one)


@pytest.mark.parametrize(
    ("task", "jobs", "writes"),
    [
        (("worker", 0), ["worker"], True),
        (("worker", 1), ["worker"], False),
        (("worker", 0), ["chief", "worker"], False),
        (("chief", 0), ["chief", "worker"], True),
        (("", None), [], True),
    ],
)
def test_the_first_worker_writes(task, jobs, writes):
    assert is_chief(strategy_of(*task, jobs)) == writes
