"""Embeddings of users and items from their features and ids."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.episodes.entity_table import EntityTable, mean_of_known, standardise
from models.joined_parts import join
from models.legacy_keras import tf
from transforms.schema import Feature


class FeatureEmbedding(tf.keras.layers.Layer):
    """Embeds one encoded feature of an entity.

    A categorical value has a row of its own, several values are averaged, a number is
    standardised, cut where what was learnt from ends, and scaled along a learned
    direction. Row 0, unknown, is the zero vector, as is an empty list of values.

    Args:
        feature: What the feature is.
        embedding_dim: Width of the embedding.
        seed: Seed of the initial weights.

    Call arguments:
        encoded: int32 [N, V] values of the vocabulary padded with 0, or float32 [N]
            in the raw unit if the feature is numeric.

    Returns:
        float32 [N, embedding_dim].

    Source:
        CMML (arXiv:2108.10511) section 4.1 and MeLU: one embedding per feature,
        several values averaged.
    """

    def __init__(
        self,
        feature: Feature,
        embedding_dim: int,
        *,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=feature.name, **kwargs)
        self.feature = feature
        rows = 1 if feature.kind == "numeric" else feature.vocabulary_size + 1
        self.table = self.add_weight(
            "table",
            shape=[rows, embedding_dim],
            initializer=tf.keras.initializers.RandomNormal(stddev=0.05, seed=seed),
        )

    def call(self, encoded: tf.Tensor) -> tf.Tensor:
        """Looks up, or scales, the values."""
        if self.feature.kind == "numeric":
            return tf.expand_dims(standardise(self.feature, encoded), 1) * self.table
        return mean_of_known(tf.gather(self.table, encoded), encoded)


class EntityEmbedding(tf.keras.layers.Layer):
    """Embeds users or items from their features, and perhaps their id.

    Args:
        table: Encoded features of every entity.
        embedding_dim: Width of the embedding of each feature.
        min_id_count: Entities seen in fewer training pairs share the unknown id;
            None for no id embedding.
        seed: Seed of the initial weights.

    Call arguments:
        rows: int32 [...], rows of the entity table; 0 is unknown.

    Returns:
        float32 [..., width].
    """

    def __init__(
        self,
        table: EntityTable,
        embedding_dim: int,
        *,
        min_id_count: int | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_rows = table.num_rows
        self.encoded = {n: tf.constant(v) for n, v in table.encoded.items()}
        self.embeddings = [
            FeatureEmbedding(feature, embedding_dim, seed=seed + i)
            for i, feature in enumerate(table.features)
        ]
        self.id_embedding = None
        if min_id_count is not None:
            rows = np.arange(table.num_rows, dtype=np.int32)
            trained = np.where(table.counts >= min_id_count, rows, 0)
            self.id_of_row = tf.constant(trained[:, np.newaxis])  # [N + 1, 1]
            self.id_embedding = FeatureEmbedding(
                Feature("id", "categorical", vocabulary_size=table.num_rows - 1),
                embedding_dim,
                seed=seed + len(table.features),
            )
        self.width = embedding_dim * (len(table.features) + (min_id_count is not None))

    def call(self, rows: tf.Tensor) -> tf.Tensor:
        """Embeds each different row once."""
        distinct, positions = tf.unique(tf.reshape(rows, [-1]))
        embedded = tf.gather(self.embed_rows(distinct), positions)
        shape = tf.concat([tf.shape(rows), [self.width]], axis=0)
        return tf.ensure_shape(tf.reshape(embedded, shape), [*rows.shape, self.width])

    def embed_rows(self, rows: tf.Tensor) -> tf.Tensor:
        """Embeds int32 [N] rows of the table as float32 [N, width]."""
        encoded = {name: tf.gather(v, rows) for name, v in self.encoded.items()}
        parts = self.embed_features(encoded)
        if self.id_embedding is not None:
            parts.append(self.id_embedding(tf.gather(self.id_of_row, rows)))
        return join([tf.zeros([tf.size(rows), 0]), *parts])

    def embed_features(self, encoded: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
        """Embeds entities that need not be in the table, from features alone.

        Args:
            encoded: By feature name, int32 [N, V] or float32 [N].

        Returns:
            One float32 [N, embedding_dim] per feature, in the order of the table.
        """
        return [embed(encoded[embed.feature.name]) for embed in self.embeddings]


def embed_entities(
    users: EntityTable,
    items: EntityTable,
    embedding_dim: int,
    *,
    min_item_count: int,
    item_id: bool,
    seed: int = 0,
) -> tuple[EntityEmbedding, EntityEmbedding]:
    """Makes fresh embeddings of users and items.

    Args:
        users: The user table.
        items: The item table.
        embedding_dim: Width of the embedding of each feature.
        min_item_count: Items seen in fewer training pairs share the unknown id.
        item_id: Whether items have an id embedding.
        seed: Seed of the initial weights.
    """
    return (
        EntityEmbedding(users, embedding_dim, seed=seed, name="users"),
        EntityEmbedding(
            items,
            embedding_dim,
            min_id_count=min_item_count if item_id else None,
            seed=seed + len(users.features),
            name="items",
        ),
    )
