import numpy as np
import pytest

from models.baselines.ratings.calibrated import Calibrated
from models.legacy_keras import tf
from models.parts.label_levels import LabelLevels
from models.recommender import Distributional

STARS = LabelLevels([1.0, 2.0, 3.0, 4.0, 5.0])
MEAN, STD = 3.4, 1.1


class ScoreOfItem:
    """Scores an item by its row, in tenths."""

    def adapt(self, support):
        return {"size": tf.shape(support["support_item"])[1:]}

    def score(self, state, query):
        return 0.1 * tf.cast(query["query_item"], tf.float32)


def calibrated(levels=STARS, mean=MEAN, std=STD):
    return Calibrated(ScoreOfItem(), levels, label_mean=mean, label_std=std)


def simulated(seed, noise=0.5, number=4000):
    """Scores, and labels in whole stars about them."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(MEAN, 0.7, number)
    labels = np.clip(np.round(scores + noise * rng.normal(size=number)), 1.0, 5.0)
    return scores.astype(np.float32), labels.astype(np.float32)


def predicted_of(method, scores):
    """The distribution that a score gets, [N, L]."""
    query = {"query_item": tf.constant(10.0 * scores)[tf.newaxis]}
    return method.score_and_distribution(None, query)[1][0]


def log_loss(method, scores, labels):
    predicted = predicted_of(method, scores)
    return -np.mean(method.levels.log_likelihood(predicted, labels))


def test_is_the_method_it_is_given_with_a_distribution():
    method = calibrated()
    assert isinstance(method, Distributional)
    method.fit(*simulated(0))
    query = {"query_item": tf.constant([[30, 45]])}
    state = method.adapt({"support_item": tf.zeros([1, 7], tf.int32)})
    np.testing.assert_array_equal(state["size"], [7])
    np.testing.assert_allclose(method.score(state, query), [[3.0, 4.5]], rtol=1e-6)
    predicted = method.score_and_distribution(state, query)[1]
    assert predicted.shape == (1, 2, 5)
    np.testing.assert_allclose(tf.reduce_sum(predicted, axis=-1), 1.0, rtol=1e-5)


def test_starts_as_a_normal_distribution_about_the_score():
    predicted = predicted_of(calibrated(), np.float32([4.0]))
    # Of a variance of 0.7, in variances of labels.
    weights = np.exp(-((STARS.values - 4.0) ** 2) / 2.0 / (0.7 * STD**2))
    np.testing.assert_allclose(predicted[0], weights / weights.sum(), rtol=1e-4)


def test_a_distribution_that_was_fitted_is_true_of_other_pairs():
    method, (scores, labels) = calibrated(), simulated(1)
    before = log_loss(method, scores, labels)
    method.fit(*simulated(0))
    predicted = predicted_of(method, scores)
    coverage = STARS.coverage(predicted, labels, 0.8).numpy().mean()
    # The standard error of 4000 pairs is 0.006 or less.
    assert abs(coverage - 0.8) < 0.02
    assert log_loss(method, scores, labels) < before - 0.02
    frequencies = [(labels == level).mean() for level in STARS.values]
    np.testing.assert_allclose(predicted.numpy().mean(axis=0), frequencies, atol=0.02)
    # Labels are about the scores, up to the ends.
    means = STARS.mean(predicted).numpy()
    np.testing.assert_allclose(means, np.clip(scores, 1.0, 5.0), atol=0.4)


def test_scores_that_say_little_have_wide_distributions():
    spreads = []
    for noise in (0.5, 1.5):
        method = calibrated()
        method.fit(*simulated(0, noise=noise))
        predicted = predicted_of(method, np.float32([3.0]))
        spreads.append(float(STARS.spread(predicted)[0]))
    assert spreads[1] > 1.5 * spreads[0]


def test_few_pairs_move_little_and_none_nothing():
    start = calibrated().weights.numpy()
    moved = []
    for number in (0, 3, 4000):
        method = calibrated()
        method.fit(*simulated(0, number=number))
        moved.append(np.abs(method.weights.numpy() - start).max())
    assert moved[0] == 0.0
    assert 3.0 * moved[1] < moved[2]


@pytest.mark.parametrize(("factor", "offset"), [(0.01, 0.0), (5.0, -15.0), (25.0, -25)])
def test_the_unit_of_labels_does_not_matter(factor, offset):
    scores, labels = simulated(0, number=500)
    stars = calibrated()
    stars.fit(scores, labels)
    levels = LabelLevels(factor * STARS.values + offset)
    others = calibrated(levels, factor * MEAN + offset, factor * STD)
    others.fit(factor * scores + offset, factor * labels + offset)
    np.testing.assert_allclose(others.weights, stars.weights, atol=1e-3)
