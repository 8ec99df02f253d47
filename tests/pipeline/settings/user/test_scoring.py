import dataclasses

import numpy as np
import pytest

from models.baselines.ratings.calibrated import Calibrated
from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from models.parts.label_levels import LabelLevels
from pipeline.experiment.config_file import with_changes
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.data import load_user_data
from pipeline.settings.user.groups import user_groups
from pipeline.settings.user.metrics import metrics_by_task
from pipeline.settings.user.scoring import (
    RatingScorer,
    exchange_support,
    exchangeable_batch_size,
)
from transforms.schema import DataError


class SupportSize:
    """Scores every pair with the number of support pairs."""

    def adapt(self, support):
        sizes = tf.cast(support["support_mask"], tf.float32)
        return tf.reduce_sum(sizes, axis=1, keepdims=True)

    def score(self, state, query):
        return tf.where(query["query_mask"], state, -1.0)


class SupportUser:
    """Scores every pair with 1 if the support set is that of the user, else 0."""

    def adapt(self, support):
        return tf.reduce_max(support["support_user"], axis=1, keepdims=True)

    def score(self, state, query):
        user = tf.reduce_max(query["query_user"], axis=1, keepdims=True)
        is_own = tf.cast(state == user, tf.float32)
        return is_own + tf.zeros_like(query["query_item"], tf.float32)


@pytest.fixture(scope="module")
def config(experiment):
    """6 is the support size of `cold` itself."""
    changes = ["evaluation.few_shot_sizes=[0, 2, 6]", "evaluation.batch_size=7"]
    return load_experiment(experiment.config_path, changes)


@pytest.fixture(scope="module")
def data(experiment):
    return load_user_data(experiment.dataset_dir)


@pytest.fixture(scope="module")
def shown(config, data):
    """What is shown, by group."""
    return {one.group: one for one in user_groups(config, data, "meta_test")}


@pytest.fixture(scope="module")
def scored(config, data, shown):
    """What the sizes of support sets are, by group."""
    scorer = RatingScorer(SupportSize(), config, data)
    return {group: scorer(one) for group, one in shown.items()}


@pytest.mark.parametrize(
    ("group", "size"),
    [("cold", 6), ("warm", 6), ("cold/support_0", 0), ("cold/support_2", 2)],
)
def test_every_task_shows_the_support_pairs_of_its_group(scored, group, size):
    np.testing.assert_array_equal(scored[group].support_size, size)
    np.testing.assert_array_equal(scored[group].score, size)


def test_a_distribution_is_scored_by_its_statistics_and_by_the_label(
    config, data, shown, scored
):
    levels, info = LabelLevels(data.info.label_levels), data.info
    unit = {"label_mean": info.label_mean, "label_std": info.label_std}
    method = Calibrated(SupportSize(), levels, **unit)
    rich = RatingScorer(method, config, data)(shown["cold/support_2"])
    np.testing.assert_array_equal(rich.score, scored["cold/support_2"].score)
    # Every pair has the score 2, and so the same distribution.
    query = {"query_item": tf.zeros([1, 1]), "query_mask": tf.ones([1, 1], tf.bool)}
    predicted = method.score_and_distribution(tf.constant([[2.0]]), query)[1][0]
    np.testing.assert_allclose(rich.median, levels.quantile(predicted, 0.5)[0])
    np.testing.assert_allclose(rich.gain, levels.gain(predicted)[0], rtol=1e-5)
    likelihoods = np.log(predicted[0].numpy())
    places = np.searchsorted(levels.values, rich.label)
    np.testing.assert_allclose(rich.log_likelihood, likelihoods[places], rtol=1e-4)
    covered = levels.coverage(tf.repeat(predicted, levels.size, 0), levels.values, 0.8)
    np.testing.assert_allclose(rich.coverage, covered.numpy()[places], atol=1e-5)


def test_cold_tasks_are_those_of_meta_test_and_warm_ones_of_meta_train(data, scored):
    for group, split in (("cold", "meta_test"), ("warm", "meta_train")):
        batches = list(fixed_episodes(data.directory, split))
        tasks = np.concatenate([batch["task_id"] for batch in batches])
        assert scored[group].task_ids == [task.decode() for task in tasks]
        assert len(tasks) == data.info.num_tasks[split]
        # Every query pair once, in its order, and no padding.
        for name in ("user", "item", "label"):
            pairs = [b[f"query_{name}"].numpy()[b["query_mask"]] for b in batches]
            column = getattr(scored[group], name)
            np.testing.assert_array_equal(column, np.concatenate(pairs))


def test_what_is_shown_leaves_the_query_pairs_as_they_are(scored):
    for group in ("cold/support_0", "cold/support_2", "cold/other_support"):
        assert scored[group].task_ids == scored["cold"].task_ids
        for name in ("task", "user", "item", "label"):
            np.testing.assert_array_equal(
                getattr(scored[group], name), getattr(scored["cold"], name)
            )


def test_the_size_of_a_batch_does_not_matter(config, data, shown, scored):
    other = with_changes(config, {"evaluation.batch_size": 100})
    scorer = RatingScorer(SupportSize(), other, data)
    for group in ("cold", "warm", "cold/support_2"):
        same = scorer(shown[group])
        assert same.task_ids == scored[group].task_ids
        for name, column in scored[group].columns().items():
            np.testing.assert_array_equal(getattr(same, name), column)


def test_the_first_tasks_alone_can_be_asked_about(config, data, shown, scored):
    scorer = RatingScorer(SupportSize(), config, data)
    # More than a batch, which has 7 tasks, and no whole number of batches.
    first = scorer(dataclasses.replace(shown["cold"], max_tasks=9))
    assert first.task_ids == scored["cold"].task_ids[:9]
    of_first = scored["cold"].task < 9
    np.testing.assert_array_equal(first.item, scored["cold"].item[of_first])


def test_the_support_set_of_another_is_not_that_of_the_user(config, data, shown):
    scorer = RatingScorer(SupportUser(), config, data)
    np.testing.assert_array_equal(scorer(shown["cold"]).score, 1.0)
    np.testing.assert_array_equal(scorer(shown["cold/other_support"]).score, 0.0)
    # Labels are 1 or more, so that a score of 1 instead of 0 is nearer by 1.
    own, other, none = (
        metrics_by_task(scorer(shown[group]), names=["mae"])["mae"]
        for group in ("cold", "cold/other_support", "cold/support_0")
    )
    np.testing.assert_allclose(own, other - 1.0)
    np.testing.assert_allclose(none, other)


def test_the_support_set_of_another_is_a_whole_one(data):
    (episode,) = data.episodes("meta_test", 6, 16)
    exchanged = exchange_support(episode)
    for name, value in exchanged.items():
        # Of the task before, the first task that of the last.
        shift = 1 if name.startswith("support_") else 0
        np.testing.assert_array_equal(value, np.roll(episode[name], shift, axis=0))


@pytest.mark.parametrize("batch_size", [1, 3, 5, 7, 15, 100])
def test_no_task_is_alone_in_its_batch(batch_size):
    size = exchangeable_batch_size(16, batch_size, "meta_test")
    assert size >= batch_size
    assert size > 1
    assert 16 % size != 1


def test_a_split_of_one_task_has_no_other_support():
    with pytest.raises(DataError, match=r"meta_test must hold at least 2 .* got 1\."):
        exchangeable_batch_size(1, 16, "meta_test")
