"""Gradient steps for all tasks at once."""

import numpy as np
import pytest

from models.baselines.learned.parts.inner_loop import (
    adam_steps,
    check_inner_options,
    gradient_of_each_task,
    sgd_steps,
)
from models.legacy_keras import tf

INPUTS = tf.random.stateless_normal([3, 5, 2], [0, 1])
TARGETS = tf.random.stateless_normal([3, 5, 1], [0, 2])


def error(weights):
    """Squared error of a linear model of each task, float32 [3]."""
    return tf.reduce_mean(tf.square(INPUTS @ weights - TARGETS), axis=[1, 2])


def test_steps_are_those_worked_by_hand():
    # w = 1, loss = w**2, slope = 2w: w goes 1, 0.8, 0.64; slopes are 2 and 1.6.
    values, total = sgd_steps(
        lambda w: tf.square(w), tf.constant([1.0]), steps=2, learning_rate=0.1
    )
    np.testing.assert_allclose(values, [0.64], rtol=1e-6)
    np.testing.assert_allclose(total, [3.6], rtol=1e-6)


def test_an_outer_gradient_flows_through_the_steps_unless_it_must_not():
    start = tf.constant([1.0])
    slopes = []
    for first_order in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(start)
            values, _ = sgd_steps(
                tf.square, start, steps=2, learning_rate=0.1, first_order=first_order
            )
        slopes.append(tape.gradient(values, start).numpy())
    # Each step multiplies by 0.8; with its slope a constant, it adds one.
    np.testing.assert_allclose(slopes, [[0.64], [1.0]], rtol=1e-6)


def test_gradients_of_a_batch_are_those_of_each_task_alone():
    weights = tf.random.stateless_normal([3, 2, 1], [0, 3])
    together = gradient_of_each_task(error, weights)
    for task in range(3):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = error(weights)[task]
        alone = tape.gradient(loss, weights)[task]
        np.testing.assert_allclose(together[task], alone, rtol=1e-5, atol=1e-6)


def test_adam_takes_the_steps_of_the_keras_optimizer():
    start = tf.random.stateless_normal([3, 2, 1], [0, 3])
    variable = tf.Variable(start)
    optimizer = tf.keras.optimizers.Adam(0.1, epsilon=1e-7)
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(error(variable))
        optimizer.apply_gradients([(tape.gradient(loss, variable), variable)])
    values = adam_steps(error, start, steps=5, learning_rate=0.1)
    np.testing.assert_allclose(values, variable, atol=1e-5)


@pytest.mark.parametrize(
    ("steps", "learning_rate", "message"),
    [
        (-1, 0.1, "inner_steps must not be negative, got -1"),
        (1, 0.0, "inner_learning_rate must be positive, got 0.0"),
    ],
)
def test_impossible_options_are_refused(steps, learning_rate, message):
    with pytest.raises(ValueError, match=message):
        check_inner_options(steps, learning_rate)
