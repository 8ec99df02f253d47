"""MetaCS-DNN: a network that adapts to each task together with its embeddings."""

from typing import TypeAlias

from models.baselines.learned.melu import MeLU
from models.baselines.learned.parts.feature_pairs import FeaturePairs, rows_of_support
from models.baselines.learned.parts.functional_mlp import for_each_task
from models.baselines.learned.parts.inner_loop import sgd_steps
from models.episodes.entity_table import standardise
from models.legacy_keras import tf
from models.pairs.features import EntityEmbedding, FeatureEmbedding
from models.recommender import Episode, State

# Row of the user of each task, int32 [B, 1], and rows of items, int32 [B, S].
_Rows: TypeAlias = tuple[tf.Tensor, tf.Tensor]
# By feature: of a user with a user, [B, 1, 1], and of items with items, [B, Q, S].
_Overlaps: TypeAlias = tuple[list[tf.Tensor], list[tf.Tensor]]


class MetaCS(MeLU):
    """MeLU that takes its gradient steps on the embeddings as well.

    An embedding that stands in no support set moves nevertheless if it shares a value
    with one that does. Tables are not copied: a task keeps the gradients of its pairs,
    and those of other pairs follow by overlap. Where vectors are frozen it would be
    MeLU, so that it is there in the user-specific setting alone.

    Arguments as of `LearnedBaseline`; `inputs` must be `FeaturePairs`.

    Source:
        MetaCS-DNN (Bharadhwaj, IJCNN 2019), in the form of CMML (arXiv:2108.10511)
        section 4.1.3 and its code: MeLU whose inner loop adapts all parameters.
        Deviation: as of `MeLU`; and with dropout, the steps of training move units as
        they stand after it, the dropped ones of the support set not at all.
    """

    inputs_of_pairs: FeaturePairs

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns what moves the weights and the embeddings of each task.

        Returns:
            The weights, the gradients of the support pairs, float32 [B, S, U + I], and
            the rows of user and items that these belong to.
        """
        pairs = self.inputs_of_pairs.embed_support(support, training)
        rows = rows_of_support(support)
        overlaps = self._overlaps(rows, rows)
        (_, weights), (slopes, _) = sgd_steps(
            lambda values: self.objective.support_loss(self.mlp(*values), support),
            (pairs, for_each_task(self.mlp.initial, tf.shape(pairs)[0])),
            steps=self.options.inner_steps,
            learning_rate=self.options.inner_learning_rate,
            first_order=self.options.first_order,
            direction=lambda slopes: (self._spread(overlaps, slopes[0]), slopes[1]),
        )
        return weights, slopes, rows

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs as their task sees them, float32 [B, Q]."""
        weights, slopes, rows = state
        pairs = self.inputs_of_pairs.embed_query(query, training)
        rows_of_query = query["query_user"][:, :1], query["query_item"]
        moves = self._spread(self._overlaps(rows_of_query, rows), slopes)
        pairs -= self.options.inner_learning_rate * moves
        return self.mlp(pairs, weights)

    def _overlaps(self, rows: _Rows, others: _Rows) -> _Overlaps:
        """Returns the overlaps of the user and of the items of each task."""
        inputs = self.inputs_of_pairs
        return (
            entity_overlaps(inputs.users, rows[0], others[0]),
            entity_overlaps(inputs.items, rows[1], others[1]),
        )

    def _spread(self, overlaps: _Overlaps, slopes: tf.Tensor) -> tf.Tensor:
        """Spreads slopes [B, S, U + I] over pairs [B, Q, U + I] that overlap."""
        inputs = self.inputs_of_pairs
        of_user, of_items = tf.split(slopes, [inputs.user_dim, inputs.item_dim], -1)
        of_user = tf.reduce_sum(of_user, axis=1, keepdims=True)  # One user, all pairs.
        of_user = spread_steps(overlaps[0], of_user)  # [B, 1, U]
        of_items = spread_steps(overlaps[1], of_items)  # [B, Q, I]
        num_pairs = tf.shape(of_items)[1]
        return tf.concat([tf.repeat(of_user, num_pairs, axis=1), of_items], axis=-1)


