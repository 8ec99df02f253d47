"""A memory of cluster centres that tasks are softly assigned to."""

from models.legacy_keras import tf


class StudentClusters(tf.keras.layers.Layer):
    """Assigns codes to trained cluster centres by a Student-t kernel.

    Args:
        num_clusters: K, number of centres.
        code_dim: T, width of a code and of a centre.
        degrees: Degrees of freedom; the smaller, the heavier the tail.
        seed: Seed of the initial centres.

    Call arguments:
        codes: float32 [B, T].

    Returns:
        float32 [B, K], in proportion to (1 + d^2 / degrees)^(-(degrees + 1) / 2) where
        d is the distance to a centre; each row sums to 1.

    Source:
        Lin et al., TaNP (WWW 2021), section 4.3. Deviation: distances are squared, as
        in the paper, which its released code leaves out.
    """

    def __init__(
        self, num_clusters: int, code_dim: int, *, degrees: float, seed: int
    ) -> None:
        super().__init__(name="clusters")
        self.degrees = degrees
        self.centres = self.add_weight(
            "centres",
            shape=[num_clusters, code_dim],
            initializer=tf.keras.initializers.GlorotUniform(seed=seed),
        )

    def call(self, codes: tf.Tensor) -> tf.Tensor:
        """Returns the share of each cluster."""
        differences = codes[:, tf.newaxis] - self.centres  # [B, K, T]
        squared = tf.reduce_sum(tf.square(differences), axis=-1)
        power = -(self.degrees + 1.0) / 2.0
        return tf.nn.softmax(power * tf.math.log1p(squared / self.degrees))

    def mix(self, shares: tf.Tensor) -> tf.Tensor:
        """Returns the centres weighted by shares [B, K], float32 [B, T]."""
        return shares @ self.centres


def sharpening_loss(shares: tf.Tensor) -> tf.Tensor:
    """Returns how far shares [B, K] are from sharper ones, a scalar.

    The sharper ones, shares squared over the size of the cluster in the batch, are
    held fixed; KL(sharper || shares), the mean over tasks.
    """
    sharper = tf.square(shares) / tf.reduce_sum(shares, axis=0)
    sharper /= tf.reduce_sum(sharper, axis=-1, keepdims=True)
    sharper = tf.stop_gradient(sharper)
    divergence = tf.math.xlogy(sharper, sharper) - tf.math.xlogy(sharper, shares)
    return tf.reduce_mean(tf.reduce_sum(divergence, axis=-1))
