import math

import numpy as np
import pytest

from models.legacy_keras import tf
from models.objectives.click_objective import (
    ClickObjective,
    bpr_loss,
    cross_entropy_loss,
    margin_loss,
    pair_accuracy,
    ranking_loss,
)

# A click and two negatives of user 1, a click and a negative of user 2, padding.
SUPPORT = {
    "support_user": tf.constant([[1, 1, 1, 2, 2, 1]]),
    "support_label": tf.constant([[1.0, 0.0, 0.0, 1.0, 0.0, np.nan]]),
    "support_mask": tf.constant([[True, True, True, True, True, False]]),
}

# Two clicks with two negatives each, and one of padding.
SCORES = tf.constant([[[2.0, 0.0, 1.5], [0.0, 1.0, -3.0], [9.0, 99.0, 99.0]]])
MASK = tf.constant([[True, True, False]])


def test_clicks_and_negatives_have_a_sign():
    objective = ClickObjective(margin_loss(1.0))
    signs = [[1.0, -1.0, -1.0, 1.0, -1.0, 0.0]]
    labels = SUPPORT["support_label"]
    signals = objective.signals(labels, SUPPORT["support_mask"])
    np.testing.assert_array_equal(signals, signs)
    np.testing.assert_array_equal(objective.scores(labels), labels)


def test_a_click_is_held_against_every_negative_of_its_user():
    objective = ClickObjective(margin_loss(1.0), margin=2.0)
    raw = tf.constant([[1.0, 0.0, -3.0, 0.0, 1.0, 9.0]])
    # Gaps 1 and 4 of user 1, -1 of user 2: hinges 1, 0 and 3.
    np.testing.assert_allclose(objective.support_loss(raw, SUPPORT), [4.0 / 3.0])


def test_the_loss_is_over_groups_of_a_click_and_its_negatives():
    objective = ClickObjective(margin_loss(1.0), query_negatives=2)
    scores = tf.constant([[2.0, 0.0, 1.5, 9.0, 99.0, 99.0]])
    mask = tf.constant([[True] * 3 + [False] * 3])
    # Gaps 2 and 0.5: losses 0 and 0.5; both negatives are below their click.
    loss = objective.query_loss({"query_mask": mask}, scores)
    np.testing.assert_allclose(loss, 0.25)
    (accuracy,) = objective.metrics
    assert (accuracy.name, float(accuracy.result())) == ("pair_accuracy", 1.0)


def test_the_margin_loss_by_hand():
    # Gaps 2 and 0.5, then -1 and 3: losses 0 and 0.5, then 2 and 0; means 0.25 and 1.
    np.testing.assert_allclose(margin_loss(1.0)(SCORES, MASK), 0.625)
    # With margin 2.5 the losses are 0.5 and 2, then 3.5 and 0.
    np.testing.assert_allclose(margin_loss(2.5)(SCORES, MASK), 1.5)


def test_bpr_by_hand():
    gaps = (2.0, 0.5, -1.0, 3.0)
    expected = sum(math.log1p(math.exp(-gap)) for gap in gaps) / 4
    np.testing.assert_allclose(bpr_loss(SCORES, MASK), expected, rtol=1e-6)


def test_cross_entropy_by_hand():
    first = math.log(math.exp(2) + 1 + math.exp(1.5)) - 2
    second = math.log(1 + math.e + math.exp(-3))
    expected = (first + second) / 2
    np.testing.assert_allclose(cross_entropy_loss(SCORES, MASK), expected, rtol=1e-6)


def test_cross_entropy_with_one_negative_is_bpr():
    scores = SCORES[..., :2]
    np.testing.assert_allclose(
        cross_entropy_loss(scores, MASK), bpr_loss(scores, MASK), rtol=1e-6
    )


def test_pair_accuracy_counts_negatives_below_their_click():
    # Both of the first, one of the second: 3 of 4.
    np.testing.assert_allclose(pair_accuracy(SCORES, MASK), 0.75)


@pytest.mark.parametrize("name", ["margin", "bpr", "cross_entropy"])
def test_padding_weighs_nothing_and_nothing_is_no_loss(name):
    loss = ranking_loss(name, 1.0)
    np.testing.assert_allclose(loss(SCORES, MASK), loss(SCORES[:, :2], MASK[:, :2]))
    assert float(loss(SCORES, tf.zeros_like(MASK))) == 0.0
    infinite = tf.where(MASK[..., tf.newaxis], SCORES, np.inf)
    assert np.isfinite(float(loss(infinite, MASK)))
