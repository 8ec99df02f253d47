"""What is kept of pairs, by a model that adds up labels times rows."""

import types

import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving.support_memory import EncoderMemory, PairHistory, Support

NAN = np.nan
ROWS = tf.constant([[7, 0, 2], [0, 0, 3], [0, 0, 0]])
LABELS = tf.constant([[1.0, NAN, 10.0], [NAN, NAN, 5.0], [NAN, NAN, NAN]])
MASK = tf.constant([[True, False, True], [False, False, True], [False, False, False]])
SUPPORT = Support({"item": ROWS}, LABELS, MASK)
# 1 * 7 + 10 * 2, 5 * 3, and nothing.
STATES = [[27.0], [15.0], [0.0]]


def embed(rows):
    return tf.cast(rows["item"], tf.float32)


def total(pairs, labels, mask):
    products = tf.where(mask, pairs * labels, 0.0)
    return tf.reduce_sum(products, axis=1, keepdims=True)


@pytest.fixture
def model():
    return types.SimpleNamespace(
        encode=total,
        advance=lambda memory, *support: memory + total(*support),
        recall=lambda memory: memory,
        memory_dim=1,
    )


@pytest.fixture
def history(model):
    return PairHistory(model, ("item",), tf.zeros([1, 1]), 3)


def test_a_support_set_knows_the_number_of_its_real_pairs():
    np.testing.assert_array_equal(SUPPORT.size, [2, 1, 0])


def test_the_memory_of_an_encoder_is_all_that_is_kept(model):
    memory = EncoderMemory(model)
    assert memory.widths == {"encoder": 1}
    state, values = memory.remember(SUPPORT, embed)
    np.testing.assert_array_equal(state, STATES)
    assert set(values) == {"encoder"}
    state, values = memory.advance(values, SUPPORT.size, SUPPORT, embed)
    np.testing.assert_array_equal(state, 2.0 * np.array(STATES))
    np.testing.assert_array_equal(memory.recall(values), state)


def test_a_history_keeps_real_pairs_in_order_without_padding(history):
    assert history.widths == {"state": 1, "history_label": 3, "history_item": 3}
    state, values = history.remember(SUPPORT, embed)
    np.testing.assert_array_equal(state, STATES)
    np.testing.assert_array_equal(values["state"], STATES)
    np.testing.assert_array_equal(
        values["history_label"], [[1, 10, 0], [5, 0, 0], [0, 0, 0]]
    )
    np.testing.assert_array_equal(
        values["history_item"], [[7, 2, 0], [3, 0, 0], [0, 0, 0]]
    )


def test_a_history_is_encoded_again_with_the_pairs_that_are_added(history):
    _, values = history.remember(SUPPORT, embed)
    more = Support(
        {"item": tf.constant([[0, 4], [6, 8], [0, 0]])},
        tf.constant([[NAN, 2.0], [3.0, 1.0], [NAN, NAN]]),
        tf.constant([[False, True], [True, True], [False, False]]),
    )
    state, values = history.advance(values, SUPPORT.size, more, embed)
    # 27 + 2 * 4, 15 + 3 * 6 + 1 * 8, and nothing.
    np.testing.assert_array_equal(state, [[35.0], [41.0], [0.0]])
    np.testing.assert_array_equal(
        values["history_item"], [[7, 2, 4], [3, 6, 8], [0, 0, 0]]
    )
    np.testing.assert_array_equal(
        values["history_label"], [[1, 10, 2], [5, 3, 1], [0, 0, 0]]
    )
    np.testing.assert_array_equal(history.recall(values), state)


def test_a_history_that_is_full_takes_no_more(history):
    _, values = history.remember(SUPPORT, embed)
    message = r"up to 3 support pairs; encode the whole support set instead; got'\n4$"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        history.advance(values, SUPPORT.size, SUPPORT, embed)


def test_a_state_of_several_tensors_is_put_together_again(model):
    template = (tf.zeros([1, 2]), {"more": tf.zeros([1, 1])})
    memory = PairHistory(model, ("item",), template, 1)
    first, rest = memory.recall({"state": tf.constant([[1.0, 2.0, 3.0]])})
    np.testing.assert_array_equal(first, [[1.0, 2.0]])
    np.testing.assert_array_equal(rest["more"], [[3.0]])
