"""Pairs of users and items that users rate."""

from typing import NamedTuple, TypeAlias

from models.factors.folded_user import FoldedUser
from models.factors.item_factors import ItemFactors
from models.factors.no_factors import NoFactors
from models.joined_parts import join
from models.legacy_keras import tf
from models.options import CMMLOptions
from models.pairs.features import EntityEmbedding
from models.pairs.pair_embedding import (
    EmbeddedPairs,
    Expected,
    PairEmbedding,
    dropout_of_sets,
)
from models.parts.dense_parts import Parts, PartwiseDense
from models.parts.moment_encoder import SHRINKAGE, MomentEncoder
from models.recommender import Episode
from transforms.schema import UNKNOWN, DataError

Factors: TypeAlias = ItemFactors | NoFactors


class UserItemPairs(NamedTuple):
    """What is known of the pairs of a support or query set.

    Attributes:
        user: float32 [B, 1, U], one user a task.
        level: float32 [B, factors.level_width], what is expected of the user.
        items: float32 [B, S, I].
        factors: float32 [B, S, factors.width], what collaborative filtering knows of
            each pair.
    """

    user: tf.Tensor
    level: tf.Tensor
    items: tf.Tensor
    factors: tf.Tensor


class RatedPairs(PairEmbedding):
    """Embeds pairs by features, ids and factors, and expects a label of each.

    A user is embedded once a task. The factors of a new user are solved from the
    support set. Labels and what is expected of them are standardised.

    Args:
        users: Embeds users.
        items: Embeds items.
        factors: What collaborative filtering knows of items.
        options: Switches.
        seed: Seed of dropout.

    Raises:
        DataError: If pairs have neither features, nor ids, nor factors to go by.
    """

    def __init__(
        self,
        users: EntityEmbedding,
        items: EntityEmbedding,
        factors: Factors,
        options: CMMLOptions,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(name="pairs")
        self.users = users
        self.items = items
        self.factors = factors
        self.has_prior = options.prior == "factors"
        self.has_fixed = options.embeddings != "learned"
        self.moves_prior = self.has_prior and options.prior_context
        self.detaches_support = options.detach_support
        self.max_surprise = options.max_surprise
        self.num_factors = factors.num_factors
        self.width = users.width + items.width
        if self.has_fixed:
            self.width += 3 * factors.num_factors + factors.num_facts
            self.width += factors.num_levels + 2
        if self.has_prior:
            self.width += 3
        if not self.width:
            raise DataError(
                "a pair must have something to be told by, got users and items without "
                "features: give them features, set model.item_id, or let factors tell: "
                "model.prior = 'factors' or model.embeddings = 'fixed'."
            )
        self.dropout = dropout_of_sets(options.dropout, seed)
        self.learned = None
        if options.prior == "learned":
            self.num_factors = options.prior_rank
            self.learned = LearnedPrior(
                options.prior_rank, options.prior_passes, dropout=options.dropout
            )

    def support_pairs(self, support: Episode, training: bool = False) -> UserItemPairs:
        """Looks up support pairs, in training by factors that have not seen the user.

        A task is one user, who is known before the first pair.
        """
        users, items = support["support_user"], support["support_item"]
        return self._look_up(support["task_user"], users, items, training)

    def query_pairs(self, query: Episode, training: bool = False) -> UserItemPairs:
        """Looks up query pairs, in training by factors that have not seen the user."""
        users = query["query_user"]
        first = users[:, :1]  # The padding comes last.
        return self._look_up(first, users, query["query_item"], training)

    def _look_up(
        self, user: tf.Tensor, users: tf.Tensor, items: tf.Tensor, training: bool
    ) -> UserItemPairs:
        """Looks up pairs [B, S]; the user of a task is the largest row of `user`."""
        # The lowest integer if there is not even padding.
        user = tf.maximum(tf.reduce_max(user, axis=1, keepdims=True), UNKNOWN)
        return UserItemPairs(
            self.users(user),
            self.factors.level_of_users(user[:, 0], training),
            self.items(items),
            self.factors.look_up(users, items, training),
        )

    def trusted(
        self, pairs: UserItemPairs, signals: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Cuts labels that surprise beyond `max_surprise`, if there is one."""
        if self.max_surprise is None or not isinstance(self.factors, ItemFactors):
            return signals
        return self.factors.trusted(
            pairs.factors, pairs.level, signals, support_mask, self.max_surprise
        )

    def solve(
        self,
        pairs: UserItemPairs,
        signals: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> FoldedUser:
        """Folds the user of each task in."""
        user = self.factors.solve(pairs.factors, pairs.level, signals, support_mask)
        if self.learned is None:
            return user
        parts = self._dropped(pairs, training)
        vector = self.learned.solve(parts, signals, support_mask, training)
        return user._replace(vector=vector)

    def move(self, user: FoldedUser, shift: tf.Tensor) -> FoldedUser:
        """Moves the mean of user factors, by [B, K]."""
        return self.factors.move(user, shift)

    def expect(self, user: FoldedUser, pairs: UserItemPairs) -> Expected:
        """Returns the label that factors expect, or the mean label, which is 0."""
        if not self.has_prior:
            return self._expect_learned(user, pairs, [pairs.user, pairs.items])
        of_items = self.factors.split(pairs.factors)
        variance = self.factors.variance(user, pairs.factors) + of_items.noise
        mean = self.factors.expect(user, pairs.factors)
        return Expected(mean, variance, of_items.log_shares, self.factors.level_bias)

    def surprise(
        self, user: FoldedUser, pairs: UserItemPairs, signals: tf.Tensor
    ) -> tf.Tensor:
        """Returns labels less what other pairs, or what is learned of all, say."""
        if self.learned is not None:
            parts = [pairs.user, pairs.items]
            return signals - self.learned.expect_of_anyone(parts)
        if not self.has_prior:
            return signals
        return signals - self.factors.left_out(user, pairs.factors, signals)[0]

    def embed(
        self, user: FoldedUser, pairs: UserItemPairs, training: bool = False
    ) -> EmbeddedPairs:
        """Embeds pairs."""
        parts = self._dropped(pairs, training)
        if self.has_prior:
            expected = self.expect(user, pairs)
        else:
            expected = self._expect_learned(user, pairs, parts)
        of_users, of_pairs = self._fixed_parts(user, pairs)
        if self.has_prior:
            noise = self.factors.split(pairs.factors).noise
            columns = [expected.mean, expected.variance - noise, noise]
            of_pairs.append(tf.stack(columns, axis=-1))
        # A part each, since every layer multiplies part by part.
        parts += [join(each) for each in (of_users, of_pairs) if each]
        return EmbeddedPairs(parts, expected)

    def _dropped(self, pairs: UserItemPairs, training: bool) -> list[tf.Tensor]:
        """Returns what is learned of pairs, units of it dropped."""
        learned = pairs.user, pairs.items
        dropped = [self.dropout(part, training=training) for part in learned]
        return [part for part in dropped if part.shape[-1]]

    def _expect_learned(
        self, user: FoldedUser, pairs: UserItemPairs, parts: list[tf.Tensor]
    ) -> Expected:
        """Returns what the learned prior expects of embedded pairs, or the mean, 0."""
        mean = tf.zeros(tf.shape(pairs.factors)[:-1])
        if self.learned is not None:
            mean = self.learned.expect(user.vector, parts)
        no_shares = pairs.factors[..., :0]
        return Expected(mean, tf.ones_like(mean), no_shares, tf.zeros([0]))

    def _fixed_parts(
        self, user: FoldedUser, pairs: UserItemPairs
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Returns what is known beforehand, of users [B, 1, D], of pairs [B, S, D]."""
        if not self.has_fixed:
            return [], []
        of_items = self.factors.split(pairs.factors)
        vector, facts = (tf.expand_dims(part, 1) for part in (user.vector, user.facts))
        factors = 2.0 * of_items.factors
        columns = tf.stack([of_items.label, of_items.log_count / 3.0], axis=-1)
        of_pairs = [factors, factors * vector, of_items.log_shares, columns]
        return [vector, facts], of_pairs


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
