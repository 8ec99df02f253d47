"""Tests of EASE with the clicks of the support set."""

import numpy as np
import pytest
import tensorflow as tf

from models.baselines.clicks.ease import EASE, EASEClick
from models.episodes.click_records import KnownClicks


def known_clicks(num_users, num_items):
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random((num_users, num_items)) < 0.3)
    rows = (user + 1).astype(np.int32), (item + 1).astype(np.int32)
    return KnownClicks(*rows, np.zeros(len(user), np.int32), num_users, num_items)


def weights(known, l2):
    """B as the paper writes it, unknown item first."""
    clicks = np.zeros((known.num_users + 1, known.num_items + 1))
    clicks[known.user, known.item] = 1.0
    inverse = np.linalg.inv(clicks.T @ clicks + l2 * np.eye(clicks.shape[1]))
    matrix = -inverse / np.diag(inverse)
    np.fill_diagonal(matrix, 0.0)
    return matrix


def support(items, labels):
    return {
        "support_user": tf.zeros([1, len(items)], tf.int32),
        "support_item": tf.constant([items]),
        "support_label": tf.constant([labels]),
        "support_mask": tf.ones([1, len(items)], tf.bool),
    }


@pytest.mark.parametrize("shape", [(6, 9), (9, 6)])
def test_clicks_add_their_weights_to_what_is_known_of_the_user(shape):
    known = known_clicks(*shape)
    method = EASEClick(known, None, l2=3.0, click_weight=0.5)
    state = method.adapt(support([2, 4, 5], [1.0, 0.0, 1.0]))
    items = np.array([1, 3, 6], np.int32)
    query = {"query_user": tf.constant([[1]]), "query_item": tf.constant([items])}
    of_user = EASE(known, None, l2=3.0).score((), query).numpy()
    matrix = weights(known, 3.0)
    expected = of_user + 0.5 * (matrix[2] + matrix[5])[items]
    np.testing.assert_allclose(method.score(state, query), expected, atol=1e-5)


def test_an_unknown_user_is_known_by_the_clicks_alone():
    known = known_clicks(6, 9)
    method = EASEClick(known, None, l2=3.0, click_weight=1.0)
    query = {"query_user": tf.constant([[0]]), "query_item": tf.constant([[3, 7]])}
    scores = method.score(method.adapt(support([2], [1.0])), query)
    np.testing.assert_allclose(scores, weights(known, 3.0)[2:3, [3, 7]], atol=1e-5)
    nothing = method.score(method.adapt(support([2], [0.0])), query)
    np.testing.assert_allclose(nothing, 0.0, atol=1e-6)
