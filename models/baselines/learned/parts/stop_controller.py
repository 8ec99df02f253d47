"""When s2Meta stops to adapt: an LSTM that looks at loss and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.legacy_keras import tf

_MIN_NORM = 1e-8
_LOG_SCALE = 10.0
_STOP_BIAS = -2.0  # sigmoid(-2) = 0.12: at first most steps are taken.


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
