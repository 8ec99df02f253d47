"""CMML: a recommender that adapts to a task by one forward pass over its support."""

from models.legacy_keras import tf  # isort: skip  Before anything that imports Keras.

import tensorflow_recommenders as tfrs

from models.backbone import Backbone
from models.context_encoder import SequentialEncoder
from models.entity_table import EntityTable
from models.features import EntityEmbedding
from models.hybrid_context import DotHybrid
from models.losses import masked_squared_error, task_absolute_error
from models.modulation import FiLMModulation
from models.options import CMMLOptions
from models.recommender import Episode, split_episode
from transforms.schema import DatasetInfo


class CMML(tfrs.Model):
    """Contextual modulation meta-learning for the user-specific setting.

    `adapt` turns a support set into a context embedding, `score` bends the backbone
    with it for each query pair; no gradient step is taken at adaptation time.

    Args:
        users: Embeds users.
        items: Embeds items; its last unit is the item bias if it has ids.
        options: Sizes and switches.
        label_mean: Mean meta-train label, the centre of scores and labels.
        label_std: Standard deviation of the meta-train labels, their unit inside.

    Call arguments:
        episode: A batch of episodes.

    Returns:
        float32 [B, Q], in the unit of the labels.

    Source:
        CMML (arXiv:2108.10511) Fig. 1, Eq. 1-3. Deviations: labels and scores are
        standardised inside; an item bias is part of the pair embedding and is added
        to the score.
    """

    def __init__(
        self,
        users: EntityEmbedding,
        items: EntityEmbedding,
        options: CMMLOptions,
        *,
        label_mean: float,
        label_std: float,
        seed: int = 0,
    ) -> None:
        super().__init__(name="cmml")
        self.users = users
        self.items = items
        self.label_mean = label_mean
        self.label_std = label_std
        pair_dim = users.width + items.width
        self.dropout = tf.keras.layers.Dropout(
            options.dropout, seed=seed, rng_type="stateful"
        )
        self.encoder = SequentialEncoder(
            pair_dim, encoder_dim=options.encoder_dim, label_dim=options.label_dim
        )
        self.hybrid = DotHybrid()
        self.modulation = FiLMModulation(
            options.hidden_dims, modulation_dim=options.modulation_dim
        )
        self.backbone = Backbone(pair_dim, options.hidden_dims, seed=seed)
        self.mae = tf.keras.metrics.Mean(name="mae")

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """Mean over tasks of the mean absolute error."""
        return [self.mae]

    def call(self, episode: Episode, training: bool = False) -> tf.Tensor:
        """Adapts to the support set and scores the query set."""
        support, query = split_episode(episode)
        return self.score(self.adapt(support, training), query, training)

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Squared error on the query set, as `fit` and `evaluate` ask for it."""
        scores = self(inputs, training=training)
        labels, mask = inputs["query_label"], inputs["query_mask"]
        self.mae.update_state(
            task_absolute_error(labels, scores, mask), tf.reduce_any(mask, axis=-1)
        )
        return masked_squared_error(labels, scores, mask)

    def adapt(self, support: Episode, training: bool = False) -> tf.Tensor:
        """Encodes each support set as a context embedding, float32 [B, C]."""
        pairs = self.pair(
            self.users(support["support_user"]), self.items(support["support_item"])
        )
        return self.encode(
            pairs, support["support_label"], support["support_mask"], training
        )

    def score(
        self, state: tf.Tensor, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs given the context embedding of their task."""
        pairs = self.pair(
            self.users(query["query_user"]), self.items(query["query_item"])
        )
        return self.modulated_score(state, pairs, training)

    def pair(self, users: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """Joins embedded users and items.

        Args:
            users: float32 [B, S, users.width], or [B, 1, users.width] for all pairs.
            items: float32 [B, S, items.width].

        Returns:
            float32 [B, S, D], the item's units last.
        """
        shape = tf.concat([tf.shape(items)[:-1], [self.users.width]], axis=0)
        return tf.concat([tf.broadcast_to(users, shape), items], axis=-1)

    def encode(
        self,
        pairs: tf.Tensor,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Encodes embedded support pairs as a context embedding.

        Args:
            pairs: float32 [B, S, D].
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.

        Returns:
            float32 [B, C].
        """
        standardised = (labels - self.label_mean) / self.label_std
        pairs = self.dropout(pairs, training=training)
        return self.encoder(pairs, standardised, support_mask)

    def modulated_score(
        self, context: tf.Tensor, pairs: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Scores embedded query pairs with the backbone bent by the context.

        Args:
            context: float32 [B, C].
            pairs: float32 [B, Q, D].
            training: Whether units are dropped.

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        bias = pairs[..., -1] if self.items.has_id else 0.0
        pairs = self.dropout(pairs, training=training)
        modulation = self.modulation(self.hybrid(context, pairs))
        scores = self.backbone(pairs, modulation) + bias
        return self.label_mean + self.label_std * scores


def build_cmml(
    info: DatasetInfo,
    users: EntityTable,
    items: EntityTable,
    options: CMMLOptions,
    *,
    seed: int = 0,
) -> CMML:
    """Assembles a CMML with fresh weights for a prepared data set.

    Args:
        info: The data set.
        users: Its user table.
        items: Its item table.
        options: Sizes and switches.
        seed: Seed of the initial weights and of dropout.
    """
    tf.keras.utils.set_random_seed(seed)
    min_id_count = info.options["min_item_count"] if options.item_id else None
    model = CMML(
        EntityEmbedding(users, options.embedding_dim, seed=seed, name="users"),
        EntityEmbedding(
            items,
            options.embedding_dim,
            min_id_count=min_id_count,
            seed=seed + len(users.features),
            name="items",
        ),
        options,
        label_mean=info.label_mean,
        label_std=info.label_std,
        seed=seed,
    )
    model(_one_empty_episode())
    return model


def _one_empty_episode() -> dict[str, tf.Tensor]:
    """An episode that makes a model create its weights."""
    rows, labels = tf.zeros([1, 1], tf.int32), tf.zeros([1, 1])
    episode: dict[str, tf.Tensor] = {}
    for role in ("support", "query"):
        episode |= {f"{role}_user": rows, f"{role}_item": rows}
        episode |= {f"{role}_label": labels, f"{role}_mask": rows > 0}
    return episode
