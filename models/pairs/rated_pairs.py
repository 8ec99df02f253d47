"""Pairs of users and items that users rate."""

from typing import NamedTuple, TypeAlias

from models.factors.item_factors import ItemFactors, NoFactors
from models.legacy_keras import tf
from models.options import CMMLOptions
from models.pairs.features import EntityEmbedding
from models.pairs.pair_embedding import EmbeddedPairs, PairEmbedding, dropout_of_sets
from models.recommender import Episode
from transforms.schema import UNKNOWN, DataError

Factors: TypeAlias = ItemFactors | NoFactors


class UserItemPairs(NamedTuple):
    """What is known of the pairs of a support or query set.

    Attributes:
        user: float32 [B, 1, U], one user a task.
        items: float32 [B, S, I].
        factors: float32 [B, S, factors.width], what collaborative filtering knows of
            each pair.
    """

    user: tf.Tensor
    items: tf.Tensor
    factors: tf.Tensor


class RatedPairs(PairEmbedding):
    """Embeds pairs by features, ids and factors, and expects a label of each.

    A user is embedded once a task. The factors of a new user are solved from the
    support set.

    Args:
        users: Embeds users.
        items: Embeds items.
        factors: What collaborative filtering knows of items.
        options: Switches.
        label_mean: Mean of the meta-train labels, their zero inside.
        label_std: Their standard deviation, their unit inside.
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
        label_mean: float,
        label_std: float,
        seed: int = 0,
    ) -> None:
        super().__init__(name="pairs")
        self.users = users
        self.items = items
        self.factors = factors
        self.label_mean = label_mean
        self.label_std = self.backbone_scale = label_std
        self.has_prior = options.prior == "factors"
        self.has_fixed = options.embeddings != "learned"
        self.detaches_support = options.detach_support
        self.num_factors = factors.num_factors
        self.width = users.width + items.width + self.has_prior
        self.width += self.has_fixed * (factors.num_factors + factors.width)
        if not self.width:
            raise DataError(
                "a pair must have something to be told by, got users and items without "
                "features: give them features, set model.item_id, or let factors tell: "
                "model.prior = 'factors' or model.embeddings = 'fixed'."
            )
        self.dropout = dropout_of_sets(options.dropout, seed)

    def support_pairs(self, support: Episode, training: bool = False) -> UserItemPairs:
        """Looks up support pairs, in training by factors that have not seen the user.

        A task is one user: that of its real pairs, wherever padding stands.
        """
        users = tf.where(support["support_mask"], support["support_user"], UNKNOWN)
        return self._look_up(users, users, support["support_item"], training)

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
        factors = self.factors.look_up(users, items, training)
        return UserItemPairs(self.users(user), self.items(items), factors)

    def solve(
        self, pairs: UserItemPairs, labels: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Folds the user of each task in, float32 [B, K]."""
        return self.factors.solve(pairs.factors, labels, support_mask)

    def expect(self, user_factors: tf.Tensor, pairs: UserItemPairs) -> tf.Tensor:
        """Returns the label that factors expect, or the mean label."""
        if self.has_prior:
            return self.factors.expect(user_factors, pairs.factors)
        return tf.fill(tf.shape(pairs.factors)[:-1], self.label_mean)

    def embed(
        self, user_factors: tf.Tensor, pairs: UserItemPairs, training: bool = False
    ) -> EmbeddedPairs:
        """Embeds pairs; labels that are part of it are standardised."""
        prior = self.expect(user_factors, pairs)
        learned = pairs.user, pairs.items
        parts = [self.dropout(part, training=training) for part in learned]
        if self.has_fixed:
            factors, item_label = pairs.factors[..., :-1], pairs.factors[..., -1:]
            parts += [user_factors[:, tf.newaxis, :], factors / self.label_std]
            parts.append(self._standardised(item_label))
        if self.has_prior:
            parts.append(self._standardised(prior)[..., tf.newaxis])
        return EmbeddedPairs(parts, prior)

    def _standardised(self, labels: tf.Tensor) -> tf.Tensor:
        return (labels - self.label_mean) / self.label_std
