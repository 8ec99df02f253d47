"""The backbone: a plain network from pairs to scores that a modulation bends."""

import itertools
from collections.abc import Sequence

from models.legacy_keras import tf


class Backbone(tf.Module):
    """Maps pair embeddings to scores; each hidden layer can be scaled and shifted.

    A plain `tf.Module`: weights and a forward pass, no fit and no config, so that it
    can be modulated, exported and tested on its own.

    Args:
        input_dim: D, width of one pair embedding.
        hidden_dims: Units of each hidden layer, input side first.
        seed: Seed of the kernels: Glorot-uniform, the last one a tenth of that, so that
            scores start near 0.

    Source:
        CMML (arXiv:2108.10511) section 4.1: three ReLU layers of 64 units and a
        linear one.
    """

    def __init__(
        self, input_dim: int, hidden_dims: Sequence[int], *, seed: int
    ) -> None:
        super().__init__(name="backbone")
        self.input_dim = input_dim
        widths = [input_dim, *hidden_dims, 1]
        self.kernels = []
        for i, shape in enumerate(itertools.pairwise(widths)):
            glorot = tf.keras.initializers.GlorotUniform(seed=seed + i)
            self.kernels.append(tf.Variable(glorot(shape), name=f"kernel_{i}"))
        self.kernels[-1].assign(0.1 * self.kernels[-1])
        self.biases = [
            tf.Variable(tf.zeros([units]), name=f"bias_{i}")
            for i, units in enumerate(widths[1:])
        ]

    def __call__(
        self, pairs: tf.Tensor, film: Sequence[tuple[tf.Tensor, tf.Tensor]]
    ) -> tf.Tensor:
        """Scores each pair.

        Args:
            pairs: float32 [B, Q, D].
            film: One (scale, shift) per hidden layer, each float32 [B, Q, units].

        Returns:
            float32 [B, Q].

        Raises:
            ValueError: If the number of (scale, shift) pairs is not that of the hidden
                layers.
        """
        num_hidden = len(self.kernels) - 1
        if len(film) != num_hidden:
            raise ValueError(
                "film needs one (scale, shift) for each of the "
                f"{num_hidden} hidden layers, got {len(film)}."
            )
        hidden = pairs
        for kernel, bias, (scale, shift) in zip(
            self.kernels, self.biases, film, strict=False
        ):
            hidden = tf.nn.relu(scale * (hidden @ kernel + bias) + shift)
        return tf.squeeze(hidden @ self.kernels[-1] + self.biases[-1], axis=-1)
