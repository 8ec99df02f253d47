import numpy as np
import pytest
from learned_parts import parts_of_clicks, support_of_clicks

from models.baselines.learned.parts.functional_mlp import for_each_task
from models.baselines.learned.parts.inner_loop import sgd_steps
from models.baselines.learned.parts.update_controller import log_scaled
from models.baselines.learned.s2meta import S2Meta, S2MetaOptions, _Step
from models.legacy_keras import tf


def new_model(**options):
    options = S2MetaOptions(hidden_dims=(3,), controller_dim=2, **options)
    return S2Meta(*parts_of_clicks(), options)


def support_set():
    return support_of_clicks(is_second_real=True)


def set_rates(model, keep_bias, rate_bias):
    for controller in model.controllers:
        controller.parameters.head.assign(tf.zeros([2, 2]))
        controller.parameters.head_bias.assign([[[keep_bias]], [[rate_bias]]])


def set_stop(model, probability_bias):
    model.adapt(support_set())  # Makes the weights.
    model.stop.head.kernel.assign(tf.zeros_like(model.stop.head.kernel))
    model.stop.head.bias.assign([probability_bias])


def assert_equal_weights(actual, expected):
    for one, other in zip(
        tf.nest.flatten(actual), tf.nest.flatten(expected), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_numbers_of_any_size_are_told_by_two():
    # log(e ** 2) / 10 and its sign; below e ** -10: -1 and e ** 10 times the number.
    numbers = [np.exp(2.0), -np.exp(-5.0), 0.5 * np.exp(-10.0), 0.0]
    values = tf.constant(numbers, tf.float32)
    logarithm, sign = log_scaled(values)
    np.testing.assert_allclose(logarithm, [0.2, -0.5, -1.0, -1.0], rtol=1e-5)
    np.testing.assert_allclose(sign, [1.0, -1.0, 0.5, 0.0], rtol=1e-5)


def test_with_nothing_forgotten_and_one_rate_it_is_gradient_descent():
    model = new_model(inner_steps=3, min_steps=3)
    set_rates(model, 30.0, np.log(0.1 / 0.9))  # sigmoid(30) = 1; rate 0.1.
    support = support_set()
    pairs = model.inputs_of_pairs.embed_support(support)
    expected, _ = sgd_steps(
        lambda weights: model.objective.support_loss(
            model.network(pairs, weights), support
        ),
        for_each_task(model.network.initial, 2),
        steps=3,
        learning_rate=0.1,
        direction=lambda gradient: tf.nest.map_structure(
            lambda value: tf.clip_by_value(value, -1.0, 1.0), gradient
        ),
    )
    assert_equal_weights(model.adapt(support), expected)


@pytest.mark.parametrize("training", [False, True])
def test_a_task_that_stops_keeps_its_weights(training):
    model, short = (
        new_model(inner_steps=steps, min_steps=min(steps, 2)) for steps in (4, 2)
    )
    set_stop(model, 30.0)  # After the least number of steps.
    support = support_set()
    assert_equal_weights(model.adapt(support, training), short.adapt(support))


def test_a_task_that_goes_on_takes_every_step():
    model, long = (new_model(inner_steps=4, min_steps=steps) for steps in (0, 4))
    set_stop(model, -30.0)
    support = support_set()
    assert_equal_weights(model.adapt(support), long.adapt(support))


def test_to_go_on_is_rewarded_by_what_is_gained():
    model = new_model(inner_steps=2, min_steps=0, step_penalty=0.25)
    episode = {
        f"{half}_{key.split('_')[1]}": value
        for half in ("support", "query")
        for key, value in support_set().items()
    }
    weights = for_each_task(model.network.initial, 2)
    half, one = tf.constant([0.5, 0.5]), tf.constant([1.0, 0.0])
    steps = [_Step(weights, half, one)] * 2
    # Weights stay, so that nothing is gained: the first task pays 1/4 for each step
    # that is left, -log(1 - 1/2) * (-1/4 - 2/4), and the mean is over two tasks.
    loss = model._stop_loss(episode, weights, steps)
    np.testing.assert_allclose(loss, np.log(2.0) * -0.75 / 2.0, rtol=1e-5)


def test_every_step_of_training_draws_anew_whether_to_stop():
    model = new_model(inner_steps=2, min_steps=0)

    @tf.function(autograph=False)
    def draws():
        stop = tf.fill([200], 0.5)
        return model._goes_on(stop, True), model._goes_on(stop, True)

    first, second = (np.asarray(drawn) for drawn in draws())
    assert 0.3 < (first == second).mean() < 0.7
