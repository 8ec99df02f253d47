"""Pairs as learned baselines of the user-specific setting see them: embedded features.

The same embeddings as those of CMML, of users and items, so that methods differ in what
they do with them alone.
"""

from typing import Any

from models.episodes.entity_table import EntityTable
from models.legacy_keras import tf
from models.pairs.features import EntityEmbedding, embed_entities
from models.pairs.pair_embedding import dropout_of_sets
from models.recommender import Episode
from transforms.schema import UNKNOWN, DatasetInfo


class FeaturePairs(tf.keras.layers.Layer):
    """Embeds pairs from the features of users and items, and from item ids.

    Args:
        users: Embeds users.
        items: Embeds items.
        dropout: Share of units dropped in training, alike for all pairs of a set.
        seed: Seed of dropout.

    Source:
        CMML (arXiv:2108.10511) section 4.1 and MeLU: users and items are told by their
        features. Deviation: items that meta-train knows have an embedding of their own
        beside, as in the default CMML.
    """

    def __init__(
        self,
        users: EntityEmbedding,
        items: EntityEmbedding,
        *,
        dropout: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.users = users
        self.items = items
        # Whom nothing is known of has a unit that is 0: oneDNN has no layer of width 0.
        self.user_dim = max(users.width, 1)
        self.item_dim = max(items.width, 1)
        self.dropout = dropout_of_sets(dropout, seed)

    def embed_support(self, support: Episode, training: bool = False) -> tf.Tensor:
        """Embeds support pairs, float32 [B, S, D]; padding as an unknown item."""
        return self._embed(*rows_of_support(support), training)

    def embed_query(self, query: Episode, training: bool = False) -> tf.Tensor:
        """Embeds query pairs, float32 [B, Q, D]."""
        user = tf.maximum(
            tf.reduce_max(query["query_user"][:, :1], axis=1, keepdims=True), UNKNOWN
        )
        return self._embed(user, query["query_item"], training)

    def _embed(self, user: tf.Tensor, items: tf.Tensor, training: bool) -> tf.Tensor:
        """Embeds the user [B, 1] of each task, and items [B, S]."""
        of_user = _at_least_one_unit(self.users(user))  # [B, 1, U]
        of_items = _at_least_one_unit(self.items(items))  # [B, S, I]
        of_user, of_items = (
            self.dropout(part, training=training) for part in (of_user, of_items)
        )
        shape = tf.concat([tf.shape(items), [self.user_dim]], axis=0)
        pairs = tf.concat([tf.broadcast_to(of_user, shape), of_items], axis=-1)
        return tf.ensure_shape(pairs, [None, None, self.user_dim + self.item_dim])


def rows_of_support(support: Episode) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the row of each user [B, 1] and of items [B, S]; padding is unknown."""
    mask = support["support_mask"]
    users = tf.where(mask, support["support_user"], UNKNOWN)
    # A task is one user: that of its real pairs, wherever padding stands.
    user = tf.maximum(tf.reduce_max(users, axis=1, keepdims=True), UNKNOWN)
    return user, tf.where(mask, support["support_item"], UNKNOWN)


def _at_least_one_unit(vectors: tf.Tensor) -> tf.Tensor:
    """Returns vectors [..., W]; zeros [..., 1] if W is 0."""
    return vectors if vectors.shape[-1] else tf.pad(vectors, [[0, 0], [0, 0], [0, 1]])


def build_feature_pairs(
    info: DatasetInfo,
    users: EntityTable,
    items: EntityTable,
    *,
    embedding_dim: int,
    item_id: bool,
    dropout: float,
    seed: int = 0,
) -> FeaturePairs:
    """Makes the pairs of a prepared data set with fresh embeddings.

    Args:
        info: The data set.
        users: Its user table.
        items: Its item table.
        embedding_dim: Width of the embedding of each feature.
        item_id: Whether items have an id embedding.
        dropout: Share of units dropped in training.
        seed: Seed of the initial weights and of dropout.
    """
    embeddings = embed_entities(
        users,
        items,
        embedding_dim,
        min_item_count=info.options["min_item_count"],
        item_id=item_id,
        seed=seed,
    )
    return FeaturePairs(*embeddings, dropout=dropout, seed=seed)
