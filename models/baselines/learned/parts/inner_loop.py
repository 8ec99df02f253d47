"""Gradient steps on support sets, those of all tasks of a batch at once.

Every task has values of its own, so that the gradient of the sum of all losses holds
the gradient of each task. Steps are ordinary tensor operations: an outer gradient flows
through them.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from models.legacy_keras import tf

# Nested tensors, batch first.
Values: TypeAlias = Any
# From values to the support error of each task, float32 [B].
TaskLoss: TypeAlias = Callable[[Values], tf.Tensor]

_MEAN_DECAY, _SQUARE_DECAY = 0.9, 0.999  # Of Adam.
_EPSILON = 1e-7


def check_inner_options(steps: int, learning_rate: float) -> None:
    """Checks the options of an inner loop.

    Raises:
        ValueError: If `steps` is negative or `learning_rate` not positive.
    """
    if steps < 0:
        raise ValueError(f"inner_steps must not be negative, got {steps}.")
    if learning_rate <= 0.0:
        raise ValueError(f"inner_learning_rate must be positive, got {learning_rate}.")


def gradient_of_each_task(loss: TaskLoss, values: Values) -> Values:
    """Returns the gradient of the loss of each task by its own values."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        total = tf.reduce_sum(loss(values))
    return tape.gradient(
        total, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )


def sgd_steps(
    loss: TaskLoss,
    values: Values,
    *,
    steps: int,
    learning_rate: float,
    first_order: bool = False,
    direction: Callable[[Values], Values] = lambda gradient: gradient,
) -> tuple[Values, Values]:
    """Takes steps of gradient descent.

    Args:
        loss: Support error of each task.
        values: Where to start.
        steps: How many steps.
        learning_rate: Size of a step.
        first_order: Whether an outer gradient takes inner gradients for constants.
        direction: Where a step goes to, given the gradient; a linear function.

    Returns:
        The values after the last step, and the sum of the gradients of all steps.
        Values of a task without support stay.

    Source:
        MAML (Finn et al., ICML 2017) Eq. 1, section 2.2 and, for `first_order`, 5.2.
    """
    total = tf.nest.map_structure(tf.zeros_like, values)
    for _ in range(steps):
        gradient = gradient_of_each_task(loss, values)
        if first_order:
            gradient = tf.nest.map_structure(tf.stop_gradient, gradient)
        values = tf.nest.map_structure(
            lambda value, change: value - learning_rate * change,
            values,
            direction(gradient),
        )
        total = tf.nest.map_structure(tf.add, total, gradient)
    return values, total


def adam_steps(
    loss: TaskLoss, values: Values, *, steps: int, learning_rate: float
) -> Values:
    """Takes steps of Adam, from fresh moments; not to be differentiated.

    Args:
        loss: Support error of each task.
        values: Where to start.
        steps: How many steps.
        learning_rate: About the size of a step of one weight.

    Returns:
        The values after the last step. Those of a task without support stay.

    Source:
        Adam (Kingma and Ba, ICLR 2015) algorithm 1.
    """
    means = squares = tf.nest.map_structure(tf.zeros_like, values)
    for step in range(1, steps + 1):
        gradient = gradient_of_each_task(loss, values)
        means = tf.nest.map_structure(
            lambda m, g: _MEAN_DECAY * m + (1.0 - _MEAN_DECAY) * g, means, gradient
        )
        squares = tf.nest.map_structure(
            lambda s, g: _SQUARE_DECAY * s + (1.0 - _SQUARE_DECAY) * g * g,
            squares,
            gradient,
        )
        values = tf.nest.map_structure(
            lambda v, m, s, step=step: v - learning_rate * _adam_change(m, s, step),
            values,
            means,
            squares,
        )
    return values


def _adam_change(mean: tf.Tensor, square: tf.Tensor, step: int) -> tf.Tensor:
    """Returns the change of one tensor, its moments corrected for their start at 0."""
    mean = mean / (1.0 - _MEAN_DECAY**step)
    square = square / (1.0 - _SQUARE_DECAY**step)
    return mean / (tf.sqrt(square) + _EPSILON)
