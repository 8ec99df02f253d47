import numpy as np

from models.heads.value_head import ValueHead
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.pairs.pair_embedding import Expected


def test_adds_the_number_of_the_backbone_to_what_is_expected():
    head = ValueHead(0.5)
    expected = Expected(
        tf.constant([[3.0, 4.0]]), tf.ones([1, 2]), tf.zeros([1, 2, 0]), tf.zeros([0])
    )
    prediction = head(expected, tf.constant([[[2.0], [-1.0]]]))
    np.testing.assert_allclose(prediction, [[4.0, 3.5]])
    np.testing.assert_array_equal(head.mean(prediction), prediction)


def test_a_scale_that_is_a_weight_stays_that_of_its_owner():
    scale = tf.Variable(2.0)
    head = ValueHead(scale)
    assert head.trainable_variables == []
    scale.assign(3.0)
    expected = Expected(
        tf.zeros([1, 1]), tf.ones([1, 1]), tf.zeros([1, 1, 0]), tf.zeros([0])
    )
    np.testing.assert_allclose(head(expected, tf.ones([1, 1, 1])), [[3.0]])


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
    loss = ValueHead(1.0).loss(objective, episode, scores, expected)
    np.testing.assert_allclose(loss, objective.query_loss(episode, scores))
