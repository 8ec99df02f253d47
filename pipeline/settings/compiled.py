"""Calls of methods, compiled."""

from collections.abc import Callable
from typing import Any

from models.legacy_keras import tf


def compiled_once(
    function: Callable[..., Any], *, num_sized: int = 0
) -> Callable[..., Any]:
    """Compiles a function of tensors at its first call, for all sizes alike.

    Left to itself TensorFlow compiles for the sizes of the first call, and anew for
    others, which takes a second each time. Control flow is by ops, so that there is
    nothing to convert either. A call with more tensors or fewer is a first one too.

    Args:
        function: Of tensors, or structures of them, whose number of dimensions stays.
        num_sized: How many inputs, the first ones, have sizes that are to be known
            when it is compiled; for others it is compiled anew.
    """
    compiled = tf.function(function, reduce_retracing=True, autograph=False)
    compiled_for = set()

    def call(*inputs: Any) -> Any:
        num_tensors = len(tf.nest.flatten(inputs))
        if num_tensors not in compiled_for:
            compiled_for.add(num_tensors)
            sized = tf.nest.map_structure(_same_size, inputs[:num_sized])
            others = tf.nest.map_structure(_any_size, inputs[num_sized:])
            compiled.get_concrete_function(*sized, *others)
        return compiled(*inputs)

    return call


def _same_size(tensor: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def _any_size(tensor: tf.Tensor) -> tf.TensorSpec:
    return tf.TensorSpec([None] * tensor.shape.rank, tensor.dtype)
