"""How close items are to the clicks of a task, by the linear model of items."""

from __future__ import annotations

from models.factors.folded_user import FoldedUser, nothing_known
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.factor_tables import FactorPairs

# Clicks that a task is thought to have beside those shown, which are close to nothing:
# what few clicks say is shrunk.
_SHRINKAGE = 16.0


class Closeness:
    """Adds clicks up, and says how close items are to their mean.

    The ridge of the linear model is that of whole profiles. A task of n clicks shows a
    share q of one: least squares of whole profiles on such a part have a ridge that is
    1 / q^2 times as large. So the units of the model are shrunk from
    s^2 / (s^2 + a) to s^2 / (s^2 + a (1 + (c / n)^2)), which leaves what clicks add up
    to as it is.

    Args:
        vectors: The factors; c is `ridge_clicks`.
    """

    def __init__(self, vectors: Vectors) -> None:
        self.num_units = vectors.num_linear
        self._start = vectors.width
        self._ridge_clicks = vectors.ridge_clicks
        self._strengths = tf.constant(vectors.strengths)

    def units(self, pairs: FactorPairs) -> tf.Tensor:
        """Returns the items' units in the linear model, float32 [B, S, L]."""
        return pairs.item[..., self._start : self._start + self.num_units]

    def add_up(self, pairs: FactorPairs, is_click: tf.Tensor) -> FoldedUser:
        """Adds the clicks of each task up, as those of one user.

        Args:
            pairs: Support pairs.
            is_click: bool [B, S]; the others are negatives or padding.

        Returns:
            The weighed sum of the items' units, and the number of clicks.
        """
        nothing = nothing_known(tf.shape(is_click)[0])
        counted = tf.cast(is_click, tf.float32)
        behind = self._start + self.num_units
        weights = counted * pairs.item[..., behind]
        total = tf.linalg.matvec(self.units(pairs), weights, transpose_a=True)
        num_clicks = tf.reduce_sum(counted, axis=1, keepdims=True)
        return nothing._replace(vector=total, facts=num_clicks)

    def mean_click(self, user: FoldedUser) -> tf.Tensor:
        """Returns the mean of the clicks, shrunk, float32 [B, L]."""
        mean = user.vector / (user.facts + _SHRINKAGE)
        if not self._ridge_clicks:
            return mean
        share = tf.maximum(user.facts, 1.0) / self._ridge_clicks
        ridge = 1.0 + share**-2
        return mean * (self._strengths + 1.0) / (self._strengths + ridge)
