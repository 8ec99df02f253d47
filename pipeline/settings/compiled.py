"""Calls of methods, compiled."""

from collections.abc import Callable
from typing import Any

from models.legacy_keras import tf


def compiled_once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function of tensors at its first call, for all sizes alike.

    Left to itself TensorFlow compiles for the sizes of the first call, and anew for
    others, which takes a second each time. Control flow is by ops, so that there is
    nothing to convert either.

    Args:
        function: Of tensors, or structures of them, whose number of dimensions stays.
    """
    compiled = tf.function(function, reduce_retracing=True, autograph=False)

    def call(*inputs: Any) -> Any:
        if not compiled.experimental_get_tracing_count():
            compiled.get_concrete_function(*tf.nest.map_structure(_any_size, inputs))
        return compiled(*inputs)

    return call


def _any_size(tensor: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec([None] * tensor.shape.rank, tensor.dtype)
