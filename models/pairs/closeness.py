"""How close items are to the clicks of a task, and whether they are among them."""

from models.factors.folded_user import FoldedUser, last_nonzero, nothing_known
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.factor_tables import FactorPairs, products
from models.recommender import stand_for_every_pair

# Clicks that a task is thought to have beside those shown, which are close to nothing:
# what few clicks say is shrunk.
_SHRINKAGE = 16.0

# Clicks of a task whose items are known one by one, the last ones.
NUM_KEPT = 128


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

    def of(self, user: FoldedUser, pairs: FactorPairs) -> tf.Tensor:
        """Returns how close items are to the mean click, float32 [B, S] or [U, P]."""
        units, mean = self.units(pairs), self.mean_click(user)
        if stand_for_every_pair(pairs.user, pairs.item):
            return products(mean, units[0])
        return tf.linalg.matvec(units, mean)

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


def kept_clicks(rows: tf.Tensor, is_click: tf.Tensor) -> tf.Tensor:
    """Returns the rows of the items that were clicked last, float32 [B, NUM_KEPT].

    Args:
        rows: int32 [B, S], of the items of support pairs; below 2 ** 24.
        is_click: bool [B, S]; the others are negatives or padding.
    """
    return last_nonzero(tf.where(is_click, tf.cast(rows, tf.float32), 0.0), NUM_KEPT)


def repeats_of(user: FoldedUser, rows: tf.Tensor) -> tf.Tensor:
    """Returns 1 for items that were clicked, float32 [B, S], else 0.

    The unknown item was not.

    Args:
        user: Of each task.
        rows: int32 [B, S].
    """
    return tf.cast(tf.reduce_any(_is_same(user, rows), axis=-1), tf.float32)


def counts_of(user: FoldedUser, rows: tf.Tensor) -> tf.Tensor:
    """Returns how often items were clicked, float32 [B, S].

    The unknown item never was.

    Args:
        user: Of each task.
        rows: int32 [B, S].
    """
    return tf.reduce_sum(tf.cast(_is_same(user, rows), tf.float32), axis=-1)


def _is_same(user: FoldedUser, rows: tf.Tensor) -> tf.Tensor:
    """Returns whether an item is that of a click, bool [B, S, NUM_KEPT]."""
    asked = tf.cast(tf.expand_dims(rows, -1), tf.float32)
    return (asked == tf.expand_dims(user.clicked, 1)) & (asked > 0.0)


def repeats_of_all(user: FoldedUser, num_rows: tf.Tensor) -> tf.Tensor:
    """Returns 1 for each item that was clicked, float32 [B, num_rows], else 0.

    Args:
        user: Of each task.
        num_rows: Rows of the table of items, all that there are or none.
    """
    rows = tf.cast(user.clicked, tf.int32)
    rows = tf.where((rows > 0) & (rows < num_rows), rows, 0)
    num_tasks = tf.shape(rows)[0]
    tasks = tf.broadcast_to(tf.expand_dims(tf.range(num_tasks), 1), tf.shape(rows))
    counts = tf.scatter_nd(
        tf.stack([tasks, rows], axis=-1),
        tf.cast(rows > 0, tf.float32),
        [num_tasks, tf.maximum(num_rows, 1)],
    )
    return tf.minimum(tf.gather(counts, tf.range(num_rows), axis=1), 1.0)
