"""CMML: a recommender that adapts to a task by one forward pass over its support."""

from typing import NamedTuple, TypeAlias

from models.episodes.entity_table import EntityTable
from models.factors.item_factors import ItemFactors, NoFactors
from models.legacy_keras import tf, tfrs
from models.objectives.rating_losses import (
    LOSSES,
    masked_squared_error,
    task_absolute_error,
)
from models.options import CMMLOptions
from models.pairs.features import EntityEmbedding
from models.parts.family import build_members
from models.parts.modulation import ModulationValues
from models.recommender import Episode, one_empty_episode, split_episode
from transforms.schema import UNKNOWN, DataError, DatasetInfo

Factors: TypeAlias = ItemFactors | NoFactors


class Pairs(NamedTuple):
    """Embedded pairs of a support or query set.

    Attributes:
        user: float32 [B, 1, U], one user a task.
        items: float32 [B, S, I].
        units: float32 [B, S, factors.unit_dim], what collaborative filtering knows of
            each pair.
    """

    user: tf.Tensor
    items: tf.Tensor
    units: tf.Tensor


class TaskState(NamedTuple):
    """What is known of each task after its support set.

    Attributes:
        context: float32 [B, D], the context embedding, as wide as a pair.
        user_factors: float32 [B, K], solved from the support set; K is 0 where there
            are no factors.
    """

    context: tf.Tensor
    user_factors: tf.Tensor


