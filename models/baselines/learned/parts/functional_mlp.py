"""A network whose weights are an argument, so that every task can have its own.

It takes pairs one by one, or every pair of some users and items.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from models.legacy_keras import tf
from models.parts.backbone import glorot

# Kernel and bias of one layer. Shared by all tasks: [in, out] and [out]; one for each
# task: [B, in, out] and [B, 1, out].
Layer: TypeAlias = tuple[tf.Tensor, tf.Tensor]


class EveryPair(NamedTuple):
    """What is seen of every pair of U users and P items of one task.

    A layer projects each user and each item once, where a row for each pair takes most
    of the work of a small network.

    Attributes:
        user: float32 [U, 1, D_u], the leading units of a pair.
        item: float32 [1, P, D_i], the units after them.
    """

    user: tf.Tensor
    item: tf.Tensor


class FunctionalMLP(tf.Module):
    """ReLU layers and a linear one with one unit, as weights and a pure function.

    Args:
        input_dim: D, width of one pair embedding.
        hidden_dims: Units of each hidden layer, input side first.
        seed: Seed of the Glorot-uniform kernels.

    Attributes:
        initial: The weights that all tasks start from, input side first.

    Source:
        MeLU (Lee et al., KDD 2019) section 3.1.
    """

    def __init__(
        self, input_dim: int, hidden_dims: Sequence[int], *, seed: int
    ) -> None:
        super().__init__(name="functional_mlp")
        widths = [input_dim, *hidden_dims, 1]
        self.initial: list[Layer] = [
            (
                tf.Variable(glorot(shape, seed + i), name=f"kernel_{i}"),
                tf.Variable(tf.zeros(shape[1:]), name=f"bias_{i}"),
            )
            for i, shape in enumerate(itertools.pairwise(widths))
        ]

    def __call__(
        self, pairs: tf.Tensor | EveryPair, weights: Sequence[Layer]
    ) -> tf.Tensor:
        """Scores each pair with the given weights.

        Args:
            pairs: float32 [B, Q, D], or every pair.
            weights: Of each layer, shared or one for each task.

        Returns:
            float32 [B, Q].
        """
        first, *others = weights
        return self.above_first(linear(pairs, first), others)

    def above_first(self, layer: tf.Tensor, weights: Sequence[Layer]) -> tf.Tensor:
        """Goes on from the first layer before its ReLU.

        Args:
            layer: float32 [B, Q, H].
            weights: Of each layer but the first.

        Returns:
            float32 [B, Q].
        """
        for weight in weights:
            layer = linear(tf.nn.relu(layer), weight)
        return tf.squeeze(layer, axis=-1)


def linear(inputs: tf.Tensor | EveryPair, layer: Layer) -> tf.Tensor:
    """Applies one layer to float32 [B, S, in]; returns [B, S, out].

    Every pair of users and items comes out in a row, [1, U * P, out].
    """
    kernel, bias = layer
    if isinstance(inputs, EveryPair):
        kernels = tf.split(kernel, [part.shape[-1] for part in inputs], axis=-2)
        user, item = (
            linear(part, (part_kernel, tf.zeros([])))
            for part, part_kernel in zip(inputs, kernels, strict=True)
        )
        return in_a_row(user + item) + bias
    if kernel.shape.rank == 2:  # One large product is faster than B small ones.
        return tf.tensordot(inputs, kernel, axes=1) + bias
    return inputs @ kernel + bias


def for_each_task(weights: Sequence[Layer], num_tasks: tf.Tensor) -> list[Layer]:
    """Repeats shared weights, [B, in, out] and [B, 1, out]."""
    return [
        (
            tf.tile(kernel[tf.newaxis], [num_tasks, 1, 1]),
            tf.tile(bias[tf.newaxis, tf.newaxis], [num_tasks, 1, 1]),
        )
        for kernel, bias in weights
    ]


def joined(pairs: tf.Tensor | EveryPair) -> tf.Tensor:
    """Returns every pair as rows, float32 [1, U * P, D_u + D_i]; a tensor as it is."""
    if not isinstance(pairs, EveryPair):
        return pairs
    shape = tf.stack([tf.shape(pairs.user)[0], tf.shape(pairs.item)[1]])
    parts = [
        tf.broadcast_to(part, tf.concat([shape, [part.shape[-1]]], axis=0))
        for part in pairs
    ]
    return in_a_row(tf.concat(parts, axis=-1))


def in_a_row(values: tf.Tensor) -> tf.Tensor:
    """Returns float32 [U, P, D] as [1, U * P, D]."""
    return tf.reshape(values, [1, -1, values.shape[-1]])
