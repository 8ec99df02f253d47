"""How far a step on the embedding of one entity moves that of another.

Two entities that share values of a feature share rows of its table. An embedding is a
mean of rows, or a multiple of the one row of a number: a step on one of them moves the
other by the inner product of their coefficients. So no task needs a copy of a table.
"""

from models.episodes.entity_table import standardise
from models.legacy_keras import tf
from models.pairs.features import EntityEmbedding, FeatureEmbedding


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
