"""CMML: a recommender that adapts to a task by one forward pass over its support."""

from models.legacy_keras import tf  # isort: skip  Before anything that imports Keras.

from typing import NamedTuple, TypeAlias

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
from transforms.schema import UNKNOWN, DataError, DatasetInfo

LabelPrior: TypeAlias = ConstantPrior | FactorPrior


class Pairs(NamedTuple):
    """Embedded pairs of a support or query set.

    Attributes:
        user: float32 [B, 1, U], one user a task.
        items: float32 [B, S, I].
        units: float32 [B, S, prior.pair_dim], what the prior knows of each pair.
    """

    user: tf.Tensor
    items: tf.Tensor
    units: tf.Tensor


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
        num_pairs = tf.reduce_sum(tf.cast(mask, scores.dtype))
        self.mse.update_state(masked_squared_error(labels, scores, mask), num_pairs)
        return self.loss_function(labels, scores, mask)

    def adapt(self, support: Episode, training: bool = False) -> tf.Tensor:
        """Encodes each support set as a context, float32 [B, C]."""
        mask = support["support_mask"]
        users = tf.where(mask, support["support_user"], UNKNOWN)
        # A task is one user, embedded once; 0 if there is padding alone.
        user = tf.maximum(tf.reduce_max(users, axis=1, keepdims=True), UNKNOWN)
        pairs = Pairs(
            self.users(user),
            self.items(support["support_item"]),
            self.prior.units(users, support["support_item"], training),
        )
        return self.encode(pairs, support["support_label"], mask, training)

    def score(
        self, state: tf.Tensor, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs given the context of their task, float32 [B, Q]."""
        users, items = query["query_user"], query["query_item"]
        pairs = Pairs(
            self.users(users[:, :1]),  # One user a task, padding last.
            self.items(items),
            self.prior.units(users, items, training),
        )
        return self.modulated_score(state, pairs, training)

    def encode(
        self,
        pairs: Pairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Encodes support pairs as a context.

        Args:
            pairs: Embedded support pairs.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.

        Returns:
            float32 [B, C]: the context embedding, then the vector of the prior.
        """
        labels = tf.where(support_mask, labels, self.label_mean)  # Padding may be NaN.
        vector = self.prior.solve(pairs.units, labels, support_mask)
        expected = self.prior.expect(vector, pairs.units)
        surprise = (labels - expected) / self.label_std
        parts = self._parts(pairs, expected, training)
        context = self.encoder(parts, surprise, support_mask)
        return tf.concat([context, vector], axis=-1)

    def modulated_score(
        self, context: tf.Tensor, pairs: Pairs, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs with the backbone bent by the context.

        Args:
            context: float32 [B, C], as `encode` returns it.
            pairs: Embedded query pairs.
            training: Whether units are dropped.

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        width = self.backbone.input_dim
        context, vector = context[..., :width], context[..., width:]
        expected = self.prior.expect(vector, pairs.units)
        user, *others = self._parts(pairs, expected, training)
        shape = tf.concat([tf.shape(expected), [self.users.width]], axis=0)
        embedded = tf.concat([tf.broadcast_to(user, shape), *others], axis=-1)
        modulation = self.modulation(self.hybrid(context, embedded))
        return expected + self.label_std * self.backbone(embedded, modulation)

    def _parts(
        self, pairs: Pairs, expected: tf.Tensor, training: bool
    ) -> list[tf.Tensor]:
        """Parts of the pair embedding: user, item, and the label to be expected."""
        parts = [self.dropout(part, training=training) for part in pairs[:2]]
        if self.prior.num_evidence:
            evidence = (expected - self.label_mean) / self.label_std
            parts.append(evidence[..., tf.newaxis])
        return parts


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
