"""CMML: a recommender that adapts to a task by one forward pass over its support."""

from models.legacy_keras import tf  # isort: skip  Before anything that imports Keras.

from typing import TypeAlias

import tensorflow_recommenders as tfrs

from models.backbone import Backbone
from models.context_encoder import SequentialEncoder
from models.entity_table import EntityTable
from models.features import EntityEmbedding
from models.hybrid_context import DotHybrid
from models.label_prior import ConstantPrior, FactorPrior
from models.losses import LOSSES, masked_squared_error, task_absolute_error
from models.modulation import FiLMModulation
from models.options import CMMLOptions
from models.recommender import Episode, split_episode
from transforms.schema import DataError, DatasetInfo

LabelPrior: TypeAlias = ConstantPrior | FactorPrior


class CMML(tfrs.Model):
    """Contextual modulation meta-learning for the user-specific setting.

    `adapt` turns a support set into a context, `score` bends the backbone with it for
    each query pair; no gradient step is taken at adaptation time. The backbone adds
    to the label that the prior expects of the pair.

    Args:
        users: Embeds users.
        items: Embeds items.
        prior: What label is expected of a pair.
        options: Sizes and switches.
        label_mean: Mean of the meta-train labels, their zero inside.
        label_std: Their standard deviation, their unit inside.
        loss: "squared" or "absolute", what is minimised on the query set.
        seed: Seed of dropout and of the backbone.

    Raises:
        DataError: If pairs have neither features, nor ids, nor a prior to go by.

    Call arguments:
        episode: A batch of episodes.

    Returns:
        float32 [B, Q], in the unit of the labels.

    Source:
        CMML (arXiv:2108.10511) Fig. 1, Eq. 1-3. Deviations: labels and scores are
        standardised inside; the prior, unless it is constant.
    """

    def __init__(
        self,
        users: EntityEmbedding,
        items: EntityEmbedding,
        prior: LabelPrior,
        options: CMMLOptions,
        *,
        label_mean: float,
        label_std: float,
        loss: str = "squared",
        seed: int = 0,
    ) -> None:
        super().__init__(name="cmml")
        self.loss_function = LOSSES[loss]
        self.users = users
        self.items = items
        self.prior = prior
        self.label_mean = label_mean
        self.label_std = label_std
        pair_dim = users.width + items.width + prior.num_evidence
        if not pair_dim:
            raise DataError(
                "a pair must have something to be told by, got users and items without "
                "features: give them features, set model.item_id, or model.prior to "
                "'factors'."
            )
        # One mask for all pairs of a set; its generator is saved, so that a resumed
        # training goes on as if it had not stopped.
        self.dropout = tf.keras.layers.Dropout(
            options.dropout, noise_shape=(None, 1, None), seed=seed, rng_type="stateful"
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
        self.mse = tf.keras.metrics.Mean(name="mse")

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """Mean over tasks of the mean absolute error, and mean squared error."""
        return [self.mae, self.mse]

    def call(self, episode: Episode, training: bool = False) -> tf.Tensor:
        """Adapts to the support set and scores the query set."""
        support, query = split_episode(episode)
        return self.score(self.adapt(support, training), query, training)

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Error on the query set, as `fit` and `evaluate` ask for it."""
        scores = self(inputs, training=training)
        labels, mask = inputs["query_label"], inputs["query_mask"]
        self.mae.update_state(
            task_absolute_error(labels, scores, mask), tf.reduce_any(mask, axis=-1)
        )
        self.mse.update_state(masked_squared_error(labels, scores, mask))
        return self.loss_function(labels, scores, mask)

    def adapt(self, support: Episode, training: bool = False) -> tf.Tensor:
        """Encodes each support set as a context, float32 [B, C]."""
        pairs = self._pairs(support, "support", training)
        return self.encode(
            pairs, support["support_label"], support["support_mask"], training
        )

    def score(
        self, state: tf.Tensor, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs given the context of their task, float32 [B, Q]."""
        pairs = self._pairs(query, "query", training)
        return self.modulated_score(state, pairs, training)

    def _pairs(self, episode: Episode, role: str, training: bool) -> tf.Tensor:
        users, items = episode[f"{role}_user"], episode[f"{role}_item"]
        units = self.prior.units(users, items, training)
        return self.pair(
            self.users(users), tf.concat([self.items(items), units], axis=-1)
        )

    def item_vectors(self) -> tf.Tensor:
        """What `pair` wants of every item of the catalogue, float32 [N + 1, width]."""
        rows = tf.range(self.items.num_rows)
        return tf.concat(
            [self.items.embed_rows(rows), self.prior.units(rows, rows)], axis=-1
        )

    def pair(self, users: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """Joins users and items.

        Args:
            users: float32 [B, S, users.width], or [B, 1, users.width] for all pairs.
            items: float32 [B, S, ...], as `item_vectors` has them.

        Returns:
            float32 [B, S, D + prior.pair_dim], the units of the prior last.
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
        """Encodes support pairs as a context.

        Args:
            pairs: float32 [B, S, ...], as `pair` joins them.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.

        Returns:
            float32 [B, C]: the context embedding, then the vector of the prior.
        """
        labels = tf.where(support_mask, labels, self.label_mean)  # Padding may be NaN.
        embedded, units = self._split(pairs)
        vector = self.prior.solve(units, labels, support_mask)
        embedded, expected = self._with_evidence(embedded, units, vector, training)
        surprise = (labels - expected) / self.label_std
        context = self.encoder(embedded, surprise, support_mask)
        return tf.concat([context, vector], axis=-1)

    def modulated_score(
        self, context: tf.Tensor, pairs: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs with the backbone bent by the context.

        Args:
            context: float32 [B, C], as `encode` returns it.
            pairs: float32 [B, Q, ...], as `pair` joins them.
            training: Whether units are dropped.

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        embedded, units = self._split(pairs)
        width = self.backbone.input_dim
        context, vector = context[..., :width], context[..., width:]
        embedded, expected = self._with_evidence(embedded, units, vector, training)
        modulation = self.modulation(self.hybrid(context, embedded))
        return expected + self.label_std * self.backbone(embedded, modulation)

    def _split(self, pairs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Separates the embedding of pairs from the units of the prior."""
        width = self.users.width + self.items.width
        return pairs[..., :width], pairs[..., width:]

    def _with_evidence(
        self, embedded: tf.Tensor, units: tf.Tensor, vector: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Appends the expected label to the embedding, and returns it beside."""
        embedded = self.dropout(embedded, training=training)
        expected = self.prior.expect(vector, units)
        if self.prior.num_evidence:
            evidence = (expected - self.label_mean) / self.label_std
            embedded = tf.concat([embedded, evidence[..., tf.newaxis]], axis=-1)
        return embedded, expected


def build_cmml(
    info: DatasetInfo,
    users: EntityTable,
    items: EntityTable,
    options: CMMLOptions,
    *,
    loss: str = "squared",
    seed: int = 0,
) -> CMML:
    """Assembles a CMML with fresh weights for a prepared data set.

    Args:
        info: The data set.
        users: Its user table.
        items: Its item table.
        options: Sizes and switches.
        loss: "squared" or "absolute".
        seed: Seed of the initial weights and of dropout.
    """
    tf.keras.utils.set_random_seed(seed)
    prior: LabelPrior = ConstantPrior(info.label_mean)
    if options.prior == "factors":
        prior = FactorPrior(info.num_users, info.num_items, rank=options.prior_rank)
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
        prior,
        options,
        label_mean=info.label_mean,
        label_std=info.label_std,
        loss=loss,
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
