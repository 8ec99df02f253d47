import numpy as np
import pytest

from models.legacy_keras import tf
from models.options import CMMLOptions
from pipeline.insight.orders import mean_context, orders_of, shuffled

SUPPORT = {
    "support_item": np.array([[1, 2, 3, 0], [4, 0, 0, 0]], np.int32),
    "support_mask": np.array([[True, True, True, False], [True, False, False, False]]),
}


def test_a_shuffle_keeps_pairs_together_and_padding_last():
    support = SUPPORT | {"support_label": 10.0 * SUPPORT["support_item"]}
    rng = np.random.default_rng(0)
    orders = [shuffled(support, rng) for _ in range(20)]
    for order in orders:
        assert (order["support_mask"] == SUPPORT["support_mask"]).all()
        assert sorted(order["support_item"][0][:3]) == [1, 2, 3]
        assert (order["support_label"] == 10.0 * order["support_item"]).all()
    assert len({tuple(order["support_item"][0]) for order in orders}) == 6


def test_the_mean_over_orders_has_the_given_order_among_them():
    def first_item(support):
        return tf.cast(support["support_item"][:, :1], tf.float32)

    def encode(num_orders):
        return mean_context(first_item, SUPPORT, num_orders=num_orders)

    np.testing.assert_allclose(encode(1), [[1.0], [4.0]])
    many = encode(400)
    # Each of 1, 2, 3 is as often the first; the single pair always is.
    assert many[0, 0] == pytest.approx(2.0, abs=0.15)
    assert many[1, 0] == 4.0


def test_only_an_encoder_that_reads_in_order_needs_several():
    assert orders_of(CMMLOptions(encoder="gru"), 32) == 32
    assert orders_of(CMMLOptions(encoder="mean"), 32) == 1