def entity_overlaps(
    entities: EntityEmbedding, rows: tf.Tensor, others: tf.Tensor
) -> list[tf.Tensor]:
    """Returns the overlap of entities with others, by each part of their embedding.

    Args:
        entities: Their embedding.
        rows: int32 [B, Q], rows of the entity table.
        others: int32 [B, S], rows of the entity table.

    Returns:
        One float32 [B, Q, S] for each feature, and one for the id if it is embedded.
    """
    columns = [
        (embedding, entities.encoded[embedding.feature.name])
        for embedding in entities.embeddings
    ]
    if entities.id_embedding is not None:
        columns.append((entities.id_embedding, entities.id_of_row))
    if not columns:  # Nothing is known of entities: their one unit is 0, and stays.
        return [tf.zeros([*tf.unstack(tf.shape(rows)), tf.shape(others)[1]])]
    return [
        feature_overlap(embedding, tf.gather(column, rows), tf.gather(column, others))
        for embedding, column in columns
    ]


def feature_overlap(
    embedding: FeatureEmbedding, encoded: tf.Tensor, others: tf.Tensor
) -> tf.Tensor:
    """Returns the overlap of entities with others by one feature.

    Args:
        embedding: Of the feature.
        encoded: int32 [B, Q, V] values of the vocabulary padded with 0, or
            float32 [B, Q] in the raw unit if the feature is numeric.
        others: int32 [B, S, V] or float32 [B, S], the same.

    Returns:
        float32 [B, Q, S], the product of two standardised numbers, or the share of
        equal ones among all pairs of values; 0 where nothing is known.
    """
    if embedding.feature.kind == "numeric":
        left, right = (standardise(embedding.feature, n) for n in (encoded, others))
        return left[:, :, tf.newaxis] * right[:, tf.newaxis, :]
    num_equal = _count_equal(encoded, others, embedding.feature.vocabulary_size)
    num_pairs = (
        _num_known(encoded)[:, :, tf.newaxis] * _num_known(others)[:, tf.newaxis]
    )
    return tf.math.divide_no_nan(num_equal, num_pairs)


def spread_steps(overlaps: list[tf.Tensor], steps: tf.Tensor) -> tf.Tensor:
    """Returns by how much embeddings move if others take steps.

    Args:
        overlaps: float32 [B, Q, S] for each part of an embedding.
        steps: float32 [B, S, I], of the embeddings of the others, parts of equal width.

    Returns:
        float32 [B, Q, I].
    """
    parts = tf.split(steps, len(overlaps), axis=-1)
    moves = [overlap @ part for overlap, part in zip(overlaps, parts, strict=True)]
    return tf.concat(moves, axis=-1)


def _num_known(encoded: tf.Tensor) -> tf.Tensor:
    """Counts the values of each entity, float32 [B, S]."""
    return tf.math.count_nonzero(encoded, axis=-1, dtype=tf.float32)


def _count_equal(
    encoded: tf.Tensor, others: tf.Tensor, vocabulary_size: int
) -> tf.Tensor:
    """Counts pairs of equal values, unknown ones apart, float32 [B, Q, S]."""
    num_values = encoded.shape[-1]
    if vocabulary_size < num_values**2:  # Then this is far less work.
        counts = [
            tf.reduce_sum(tf.one_hot(values - 1, vocabulary_size), axis=2)
            for values in (encoded, others)
        ]
        return tf.matmul(*counts, transpose_b=True)
    encoded = tf.where(encoded > 0, encoded, -1)
    return tf.add_n(
        [
            tf.cast(value[:, :, tf.newaxis] == other[:, tf.newaxis, :], tf.float32)
            for value in tf.unstack(encoded, num_values, axis=-1)
            for other in tf.unstack(others, num_values, axis=-1)
        ]
    )
