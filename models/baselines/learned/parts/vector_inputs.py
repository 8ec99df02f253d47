"""Pairs as learned baselines of the scenario-specific setting see them: two vectors."""

from models.baselines.learned.parts.functional_mlp import EveryPair
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.factor_tables import FactorTables, one_over_rms
from models.pairs.pair_embedding import dropout_of_sets
from models.recommender import Episode, asks_every_pair


class VectorInputs(tf.keras.layers.Layer):
    """The vectors of user and item, side by side, of unit size; they are not trained.

    Args:
        vectors: Of users and items.
        dropout: Share of units dropped in training, alike for all pairs of a set.
        seed: Seed of dropout.

    Source:
        CMML (arXiv:2108.10511) section 4.1; every method of the paper sees these alone.
    """

    def __init__(
        self, vectors: Vectors, *, dropout: float = 0.0, seed: int = 0
    ) -> None:
        super().__init__()
        vectors = vectors.embedding()
        self.user_dim = vectors.users.shape[-1]
        self.item_dim = vectors.items.shape[-1]
        # A plain object, out of sight of Keras: they stand on disk already.
        self._tables = FactorTables(vectors)
        self._user_scale = one_over_rms(vectors.users[0])
        self._item_scale = one_over_rms(vectors.items[0])
        self.dropout = dropout_of_sets(dropout, seed)

    def embed_support(self, support: Episode, training: bool = False) -> tf.Tensor:
        """Embeds support pairs, float32 [B, S, D]; padding as an unknown pair."""
        return self._embed(support, "support", training)

    def embed_query(
        self, query: Episode, training: bool = False
    ) -> tf.Tensor | EveryPair:
        """Embeds query pairs, float32 [B, Q, D], or every pair if that is asked."""
        if asks_every_pair(query) and not training:
            return EveryPair(*self._scaled(query, "query"))
        return self._embed(query, "query", training)

    def _embed(self, half: Episode, role: str, training: bool) -> tf.Tensor:
        pairs = tf.concat(self._scaled(half, role), axis=-1)
        return self.dropout(pairs, training=training)

    def _scaled(self, half: Episode, role: str) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns users and items in unit size."""
        pairs = self._tables.look_up(half, role)
        return pairs.user * self._user_scale, pairs.item * self._item_scale
