import numpy as np
import pytest

from models.heads import DistributionHead
from models.legacy_keras import tf
from models.objectives.rating_objective import LOSSES, RatingObjective
from models.pairs.pair_embedding import Expected
from models.parts.label_levels import LabelLevels

LEVELS = LabelLevels([1.0, 2.0, 3.0])
OBJECTIVE = RatingObjective(2.0, 0.5)  # Levels lie at -2, 0 and 2 inside.
NO_OUTPUTS = tf.zeros([1, 1, 3])


def new_head(*, has_shares=True, levels=LEVELS, objective=OBJECTIVE):
    error = LOSSES["squared"]
    return DistributionHead(levels, objective.unit, error, has_shares=has_shares)


def expected_of(mean, variance, log_shares=(), level_bias=()):
    """What is expected of one pair."""
    return Expected(
        tf.constant([[mean]]),
        tf.constant([[variance]]),
        tf.constant([[[*log_shares]]], tf.float32),
        tf.constant([*level_bias], tf.float32),
    )


def test_logits_by_hand():
    head = new_head()
    head.bias.assign([0.1, 0.2, 0.3])
    head.log_spread.assign(np.log(2.0))
    head.share_weight.assign(0.25)
    outputs = tf.constant([[[1.0, -1.0, 0.0]]])
    # Deviations -2, 0, 2 of a variance of 2 * 2 take 0.5, 0 and 0.5 off; the shares
    # add a quarter of 4, 0 and -4, and levels are more or less frequent by themselves.
    expected = expected_of(0.0, 2.0, [4.0, 0.0, -4.0], [0.25, -0.5, 0.25])
    logits = head(expected, outputs)
    np.testing.assert_allclose(logits, [[[1.85, -1.3, -0.95]]], rtol=1e-5)


def test_starts_as_a_normal_distribution_about_what_is_expected():
    head = new_head(has_shares=False)
    predicted = tf.nn.softmax(head(expected_of(0.0, 4.0), NO_OUTPUTS))
    weights = np.exp([-0.5, 0.0, -0.5])
    np.testing.assert_allclose(predicted[0, 0], weights / weights.sum(), rtol=1e-6)
    assert len(head.trainable_variables) == 2  # Nothing is known of shares.


def test_the_score_is_the_mean_of_the_distribution():
    prediction = tf.math.log(tf.constant([[[0.2, 0.2, 0.6]]]))
    # 2.4 in the unit of the labels.
    np.testing.assert_allclose(new_head().mean(prediction), [[0.8]], rtol=1e-6)


def test_the_loss_by_hand():
    episode = {
        "query_label": tf.constant([[3.0, 1.0]]),
        "query_mask": tf.constant([[True, False]]),
    }
    prediction = tf.math.log(tf.constant([[[0.2, 0.2, 0.6], [0.8, 0.1, 0.1]]]))
    expected = Expected(
        tf.constant([[1.0, 9.0]]), tf.ones([1, 2]), tf.zeros([1, 2, 0]), tf.zeros([0])
    )
    # The label 3 has 0.6. The mean is 2.4, 0.6 below it: 1.2 deviations; 2.5 was
    # expected, 1 deviation below it. The padding counts for nothing.
    loss = new_head().loss(OBJECTIVE, episode, prediction, expected)
    np.testing.assert_allclose(loss, -np.log(0.6) + 1.2**2 + 0.5, rtol=1e-5)


def test_a_batch_without_query_pairs_has_no_loss():
    episode = {"query_label": tf.zeros([1, 1]), "query_mask": tf.constant([[False]])}
    loss = new_head().loss(OBJECTIVE, episode, NO_OUTPUTS, expected_of(0.0, 1.0))
    assert loss == 0.0


@pytest.mark.parametrize(
    ("factor", "offset"), [(0.01, 0.0), (0.25, -0.25), (5.0, -15.0), (25.0, -25.0)]
)
def test_the_unit_of_labels_changes_the_unit_of_what_is_predicted_alone(factor, offset):
    # Stars, hundredths, 0 to 1, -10 to 10 and 0 to 100.
    rng = np.random.default_rng(0)
    outputs = tf.constant(rng.normal(size=[2, 3, 9]), tf.float32)
    mean, variance = rng.uniform(1.0, 5.0, [2, 3]), rng.uniform(0.3, 2.0, [2, 3])
    labels = rng.uniform(1.0, 5.0, [2, 3])
    shares = tf.constant(rng.normal(size=[2, 3, 9]), tf.float32)
    bias = tf.constant(rng.normal(size=9), tf.float32)
    found = []
    for scale, shift in ((1.0, 0.0), (factor, offset)):
        levels = LabelLevels(scale * np.linspace(1.0, 5.0, 9) + shift)
        objective = RatingObjective(scale * 3.0 + shift, scale * 1.1)
        head = new_head(levels=levels, objective=objective)
        expected = Expected(
            tf.constant((mean - 3.0) / 1.1, tf.float32),
            tf.constant(variance / 1.1**2, tf.float32),
            shares,
            bias,
        )
        episode = {
            "query_label": tf.constant(scale * labels + shift, tf.float32),
            "query_mask": tf.ones([2, 3], tf.bool),
        }
        logits = head(expected, outputs)
        predicted = tf.nn.softmax(logits)
        found.append(
            {
                "probability": predicted,
                "loss": head.loss(objective, episode, logits, expected),
                "score": (levels.mean(predicted) - shift) / scale,
                "mean": head.mean(logits),
                "spread": levels.spread(predicted) / scale,
                "median": (levels.quantile(predicted, 0.5) - shift) / scale,
                "coverage": levels.coverage(predicted, episode["query_label"], 0.8),
            }
        )
    for name, value in found[0].items():
        np.testing.assert_allclose(found[1][name], value, rtol=2e-4, err_msg=name)


def test_starts_as_likely_as_labels_have_been():
    rng = np.random.default_rng(0)
    levels = LabelLevels([0.0, 1.0])
    head = new_head(levels=levels, objective=RatingObjective(0.05, 0.218))
    mean = rng.normal(0.0, 0.3, 2000)
    # One in twenty is 1, more of them where more is expected.
    is_one = rng.random(2000) < 0.05 * np.exp(mean)
    expected = Expected(
        tf.constant(mean, tf.float32),
        tf.fill([2000], 0.9),
        tf.zeros([2000, 2]),
        tf.zeros([2]),
    )
    labels = tf.constant((is_one - 0.05) / 0.218, tf.float32)
    head.start_from(expected, labels)
    likely = tf.nn.softmax(head(expected, tf.zeros([2000, 2])))[:, 1].numpy()
    np.testing.assert_allclose(likely.mean(), is_one.mean(), atol=0.002)
    assert np.corrcoef(likely, mean)[0, 1] > 0.9


def test_starts_as_before_where_there_is_no_pair():
    head = new_head()
    before = [weight.numpy() for weight in head.weights]
    nothing = Expected(tf.zeros([0]), tf.ones([0]), tf.zeros([0, 3]), tf.zeros([3]))
    head.start_from(nothing, tf.zeros([0]))
    for weight, value in zip(head.weights, before, strict=True):
        np.testing.assert_allclose(weight, value, atol=1e-6)
