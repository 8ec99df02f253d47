import numpy as np
import pytest
from learned_parts import parts_of_clicks, support_of_clicks

from models.baselines.learned.conet import CoNet, CoNetOptions, OfScenario
from models.legacy_keras import tf


def new_model(**options):
    options = CoNetOptions(hidden_dims=(3,), **options)
    return CoNet(*parts_of_clicks(), options)


def support_set():
    return support_of_clicks(is_second_real=False)


def test_each_tower_hears_the_other_through_the_same_connections():
    model = new_model()
    # One unit of input and one hidden unit, by hand.
    layers = [[2.0, 1.0], [1.0, 0.0]], [[-1.0, 0.0], [3.0, 0.0]]
    target, source = (
        [(tf.constant([[kernel]]), tf.constant([bias])) for kernel, bias in of_tower]
        for of_tower in layers
    )
    model.source.initial = source
    values = OfScenario(target, [tf.constant([[4.0]])])
    raw_target, raw_source = model.towers(tf.constant([[[1.0]]]), values)
    # Target: relu(2 * 1 + 1 + 4 * 1) = 7; source: relu(-1 + 4 * 1) = 3, times 3.
    assert raw_target.numpy().item() == 7.0
    assert raw_source.numpy().item() == 9.0


def test_without_connections_the_towers_are_separate():
    model = new_model()
    pairs = tf.random.stateless_normal([2, 3, 4], [0, 0])
    crosses = [tf.zeros_like(cross) for cross in model.crosses]
    target, source = model.towers(pairs, OfScenario(model.target.initial, crosses))
    np.testing.assert_allclose(target, model.target(pairs, model.target.initial))
    np.testing.assert_allclose(source, model.source(pairs, model.source.initial))


def test_the_penalty_makes_connections_small_where_there_is_support():
    before = new_model()
    after = new_model(cross_l1=10.0).adapt(support_set()).crosses[0]
    cross = before.crosses[0]
    assert np.abs(after[0]).sum() < np.abs(cross).sum()
    np.testing.assert_array_equal(after[1], cross)


def test_wrong_inner_options_are_refused():
    with pytest.raises(ValueError, match="inner_learning_rate must be positive, got 0"):
        CoNetOptions(inner_learning_rate=0.0)
