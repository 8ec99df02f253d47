"""Small LSTMs that change the weights of a network for s2Meta, and stop in time."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from models.legacy_keras import tf
from models.parts.backbone import glorot

# Values of the weight tensor and memory of the LSTM.
Changed: TypeAlias = tuple[tf.Tensor, "Memory"]

_PRECISION = 10.0  # p: gradients below e ** -p are not told by their logarithm.
_KEEP_BIAS = 5.0  # sigmoid(5) = 0.993: weights hardly decay at the start.
_RATE_BIAS = -4.6  # sigmoid(-4.6) = 0.01: a learning rate that does no harm.
_NUM_SEEN = 6  # Of a coordinate: gradient (2), value, loss (2), 1.
_HEAD_SPREAD = 0.01  # Standard deviation of the head kernels: rates alike at first.

_MIN_NORM = 1e-8
_LOG_SCALE = 10.0
_STOP_BIAS = -2.0  # sigmoid(-2) = 0.12: at first most steps are taken.


class Memory(NamedTuple):
    """Memory of the LSTM, both float32 [H, B, N], units first."""

    hidden: tf.Tensor
    cell: tf.Tensor


class Parameters(NamedTuple):
    """Weights of a controller, units first as everything here.

    Attributes:
        kernel: [4 * H, 6 + H], from what is seen of a coordinate, which ends in a 1 for
            the bias, and its hidden units.
        head: [2, H], from the hidden units to how much is kept and the rate.
        head_bias: [2, 1, 1].
    """

    kernel: tf.Tensor
    head: tf.Tensor
    head_bias: tf.Tensor


class UpdateController(tf.Module):
    """Makes the weights of one controller, shared by the coordinates of a tensor.

    Args:
        dim: H, hidden units of the LSTM.
        seed: Seed of the kernels.

    Attributes:
        parameters: The weights, as `change` takes them.
    """

    def __init__(self, dim: int, *, seed: int, name: str) -> None:
        super().__init__(name=name)
        gates = 4 * dim
        # The bias starts at 0.
        mask = tf.where(tf.range(_NUM_SEEN + dim) == _NUM_SEEN - 1, 0.0, 1.0)
        head = tf.random.stateless_normal([2, dim], [seed, 2], stddev=_HEAD_SPREAD)
        values = Parameters(
            kernel=glorot((gates, _NUM_SEEN + dim), seed) * mask,
            head=head,
            head_bias=tf.constant([[[_KEEP_BIAS]], [[_RATE_BIAS]]]),
        )
        self.parameters = Parameters(
            *(
                tf.Variable(value, name=f"{name}_{field}")
                for field, value in zip(Parameters._fields, values, strict=True)
            )
        )


def log_scaled(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Tells numbers of any size by two of about unit size.

    Args:
        values: float32 [...].

    Returns:
        log|v| / p and the sign, or -1 and e ** p * v where |v| < e ** -p.

    Source:
        Andrychowicz et al., "Learning to learn by gradient descent by gradient
        descent" (NIPS 2016), appendix A.
    """
    size = tf.abs(values)
    is_large = size >= tf.exp(-_PRECISION)
    logarithm = tf.math.log(tf.where(is_large, size, 1.0)) / _PRECISION
    return (
        tf.where(is_large, logarithm, -1.0),
        tf.where(is_large, tf.sign(values), tf.exp(_PRECISION) * values),
    )


def empty_memory(values: tf.Tensor, dim: int) -> Memory:
    """Returns the memory before the first step for values [B, N]."""
    zeros = tf.zeros(tf.concat([[dim], tf.shape(values)], axis=0))
    zeros = tf.ensure_shape(zeros, [dim, *values.shape])
    return Memory(zeros, zeros)


def change(
    parameters: Parameters,
    values: tf.Tensor,
    gradient: tf.Tensor,
    loss: tf.Tensor,
    memory: Memory,
) -> Changed:
    """Takes one step: values become keep * values - rate * gradient.

    The LSTM sees gradient, values and loss as constants.

    Args:
        parameters: Of the controller.
        values: float32 [B, N], the weight tensor of each task, flat.
        gradient: float32 [B, N].
        loss: float32 [2, B], the support loss of each task on a log scale.
        memory: Of the step before.

    Returns:
        Values and memory after the step.

    Source:
        s2Meta (Du et al., KDD 2019) section 3.3.
    """
    of_task = tf.broadcast_to(loss[..., tf.newaxis], [2, *tf.unstack(tf.shape(values))])
    seen = [*log_scaled(gradient), values, *tf.unstack(of_task), tf.ones_like(values)]
    units = tf.concat([tf.stop_gradient(seen), memory.hidden], axis=0)  # [6 + H, B, N]
    # All in one product: an addition to the gates would cost as much again.
    gates = tf.tensordot(parameters.kernel, units, axes=1)  # [4 * H, B, N]
    admit, forget, reveal, new = tf.split(gates, 4)
    cell = tf.sigmoid(forget) * memory.cell + tf.sigmoid(admit) * tf.tanh(new)
    hidden = tf.sigmoid(reveal) * tf.tanh(cell)
    heads = tf.tensordot(parameters.head, hidden, axes=1) + parameters.head_bias
    keep, rate = tf.unstack(tf.sigmoid(heads))  # [B, N] each.
    return keep * values - rate * gradient, Memory(hidden, cell)


class StopController(tf.keras.layers.Layer):
    """Tells the probability to stop before the next step.

    Args:
        num_tensors: Weight tensors of the network.
        seed: Seed of the kernels.

    Call arguments:
        loss: float32 [B], the support loss of each task.
        gradients: One float32 [B, N] per weight tensor.
        memory: Of the step before.

    Returns:
        Probabilities, float32 [B], and the memory.

    Source:
        s2Meta (Du et al., KDD 2019) section 3.4; twice as many hidden units as inputs,
        as in the released code.
    """

    def __init__(self, num_tensors: int, *, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        glorot = tf.keras.initializers.GlorotUniform
        self.cell = tf.keras.layers.LSTMCell(
            2 * (1 + num_tensors),
            kernel_initializer=glorot(seed),
            recurrent_initializer=tf.keras.initializers.Orthogonal(seed=seed + 1),
        )
        self.head = tf.keras.layers.Dense(
            1,
            activation="sigmoid",
            kernel_initializer=glorot(seed + 2),
            bias_initializer=tf.keras.initializers.Constant(_STOP_BIAS),
            name="stop",
        )

    def empty_memory(self, num_tasks: tf.Tensor) -> list[tf.Tensor]:
        """Returns the memory before the first step."""
        zeros = tf.zeros([num_tasks, self.cell.units])
        return [zeros, zeros]

    def call(
        self, loss: tf.Tensor, gradients: Sequence[tf.Tensor], memory: list[tf.Tensor]
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Looks at the size of the loss and of each gradient."""
        norms = [tf.norm(gradient, axis=1) for gradient in gradients]
        logarithms = tf.math.log(tf.stack(norms, axis=1) + _MIN_NORM) / _LOG_SCALE
        seen = tf.concat([loss[:, tf.newaxis], logarithms], axis=1)
        hidden, memory = self.cell(seen, memory)
        return tf.squeeze(self.head(hidden), axis=1), memory
