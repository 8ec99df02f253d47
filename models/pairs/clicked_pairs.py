"""Pairs of users and items that users click, or do not."""

import numpy as np

from models.factors.folded_user import FoldedUser, nothing_known
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import ScenarioOptions
from models.pairs.closeness import (
    NUM_KEPT,
    Closeness,
    counts_of,
    kept_clicks,
    repeats_of,
    repeats_of_all,
)
from models.pairs.factor_tables import (
    FactorPairs,
    FactorTables,
    dot_product,
    one_over_rms,
    products,
)
from models.pairs.pair_embedding import (
    EmbeddedPairs,
    Expected,
    PairEmbedding,
    dropout_of_sets,
)
from models.recommender import Episode
from transforms.schema import UNKNOWN

# Known clicks score 10 at the start, so that pairs that lie far apart satisfy a margin
# of 1 already, and training is left with those whose order is in doubt.
_LARGE = 10.0

# Weight of the closeness by default, where scenarios and where users are tasks. What is
# expected of a user says nothing there of who they are, so that any click says more.
_CLOSENESS = 0.1
_CLOSENESS_OF_USERS = 100.0


class ClickedPairs(PairEmbedding):
    """Embeds pairs by factors of users and items, which are not trained.

    Where no pool is given, the prior has two terms beside the dot product: what it is
    worth that the item itself was clicked in the scenario, since what some like there
    others will like too, and the closeness of the item to the clicks, the mean of what
    the linear model of items predicts of it from each, and factors where the vectors
    give them a weight. A pool says more of a scenario
    than its clicks do, so that neither takes part where one is given. There it counts
    how often the item was clicked in the scenario, if the vectors give that a weight:
    scenarios may have favourites of their own.

    Args:
        vectors: The factors.
        options: Switches.
        trains_open: Whether the backbone is trained where no pool is given. If not, it
            adds nothing to the prior there, of which it has seen nothing.
        always_open: Whether no pool is ever given, whatever an episode says, as where
            users are tasks.
        seed: Seed of dropout.
    """

    def __init__(
        self,
        vectors: Vectors,
        options: ScenarioOptions,
        *,
        trains_open: bool = False,
        always_open: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(name="pairs")
        # A plain object, out of sight of Keras: they stand on disk already.
        self._tables = FactorTables(vectors)
        self._closeness = Closeness(vectors)
        self.has_prior = options.prior == "dot"
        self.has_product = options.product
        self.embedded_dim = vectors.width
        embedding = vectors.embedding()
        self.user_scale = _scale(embedding.users, "user_scale")
        self.item_scale = _scale(embedding.items, "item_scale")
        if self.has_prior:
            self.prior_scale = tf.Variable(_LARGE, name="prior_scale")
            # The start is the closed form itself; the weight is the first to move.
            self.backbone_scale = tf.Variable(0.0, name="backbone_scale")
        self._always_open = always_open
        self._count_weight = vectors.count_weight  # 0 where users are tasks.
        trains_open |= always_open
        self._add_terms(options, trains_open)
        has_terms = self.num_factors > 0 or self._has_repeats
        self.is_closed_form_when_open = has_terms and not trains_open
        self.width = (2 + self.has_product) * self.embedded_dim + self.has_prior
        self.dropout = dropout_of_sets(options.dropout, seed)

    def _add_terms(self, options: ScenarioOptions, trains_open: bool) -> None:
        """Adds what the prior has beside the dot product, to be trained if open."""
        self.num_factors = self.num_kept = 0
        closeness = options.prior_closeness
        if closeness is None:
            closeness = _CLOSENESS_OF_USERS if self._always_open else _CLOSENESS
        if self.has_prior and closeness:
            self.num_factors = self._closeness.num_units
        # A user who is a task by themselves is asked for what they have not clicked.
        self._has_repeats = self.has_prior and options.prior_repeat > 0.0
        self._has_repeats &= not self._always_open
        if self._has_repeats or (self.has_prior and self._count_weight):
            self.num_kept = NUM_KEPT
        num_facts = int(self.num_factors > 0)
        self.summed_widths = self.num_factors, 0, num_facts, self.num_kept
        if self.num_factors:
            start = _LARGE * closeness
            self.closeness_scale = tf.Variable(
                start, trainable=trains_open, name="closeness_scale"
            )
        if self._has_repeats:
            start = _LARGE * options.prior_repeat
            self.repeat_scale = tf.Variable(
                start, trainable=trains_open, name="repeat_scale"
            )

    def support_pairs(self, support: Episode, training: bool = False) -> FactorPairs:
        """Looks up support pairs, in the fit that the episode names."""
        del training
        return self._tables.look_up(support, "support")

    def known_support(self, support: Episode) -> tf.Tensor:
        """Leaves unknown items out: of them a click says nothing."""
        return support["support_mask"] & (support["support_item"] > UNKNOWN)

    def query_pairs(self, query: Episode, training: bool = False) -> FactorPairs:
        """Looks up query pairs, in the fit that the episode names."""
        del training
        return self._tables.look_up(query, "query")

    def solve(
        self,
        pairs: FactorPairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> FoldedUser:
        """Adds the clicks of each scenario up, as those of one user.

        Returns:
            The sum of the items' units that closeness is of, the number of
            clicks, and the items that were clicked last.
        """
        del training
        is_click = support_mask & (labels > 0.5)
        user = nothing_known(tf.shape(labels)[0])
        if self.num_factors:
            user = self._closeness.add_up(pairs, is_click)
        if self.num_kept:
            user = user._replace(clicked=kept_clicks(pairs.item_row, is_click))
        return user

    def expect(self, user: FoldedUser, pairs: FactorPairs) -> Expected:
        """Returns the sum of the scaled terms; the variance has no unit."""
        mean = tf.zeros(tf.shape(pairs.item)[:-1])
        scale: float | tf.Tensor = 1.0
        is_open = tf.ones_like(pairs.is_open) if self._always_open else pairs.is_open
        if self.has_prior:
            mean = self.prior_scale * self._in_pool(user, pairs)
            scale = tf.convert_to_tensor(self.backbone_scale)
        if self.num_factors:
            mean += self.closeness_scale * self._closeness.of(user, pairs) * is_open
        if self._has_repeats:
            mean += self.repeat_scale * repeats_of(user, pairs.item_row) * is_open
        if self.is_closed_form_when_open:
            scale *= 1.0 - is_open
        variance, log_shares = tf.ones_like(mean), pairs.item[..., :0]
        return Expected(mean, variance, log_shares, tf.zeros([0]), scale)

    def _in_pool(self, user: FoldedUser, pairs: FactorPairs) -> tf.Tensor:
        """Returns what is expected where a pool is given, without the scale."""
        dots = dot_product(pairs)
        if not self._count_weight:
            return dots
        counts = counts_of(user, pairs.item_row) * (1.0 - pairs.is_open)
        # Not log1p, which LiteRT lacks.
        return dots + self._count_weight * tf.math.log(1.0 + counts)

    def open_query(self, user: FoldedUser, vectors: tf.Tensor) -> tf.Tensor:
        """Returns what asks for items where no pool is given.

        Args:
            user: Of each scenario.
            vectors: float32 [B, D], factors of the user who is asked for in each, whose
                units weigh what they do without a pool.

        Returns:
            float32 [B, D]. Its product with the factors of an item is what is expected
            of it, but for what it is worth that the item itself was clicked.
        """
        query = self.prior_scale * vectors
        if self.num_factors:
            closeness = self.closeness_scale * self._closeness.mean_click(user)
            before = self._closeness.start
            behind = vectors.shape[-1] - before - self.num_factors
            query += tf.pad(closeness, [[0, 0], [before, behind]])
        return query

    def expect_items(
        self, user: FoldedUser, vectors: tf.Tensor, table: tf.Tensor
    ) -> tf.Tensor:
        """Returns what is expected of every item where no pool is given.

        Args:
            user: As of `open_query`.
            vectors: As of `open_query`.
            table: float32 [N, D], factors of all items, or none.

        Returns:
            float32 [B, N], the mean of `expect`.
        """
        means = products(self.open_query(user, vectors), table)
        if self._has_repeats:
            means += self.repeat_scale * repeats_of_all(user, tf.shape(table)[0])
        return means

    def expect_rows(
        self, user: FoldedUser, vectors: tf.Tensor, table: tf.Tensor, rows: tf.Tensor
    ) -> tf.Tensor:
        """Returns what is expected of some items where no pool is given.

        Those of one task are looked up after those of the other, to bound memory.

        Args:
            user: As of `open_query`.
            vectors: As of `open_query`.
            table: float32 [N, D], factors of all items.
            rows: int32 [B, M], rows of the table.

        Returns:
            float32 [B, M], the mean of `expect`.
        """

        def of_task(parts: tuple[tf.Tensor, ...]) -> tf.Tensor:
            query, clicked, items = parts
            means = tf.linalg.matvec(tf.gather(table, items), query)
            if not self._has_repeats:
                return means
            of_one = nothing_known(1)._replace(clicked=tf.expand_dims(clicked, 0))
            is_repeat = repeats_of(of_one, tf.expand_dims(items, 0))[0]
            return means + self.repeat_scale * is_repeat

        return tf.map_fn(
            tf.autograph.experimental.do_not_convert(of_task),
            (self.open_query(user, vectors), user.clicked, rows),
            fn_output_signature=tf.TensorSpec([None], tf.float32),
            parallel_iterations=1,
        )

    def embed(
        self, user: FoldedUser, pairs: FactorPairs, training: bool = False
    ) -> EmbeddedPairs:
        """Embeds pairs; factors come in unit size."""
        width = self.embedded_dim
        users = pairs.user[..., :width] * self.user_scale
        items = pairs.item[..., :width] * self.item_scale
        parts = [users, items]
        if self.has_product:
            parts.append(users * items)
        parts = [self.dropout(part, training=training) for part in parts]
        if self.has_prior:
            parts.append(tf.expand_dims(dot_product(pairs), -1))
        return EmbeddedPairs(parts, self.expect(user, pairs))


def _scale(table: np.ndarray, name: str) -> tf.Variable:
    """Returns what brings the units of factors to a root mean square of 1."""
    return tf.Variable(one_over_rms(table[0]), trainable=False, name=name)
