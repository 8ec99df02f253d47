"""How close items are to the clicks of a task, by a linear model and by factors."""

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

    Where the vectors give it a weight, the mean of the factors of the clicks stands
    before the linear model, which knows less of a small log than few factors do. Those
    of one click are about that item, not about who has clicked it: they are shrunk
    twice.

    Args:
        vectors: The factors; c is `ridge_clicks`.

    Attributes:
        start: The first unit of items that closeness is of.
        num_units: How many they are.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._mean_weight = vectors.mean_weight if vectors.num_linear else 0.0
        self._num_factors = vectors.width if self._mean_weight else 0
        self.start = vectors.width - self._num_factors
        self.num_units = self._num_factors + vectors.num_linear
        self._ridge_clicks = vectors.ridge_clicks
        self._strengths = tf.constant(vectors.strengths)

    def units(self, pairs: FactorPairs) -> tf.Tensor:
        """Returns the items' units that closeness is of, float32 [B, S, num_units]."""
        return pairs.item[..., self.start : self.start + self.num_units]

    def add_up(self, pairs: FactorPairs, is_click: tf.Tensor) -> FoldedUser:
        """Adds the clicks of each task up, as those of one user.

        Args:
            pairs: Support pairs.
            is_click: bool [B, S]; the others are negatives or padding.

        Returns:
            The sum of the items' units, those of the linear model weighed, and the
            number of clicks.
        """
        nothing = nothing_known(tf.shape(is_click)[0])
        counted = tf.cast(is_click, tf.float32)
        weights = counted * pairs.item[..., self.start + self.num_units]
        factors, linear = self._parted(self.units(pairs))
        total = tf.linalg.matvec(linear, weights, transpose_a=True)
        if self._num_factors:
            of_factors = tf.linalg.matvec(factors, counted, transpose_a=True)
            total = tf.concat([of_factors, total], axis=-1)
        num_clicks = tf.reduce_sum(counted, axis=1, keepdims=True)
        return nothing._replace(vector=total, facts=num_clicks)

    def mean_click(self, user: FoldedUser) -> tf.Tensor:
        """Returns the mean of the clicks, shrunk, float32 [B, num_units]."""
        factors, linear = self._parted(user.vector / (user.facts + _SHRINKAGE))
        if self._ridge_clicks:
            share = tf.maximum(user.facts, 1.0) / self._ridge_clicks
            ridge = 1.0 + share**-2
            linear *= (self._strengths + 1.0) / (self._strengths + ridge)
        if not self._num_factors:
            return linear
        factors *= self._mean_weight * user.facts / (user.facts + _SHRINKAGE)
        return tf.concat([factors, linear], axis=-1)

    def _parted(self, units: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the factors, if they weigh, and the units of the linear model."""
        return units[..., : self._num_factors], units[..., self._num_factors :]
