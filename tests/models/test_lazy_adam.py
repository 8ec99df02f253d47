import numpy as np
import pytest

from models.lazy_adam import LazyAdam
from models.legacy_keras import tf

RATE = 0.1
FIRST, SECOND = [0, 2, 2], [2]  # Rows that two batches look up.


@pytest.fixture
def new_table():
    return lambda: tf.Variable(np.arange(8.0, dtype=np.float32).reshape(4, 2))


def step(optimizer, table, rows):
    """Takes a step that makes each row looked up larger, more so the first column."""
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(tf.gather(table, rows) * [4.0, 1.0])
    optimizer.apply_gradients([(tape.gradient(loss, table), table)])


def test_a_small_table_is_updated_as_by_adam(new_table):
    table, other = new_table(), new_table()
    lazy, adam = LazyAdam(RATE, lazy_rows=5), tf.keras.optimizers.Adam(RATE)
    for rows in (FIRST, SECOND):
        step(lazy, table, rows)
        step(adam, other, rows)
    np.testing.assert_array_equal(table, other)


def test_dense_gradients_of_a_large_table_are_those_of_adam(new_table):
    table, other = new_table(), new_table()
    for optimizer, one in (
        (LazyAdam(RATE, lazy_rows=1), table),
        (tf.keras.optimizers.Adam(RATE), other),
    ):
        optimizer.apply_gradients([(tf.ones_like(one), one)])
    np.testing.assert_array_equal(table, other)


def test_rows_of_a_large_table_that_are_not_looked_up_stay(new_table):
    table, optimizer = new_table(), LazyAdam(RATE, lazy_rows=4)
    step(optimizer, table, FIRST)
    # Each step of Adam is its rate at first, whatever the size of the gradient.
    np.testing.assert_allclose(table, [[0.1, 1.1], [2, 3], [4.1, 5.1], [6, 7]], 1e-4)
    moments = [v.numpy() for v in optimizer.variables if v.shape == table.shape]
    step(optimizer, table, SECOND)
    np.testing.assert_allclose(table[0], [0.1, 1.1], 1e-4)
    for before, after in zip(
        moments,
        [v.numpy() for v in optimizer.variables if v.shape == table.shape],
        strict=True,
    ):
        np.testing.assert_array_equal(before[[0, 1, 3]], after[[0, 1, 3]])
        assert (before[2] != after[2]).all()


def test_a_row_that_is_looked_up_again_goes_on_from_its_moments():
    table = tf.Variable([[0.0], [0.0]])
    optimizer = LazyAdam(RATE, lazy_rows=1, epsilon=0.0)
    for rows in ([0, 0], [1], [0]):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_sum(tf.gather(table, rows))
        optimizer.apply_gradients([(tape.gradient(loss, table), table)])
    # Gradients -2 at step 1 and -1 at step 3: mean -(0.9 * 0.2 + 0.1) = -0.28, square
    # 0.999 * 0.004 + 0.001 = 0.004996; at step 3 they lack 1 - 0.9 ** 3 = 0.271 and
    # 1 - 0.999 ** 3 = 0.002997001.
    second = 0.1 * (0.28 / 0.271) / (0.004996 / 0.002997001) ** 0.5
    np.testing.assert_allclose(table[0], [0.1 + second], rtol=1e-5)


def test_is_rebuilt_from_its_config():
    optimizer = LazyAdam(0.25, lazy_rows=7, beta_1=0.8)
    config = LazyAdam.from_config(optimizer.get_config()).get_config()
    assert (config["learning_rate"], config["lazy_rows"], config["beta_1"]) == (
        0.25,
        7,
        0.8,
    )
