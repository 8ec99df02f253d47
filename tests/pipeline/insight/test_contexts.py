import numpy as np
import pytest
from finished_run import open_run

from models.legacy_keras import tf
from models.options import CMMLOptions
from pipeline.insight.contexts import (
    TaskContexts,
    existing_splits,
    joined,
    mean_context,
    orders_of,
    shuffled,
    task_contexts,
    thinned,
)
from pipeline.settings.scenario import labelled_supports
from transforms.schema import DataError

SUPPORT = {
    "support_item": np.array([[1, 2, 3, 0], [4, 0, 0, 0]], np.int32),
    "support_mask": np.array([[True, True, True, False], [True, False, False, False]]),
}


def contexts(ids):
    values = np.arange(len(ids), dtype=np.float32)[:, np.newaxis]
    return TaskContexts(ids, values, {"scenario": [f"t{one}" for one in ids]})


def test_thinned_contexts_keep_their_labels_and_order():
    found = thinned(contexts([str(n) for n in range(50)]), 9)
    assert len(found.task_ids) == len(set(found.task_ids)) == 9
    assert [int(one) for one in found.task_ids] == found.contexts[:, 0].tolist()
    assert found.labels["scenario"] == [f"t{one}" for one in found.task_ids]
    few = contexts(["1", "2"])
    assert thinned(few, 2) is few


def test_joined_contexts_stand_one_after_the_other():
    found = joined([contexts(["a", "b"]), contexts(["c"])])
    assert found.task_ids == ["a", "b", "c"]
    assert found.contexts[:, 0].tolist() == [0.0, 1.0, 0.0]
    assert found.labels["scenario"] == ["ta", "tb", "tc"]


def test_splits_without_tasks_are_left_out():
    num_tasks = {"meta_train": 3, "meta_validation": 0, "meta_test": 1}
    assert existing_splits(num_tasks, "all") == ["meta_test", "meta_train"]
    assert existing_splits(num_tasks, "meta_train") == ["meta_train"]
    for split in ("meta_validation", "meta_x"):
        with pytest.raises(DataError, match=f"split must have tasks, got '{split}'"):
            existing_splits(num_tasks, split)


@pytest.fixture(scope="module")
def users(experiment):
    return open_run(experiment)


@pytest.fixture(scope="module")
def scenarios(scenario_experiment):
    return open_run(scenario_experiment)


def test_every_user_has_one_context_and_the_labels_of_the_setting(users):
    found = task_contexts(*users, split="all")
    num_tasks = users[1].info.num_tasks
    assert len(found.task_ids) == sum(num_tasks.values())
    assert len(set(found.task_ids)) == len(found.task_ids) == len(found.contexts)
    for split, number in num_tasks.items():
        assert found.labels["split"].count(split) == number
    kinds = {"gender", "age", "taste", "split", "support_size", "error"}
    assert kinds <= set(found.labels)


def test_scenarios_are_encoded_several_times(scenarios):
    found = task_contexts(*scenarios, split="meta_test")
    assert len(set(found.task_ids)) < len(found.task_ids)
    assert len(found.labels["scenario"]) == len(found.task_ids)
    assert np.isfinite(found.contexts).all()
    assert found.contexts.std(axis=0).max() > 0.0


def test_scenarios_of_one_click_each_are_refused(scenarios, monkeypatch):
    monkeypatch.setattr(labelled_supports, "permuted_draws", lambda task: [])
    with pytest.raises(DataError, match="with support sets, got 'meta_test'"):
        task_contexts(*scenarios, split="meta_test")


def test_a_shuffle_keeps_pairs_together_and_padding_last():
    support = SUPPORT | {"support_label": 10.0 * SUPPORT["support_item"]}
    rng = np.random.default_rng(0)
    orders = [shuffled(support, rng) for _ in range(20)]
    for order in orders:
        assert (order["support_mask"] == SUPPORT["support_mask"]).all()
        assert sorted(order["support_item"][0][:3]) == [1, 2, 3]
        assert (order["support_label"] == 10.0 * order["support_item"]).all()
    assert len({tuple(order["support_item"][0]) for order in orders}) == 6


def test_the_mean_over_orders_has_the_given_order_among_them():
    def first_item(support):
        return tf.cast(support["support_item"][:, :1], tf.float32)

    def encode(num_orders):
        return mean_context(first_item, SUPPORT, num_orders=num_orders)

    np.testing.assert_allclose(encode(1), [[1.0], [4.0]])
    many = encode(400)
    # Each of 1, 2, 3 is as often the first; the single pair always is.
    assert many[0, 0] == pytest.approx(2.0, abs=0.15)
    assert many[1, 0] == 4.0


def test_only_an_encoder_that_reads_in_order_needs_several():
    assert orders_of(CMMLOptions(encoder="gru"), 32) == 32
    assert orders_of(CMMLOptions(encoder="mean"), 32) == 1
