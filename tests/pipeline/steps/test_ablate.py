import dataclasses

import numpy as np
import pytest
from pipeline.judging.variant_scores import (
    load_metrics,
    save_metrics,
    score_variant,
    support_groups,
)
from pipeline.settings.user.loaded_dataset import load_dataset

from models.legacy_keras import tf
from pipeline.settings.user.config import EvaluationConfig
from transforms.schema import DataError

OPTIONS = EvaluationConfig(support_size=6, batch_size=4)


class SupportUser:
    """Scores every pair with 1 if the support set is that of the user, else 0."""

    def adapt(self, support):
        return tf.reduce_max(support["support_user"], axis=1, keepdims=True)

    def score(self, state, query):
        user = tf.reduce_max(query["query_user"], axis=1, keepdims=True)
        is_own = tf.cast(state == user, tf.float32)
        return is_own + tf.zeros_like(query["query_item"], tf.float32)


@pytest.fixture(scope="module")
def dataset(experiment):
    return load_dataset(experiment.dataset_dir)


def test_support_sets_are_own_those_of_another_or_none(dataset):
    groups = support_groups(dataset, "meta_test", OPTIONS)
    assert list(groups) == ["own", "other", "none"]
    for name, expected in (("own", 1.0), ("other", 0.0)):
        for episode in groups[name]:
            is_own = episode["support_user"][:, 0] == episode["query_user"][:, 0]
            np.testing.assert_array_equal(is_own, expected == 1.0)
    for episode in groups["none"]:
        assert episode["support_item"].shape[1] == 0
    queries = [
        np.concatenate([e["query_item"] for e in episodes])
        for episodes in groups.values()
    ]
    np.testing.assert_array_equal(queries[0], queries[1])
    np.testing.assert_array_equal(queries[0], queries[2])


def test_the_support_set_of_another_is_a_whole_one(dataset):
    groups = support_groups(dataset, "meta_test", OPTIONS)
    for own, other in zip(groups["own"], groups["other"], strict=True):
        for name in ("support_user", "support_item", "support_label", "support_mask"):
            # Of the task before, the first task that of the last.
            np.testing.assert_array_equal(other[name], np.roll(own[name], 1, axis=0))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_no_task_is_alone_in_its_batch(dataset, batch_size):
    options = OPTIONS.model_copy(update={"batch_size": batch_size})
    for episode in support_groups(dataset, "meta_test", options)["other"]:
        assert episode["query_user"].shape[0] > 1


def test_a_method_is_scored_on_every_kind_of_support_set(dataset):
    groups = support_groups(dataset, "meta_test", OPTIONS)
    metrics = score_variant(SupportUser(), groups, OPTIONS)
    # Labels are 1 or more, so that a score of 1 instead of 0 is nearer by 1.
    np.testing.assert_allclose(metrics["own"]["mae"], metrics["other"]["mae"] - 1.0)
    np.testing.assert_allclose(metrics["none"]["mae"], metrics["other"]["mae"])


def test_a_split_of_one_task_has_no_other_support(dataset):
    info = dataclasses.replace(dataset.info, num_tasks={"meta_test": 1})
    alone = dataclasses.replace(dataset, info=info)
    with pytest.raises(DataError, match=r"at least 2 meta_test tasks .* got 1\."):
        support_groups(alone, "meta_test", OPTIONS)


def test_metrics_are_read_as_they_were_written(tmp_path):
    metrics = {"own": {"mae": np.array([1.0, np.nan]), "ndcg@3": np.array([0.5, 1.0])}}
    path = tmp_path / "folder" / "metrics.npz"
    save_metrics(path, metrics)
    read = load_metrics(path)
    assert set(read) == {"own"}
    for name, values in metrics["own"].items():
        np.testing.assert_array_equal(read["own"][name], values)
    assert [p.name for p in path.parent.iterdir()] == ["metrics.npz"]
