"""The label to expect of a pair, from factors that are learned with everything else."""

from models.legacy_keras import tf
from models.parts.dense_parts import Parts, PartwiseDense
from models.parts.moment_encoder import SHRINKAGE, MomentEncoder


class LearnedPrior(tf.keras.layers.Layer):
    """Expects labels by factors of pairs, and of a user by passes over their pairs.

    The label of a pair is a level, the same whoever asks, and the dot product of the
    factors of the user with those of the pair. Both are linear in the embedded pair.
    The factors of a user start from the sums of the support set; each pass adds a
    learned projection of what they leave of its labels. No factor is made beforehand,
    and no system of equations solved: what a pass does is learned from query sets.

    Args:
        rank: K, factors.
        passes: How often the support set is read again.
        dropout: Share of units of the sums dropped in training.

    Source:
        The start is that of Koren, KDD 2008, section 4, asymmetric SVD. The passes are
        a few steps of an iteration that is learned as in Gregor and LeCun, ICML 2010
        (LISTA). Not of the CMML paper.
    """

    def __init__(self, rank: int, passes: int, *, dropout: float = 0.0) -> None:
        super().__init__(name="prior")
        self.passes = passes
        self.level = PartwiseDense(1, name="level")
        self.factors = PartwiseDense(rank, name="factors")
        self.start = MomentEncoder(rank, dropout=dropout, name="start")
        self.step = tf.keras.layers.Dense(
            rank,
            use_bias=False,
            kernel_initializer=tf.keras.initializers.Identity(),
            name="step",
        )

    def solve(
        self,
        pairs: Parts,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Returns the factors of each user, float32 [B, K]; zeros without support.

        Args:
            pairs: Embedded support pairs, float32 [B, S, D], or parts of them as
                `PartwiseDense` takes them.
            labels: float32 [B, S], standardised.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.
        """
        surprise = labels - self.expect_of_anyone(pairs)
        vector = self.start(pairs, surprise, support_mask, training)
        factors = self.factors(pairs)
        present = tf.cast(support_mask, vector.dtype)
        size = tf.reduce_sum(present, axis=1, keepdims=True) + SHRINKAGE
        for _ in range(self.passes):
            left = present * (surprise - tf.linalg.matvec(factors, vector))
            left = tf.linalg.matvec(factors, left, transpose_a=True)
            vector += self.step(left / size)
        return vector

    def expect_of_anyone(self, pairs: Parts) -> tf.Tensor:
        """Returns the standardised label of pairs, whoever asks, float32 [B, S]."""
        return self.level(pairs)[..., 0]

    def expect(self, vector: tf.Tensor, pairs: Parts) -> tf.Tensor:
        """Returns the standardised label of pairs, float32 [B, Q].

        Args:
            vector: float32 [B, K], as `solve` returns it.
            pairs: Embedded pairs.
        """
        of_user = tf.linalg.matvec(self.factors(pairs), vector)
        return self.expect_of_anyone(pairs) + of_user
