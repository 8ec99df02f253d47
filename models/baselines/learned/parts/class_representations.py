"""What LWA and NLBA know of a task: one mean representation per class of pairs."""

from collections.abc import Sequence

from models.legacy_keras import tf


class ClassRepresentations(tf.keras.layers.Layer):
    """Represents pairs by a network F, and each class of a support set by its mean.

    A pair whose signal is at least 0 is of the positive class, any other one of the
    negative class.

    Args:
        hidden_dims: Units of the hidden layers of F, input side first.
        representation_dim: F, width of a representation.
        seed: Seed of the initial weights.

    Call arguments:
        pairs: float32 [B, S, D].
        signals: float32 [B, S], labels in units of a network.
        mask: bool [B, S], True for a real pair, False for padding.

    Returns:
        float32 [B, 2, F], R_0 of the negative class and R_1 of the positive one. That
        of a class without pairs is the zero vector.

    Source:
        Vartak et al. (NeurIPS 2017) section 4. Deviation: F sees the pair of user and
        item, not the item alone, since the users of a task may differ; the class of a
        pair is the sign of its signal, since ratings are no classes. F is left open by
        the paper: its layers are tanh, since ReLU units that die take the context and
        the query with them.
    """

    def __init__(
        self, hidden_dims: Sequence[int], representation_dim: int, *, seed: int
    ) -> None:
        super().__init__(name="class_representations")
        glorot = tf.keras.initializers.GlorotUniform
        self.hidden = [
            tf.keras.layers.Dense(
                units, activation="tanh", kernel_initializer=glorot(seed=seed + number)
            )
            for number, units in enumerate(hidden_dims)
        ]
        self.projection = tf.keras.layers.Dense(
            representation_dim,
            kernel_initializer=glorot(seed=seed + len(hidden_dims)),
            name="projection",
        )

    def represent(self, pairs: tf.Tensor) -> tf.Tensor:
        """Represents pairs [B, S, D] as float32 [B, S, F]."""
        for layer in self.hidden:
            pairs = layer(pairs)
        return self.projection(pairs)

    def call(self, pairs: tf.Tensor, signals: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns the mean representation of either class."""
        positive = signals >= 0.0
        classes = tf.stack([~positive & mask, positive & mask], axis=1)  # [B, 2, S]
        weights = tf.cast(classes, pairs.dtype)
        return tf.math.divide_no_nan(
            weights @ self.represent(pairs),  # [B, 2, F]
            tf.reduce_sum(weights, axis=-1, keepdims=True),
        )
