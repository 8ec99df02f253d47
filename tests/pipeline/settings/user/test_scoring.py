import dataclasses

import numpy as np
import pytest
from pipeline.settings.user.group_scores import (
    GroupScores,
    evaluation_groups,
    score_groups,
)
from pipeline.settings.user.loaded_dataset import load_dataset

from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from pipeline.settings.user import group_scores
from pipeline.settings.user.config import EvaluationConfig

OPTIONS = EvaluationConfig(support_size=6, few_shot_sizes=(0, 2, 6), batch_size=16)


class SupportSize:
    """Scores every pair with the number of support pairs."""

    def adapt(self, support):
        sizes = tf.cast(support["support_mask"], tf.float32)
        return tf.reduce_sum(sizes, axis=1, keepdims=True)

    def score(self, state, query):
        return tf.where(query["query_mask"], state, -1.0)


@pytest.fixture(scope="module")
def dataset(experiment):
    return load_dataset(experiment.dataset_dir)


@pytest.fixture(scope="module")
def groups(dataset):
    return dict(score_groups(SupportSize(), evaluation_groups(dataset, OPTIONS)))


def test_groups_are_cold_warm_and_the_smaller_support_sizes(groups):
    # 6 is the support size of `cold` itself.
    assert list(groups) == ["cold", "warm", "cold/support_0", "cold/support_2"]


@pytest.mark.parametrize(
    ("group", "size"),
    [("cold", 6), ("warm", 6), ("cold/support_0", 0), ("cold/support_2", 2)],
)
def test_every_task_shows_the_support_pairs_of_its_group(groups, group, size):
    scored = groups[group]
    np.testing.assert_array_equal(scored.support_sizes, size)
    np.testing.assert_array_equal(scored.scores[scored.mask], size)


def test_cold_tasks_are_those_of_meta_test_and_warm_ones_of_meta_train(dataset, groups):
    for group, split in (("cold", "meta_test"), ("warm", "meta_train")):
        batches = fixed_episodes(dataset.directory, split)
        tasks = np.concatenate([batch["task_id"] for batch in batches])
        np.testing.assert_array_equal(groups[group].task_ids, tasks)
        assert len(tasks) == dataset.info.num_tasks[split]


def test_fewer_support_pairs_leave_the_query_pairs_as_they_are(groups):
    for group in ("cold/support_0", "cold/support_2"):
        for name in ("task_ids", "users", "items", "labels", "mask"):
            np.testing.assert_array_equal(
                getattr(groups[group], name), getattr(groups["cold"], name)
            )


def test_the_size_of_a_batch_does_not_matter(dataset, groups):
    options = OPTIONS.model_copy(update={"batch_size": 5})
    smaller = evaluation_groups(dataset, options)
    for name, scored in score_groups(SupportSize(), smaller):
        for field in dataclasses.fields(GroupScores):
            np.testing.assert_array_equal(
                getattr(scored, field.name), getattr(groups[name], field.name)
            )


def test_batches_of_different_width_are_padded():
    def batch(num_tasks, width):
        shape = [num_tasks, width]
        pairs = dict.fromkeys(("users", "items", "labels", "scores"), np.ones(shape))
        return GroupScores(
            task_ids=np.full(num_tasks, b"u"),
            support_sizes=np.zeros(num_tasks),
            mask=np.ones(shape, bool),
            **pairs,
        )

    joined = group_scores._join([batch(1, 2), batch(2, 3)])
    expected = [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    np.testing.assert_array_equal(joined.mask, expected)
    np.testing.assert_array_equal(joined.scores, expected)
    assert joined.task_ids.shape == (3,)
