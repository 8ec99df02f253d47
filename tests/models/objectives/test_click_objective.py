import numpy as np

from models.legacy_keras import tf
from models.objectives.click_objective import ClickObjective
from models.objectives.ranking_losses import margin_loss

# A click and two negatives of user 1, a click and a negative of user 2, padding.
SUPPORT = {
    "support_user": tf.constant([[1, 1, 1, 2, 2, 1]]),
    "support_label": tf.constant([[1.0, 0.0, 0.0, 1.0, 0.0, np.nan]]),
    "support_mask": tf.constant([[True, True, True, True, True, False]]),
}


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
