import numpy as np
import pytest

from models.heads import ValueHead
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.pairs.pair_embedding import Expected


@pytest.mark.parametrize("scale", [0.5, [[0.5]], [[0.5, 0.0]]], ids=str)
def test_adds_the_scaled_number_of_the_backbone_to_what_is_expected(scale):
    head = ValueHead()
    expected = Expected(
        tf.constant([[3.0, 4.0]]),
        tf.ones([1, 2]),
        tf.zeros([1, 2, 0]),
        tf.zeros([0]),
        scale,
    )
    prediction = head(expected, tf.constant([[[2.0], [-1.0]]]))
    added = np.broadcast_to(scale, [1, 2]) * [[2.0, -1.0]]
    np.testing.assert_allclose(prediction - added, [[3.0, 4.0]])
    np.testing.assert_array_equal(head.mean(prediction), prediction)


def test_the_loss_is_that_of_the_objective():
    objective = RatingObjective(3.0, 1.0)
    episode = {
        "query_label": tf.constant([[3.0, 1.0]]),
        "query_mask": tf.constant([[True, False]]),
    }
    expected = Expected(
        tf.zeros([1, 2]), tf.ones([1, 2]), tf.zeros([1, 2, 0]), tf.zeros([0])
    )
    scores = tf.constant([[5.0, 9.0]])
    loss = ValueHead().loss(objective, episode, scores, expected)
    np.testing.assert_allclose(loss, objective.query_loss(episode, scores))