class CMML(tfrs.Model):
    """Contextual modulation meta-learning for the user-specific setting.

    `adapt` turns a support set into a context, `score` bends the backbone with it for
    each query pair; no gradient step is taken at adaptation time. The backbone adds
    to the label that the prior expects of the pair.

    Args:
        users: Embeds users.
        items: Embeds items.
        factors: What collaborative filtering knows of items.
        options: Members, sizes and switches.
        label_mean: Mean of the meta-train labels, their zero inside.
        label_std: Their standard deviation, their unit inside.
        loss: "squared" or "absolute", what is minimised on the query set.
        seed: Seed of dropout and of the backbone.

    Raises:
        DataError: If pairs have neither features, nor ids, nor factors to go by.

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
        factors: Factors,
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
        self.factors = factors
        self.label_mean = label_mean
        self.label_std = label_std
        self.has_prior = options.prior == "factors"
        self.has_fixed = options.embeddings != "learned"
        self.detaches_support = options.detach_support
        self.sees_negatives = options.negatives
        pair_dim = users.width + items.width + self.has_prior
        pair_dim += self.has_fixed * (factors.vector_dim + factors.unit_dim)
        if not pair_dim:
            raise DataError(
                "a pair must have something to be told by, got users and items without "
                "features: give them features, set model.item_id, or let factors tell: "
                "model.prior = 'factors' or model.embeddings = 'fixed'."
            )
        # One mask for all pairs of a set; its generator is saved, so that a resumed
        # training goes on as if it had not stopped.
        self.dropout = tf.keras.layers.Dropout(
            options.dropout, noise_shape=(None, 1, None), seed=seed, rng_type="stateful"
        )
        members = build_members(options, pair_dim, seed)
        self.encoder, self.hybrid, self.modulation, self.backbone = members
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

    def adapt(self, support: Episode, training: bool = False) -> TaskState:
        """Encodes each support set."""
        mask = support["support_mask"]
        users = tf.where(mask, support["support_user"], UNKNOWN)
        # A task is one user: that of its real pairs, wherever padding stands.
        pairs = self._embed_pairs(users, users, support["support_item"], training)
        return self.encode(pairs, support["support_label"], mask, training)

    def score(
        self, state: TaskState, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs given the state of their task, float32 [B, Q]."""
        return self.modulated_score(state, self.query_pairs(query, training), training)

    def query_pairs(self, query: Episode, training: bool = False) -> Pairs:
        """Embeds query pairs, as `modulated_score` and `modulate` take them."""
        users = query["query_user"]
        first = users[:, :1]  # The padding comes last.
        return self._embed_pairs(first, users, query["query_item"], training)

    def _embed_pairs(
        self, user: tf.Tensor, users: tf.Tensor, items: tf.Tensor, training: bool
    ) -> Pairs:
        """Embeds pairs [B, S]; the user of a task, the largest row of `user`, once."""
        # The lowest integer if there is not even padding.
        user = tf.maximum(tf.reduce_max(user, axis=1, keepdims=True), UNKNOWN)
        units = self.factors.units(users, items, training)
        return Pairs(self.users(user), self.items(items), units)

    def encode(
        self,
        pairs: Pairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> TaskState:
        """Encodes support pairs.

        Args:
            pairs: Embedded support pairs.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.
        """
        user_factors, inputs = self._encoder_inputs(
            pairs, labels, support_mask, training
        )
        return TaskState(self.encoder(*inputs, training), user_factors)

    @property
    def can_advance(self) -> bool:
        """Whether `advance` adds pairs to a memory of the pairs before them.

        Not so if user factors are solved from the support set, since each new pair then
        changes how all of them are seen.
        """
        return self.encoder.can_advance and not self.factors.vector_dim

    def advance(
        self,
        memory: tf.Tensor,
        pairs: Pairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> tf.Tensor:
        """Adds support pairs to what the encoder remembers; arguments as of `encode`.

        Args:
            memory: float32 [B, encoder.memory_dim], zeros before the first pair.
            pairs: Embedded support pairs.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.

        Returns:
            The memory after them.
        """
        _, inputs = self._encoder_inputs(pairs, labels, support_mask, training=False)
        return self.encoder.advance(memory, *inputs)

    def recall(self, memory: tf.Tensor) -> TaskState:
        """Returns the state after the pairs that a memory was advanced by."""
        return TaskState(self.encoder.read(memory), tf.zeros([tf.shape(memory)[0], 0]))

    def _encoder_inputs(
        self,
        pairs: Pairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool,
    ) -> tuple[tf.Tensor, tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]]:
        """Returns user factors; parts of pairs, surprises and mask for the encoder."""
        labels = tf.where(support_mask, labels, self.label_mean)  # Padding may be NaN.
        user_factors = self.factors.solve(pairs.units, labels, support_mask)
        expected = self._expect(user_factors, pairs.units)
        surprise = (labels - expected) / self.label_std
        parts = self._parts(pairs, user_factors, expected, training)
        if self.detaches_support:
            parts = [tf.stop_gradient(part) for part in parts]
        if not self.sees_negatives:
            support_mask &= labels >= self.label_mean
        return user_factors, (parts, surprise, support_mask)

    def modulated_score(
        self, state: TaskState, pairs: Pairs, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs with the backbone bent by the context.

        Args:
            state: As `encode` returns it.
            pairs: Embedded query pairs.
            training: Whether units are dropped.

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        parts, expected = self._embed(state, pairs, training)
        modulation = self.modulation(self.hybrid(state.context, parts))
        return expected + self.label_std * self.backbone(parts, modulation)

    def prior(self, state: TaskState, pairs: Pairs) -> tf.Tensor:
        """Returns what the backbone adds to, float32 [B, Q]; arguments as above."""
        return self._expect(state.user_factors, pairs.units)

    def modulate(self, state: TaskState, pairs: Pairs) -> ModulationValues:
        """Returns what the context changes of the backbone, pair by pair, as values.

        Args:
            state: As `encode` returns it.
            pairs: Embedded query pairs.

        Returns:
            The values of the modulation network, each [B, Q, ...], or [B, 1, ...] if
            alike for all pairs of a task: see `models.parts.modulation`.
        """
        parts, _ = self._embed(state, pairs, training=False)
        return self.modulation(self.hybrid(state.context, parts))

    def _embed(
        self, state: TaskState, pairs: Pairs, training: bool
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Returns parts of the pairs, and the labels to be expected [B, Q]."""
        expected = self._expect(state.user_factors, pairs.units)
        return self._parts(pairs, state.user_factors, expected, training), expected

    def _expect(self, user_factors: tf.Tensor, units: tf.Tensor) -> tf.Tensor:
        """Expects a label of each pair, float32 [B, Q], before the backbone does."""
        if self.has_prior:
            return self.factors.expect(user_factors, units)
        return tf.fill(tf.shape(units)[:-1], self.label_mean)

    def _parts(
        self, pairs: Pairs, user_factors: tf.Tensor, expected: tf.Tensor, training: bool
    ) -> list[tf.Tensor]:
        """Parts of the pair embedding, [B, 1, D_i] or [B, S, D_i]."""
        learned = pairs.user, pairs.items
        parts = [self.dropout(part, training=training) for part in learned]
        if self.has_fixed:
            factors, item_label = pairs.units[..., :-1], pairs.units[..., -1:]
            parts += [user_factors[:, tf.newaxis, :], factors / self.label_std]
            parts.append((item_label - self.label_mean) / self.label_std)
        if self.has_prior:
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
        options: Members, sizes and switches.
        loss: "squared" or "absolute".
        seed: Seed of the initial weights and of dropout.
    """
    tf.keras.utils.set_random_seed(seed)
    factors: Factors = NoFactors()
    if options.prior == "factors" or options.embeddings != "learned":
        factors = ItemFactors(info.num_users, info.num_items, rank=options.prior_rank)
    if options.embeddings == "fixed":
        users, items = users.without_features(), items.without_features()
    has_ids = options.item_id and options.embeddings != "fixed"
    model = CMML(
        EntityEmbedding(users, options.embedding_dim, seed=seed, name="users"),
        EntityEmbedding(
            items,
            options.embedding_dim,
            min_id_count=info.options["min_item_count"] if has_ids else None,
            seed=seed + len(users.features),
            name="items",
        ),
        factors,
        options,
        label_mean=info.label_mean,
        label_std=info.label_std,
        loss=loss,
        seed=seed,
    )
    model(one_empty_episode())
    return model
