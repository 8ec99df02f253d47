"""CMML in the scenario-specific setting: it ranks items of a scenario for its users."""

import numpy as np

from models.factors.vectors import Vectors
from models.legacy_keras import tf, tfrs
from models.objectives.ranking_losses import RankingLoss, margin_loss, pair_accuracy
from models.options import ScenarioOptions
from models.pairs.vector_tables import (
    VectorPairs,
    VectorTables,
    dot_product,
    one_over_rms,
)
from models.parts.family import build_members
from models.parts.modulation import ModulationValues
from models.recommender import Episode, one_empty_episode, split_episode

# At the start the backbone hardly changes the order of the dot product.
_SMALL = 0.05


class ScenarioCMML(tfrs.Model):
    """Contextual modulation meta-learning for the scenario-specific setting.

    `adapt` turns the clicks and negatives of a scenario into a context, `score` bends
    the backbone with it for each query pair. Users and items come as vectors of
    collaborative filtering, which are not trained. The backbone adds to the dot product
    of the two vectors, unless that prior is switched off.

    Args:
        vectors: Of users and items.
        options: Members, sizes and switches.
        loss: What is minimised on the query set.
        query_negatives: R, negatives behind each click of a training query.
        seed: Seed of dropout and of the backbone.

    Call arguments:
        episode: A batch of episodes.

    Returns:
        float32 [B, Q]; only the order within a scenario means something.

    Source:
        CMML (arXiv:2108.10511) Fig. 1, Eq. 1-4. Deviations: the prior, and the product
        of the vectors in the pair embedding, unless they are switched off.
    """

    def __init__(
        self,
        vectors: Vectors,
        options: ScenarioOptions,
        *,
        loss: RankingLoss | None = None,
        query_negatives: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(name="cmml")
        self.loss_function = loss or margin_loss(1.0)
        self.group_size = 1 + query_negatives
        self.has_prior = options.prior == "dot"
        self.has_product = options.product
        self.sees_negatives = options.negatives
        # Out of sight of Keras: they are no weights, and stand on disk already.
        tables = VectorTables(vectors)
        self._look_up = lambda half, role: tables.look_up(half, role)
        width = vectors.users.shape[-1]
        self.user_scale = _scale(vectors.users, "user_scale")
        self.item_scale = _scale(vectors.items, "item_scale")
        if self.has_prior:
            self.prior_scale = tf.Variable(1.0, name="prior_scale")
            self.backbone_scale = tf.Variable(_SMALL, name="backbone_scale")
        pair_dim = (2 + self.has_product) * width + self.has_prior
        self.dropout = tf.keras.layers.Dropout(
            options.dropout, noise_shape=(None, 1, None), seed=seed, rng_type="stateful"
        )
        members = build_members(options, pair_dim, seed)
        self.encoder, self.hybrid, self.modulation, self.backbone = members
        self.accuracy = tf.keras.metrics.Mean(name="pair_accuracy")

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """Mean over batches of the share of negatives that score below their click."""
        return [self.accuracy]

    def call(self, episode: Episode, training: bool = False) -> tf.Tensor:
        """Adapts to the support set and scores the query set."""
        support, query = split_episode(episode)
        return self.score(self.adapt(support, training), query, training)

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Loss of the query set, as `fit` asks for it."""
        scores = self(inputs, training=training)
        batch = tf.shape(scores)[0]
        scores = tf.reshape(scores, [batch, -1, self.group_size])
        mask = tf.reshape(inputs["query_mask"], [batch, -1, self.group_size])[..., 0]
        self.accuracy.update_state(pair_accuracy(scores, mask))
        return self.loss_function(scores, mask)

    def adapt(self, support: Episode, training: bool = False) -> tf.Tensor:
        """Encodes each support set as a context float32 [B, D]."""
        mask = support["support_mask"]
        pairs = self._look_up(support, "support")
        return self.encode(pairs, support["support_label"], mask, training)

    def score(
        self, state: tf.Tensor, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs given the context of their task, float32 [B, Q]."""
        return self.modulated_score(state, self.query_pairs(query), training)

    def query_pairs(self, query: Episode) -> VectorPairs:
        """Looks query pairs up, as `modulated_score` and `modulate` take them."""
        return self._look_up(query, "query")

    def encode(
        self,
        pairs: VectorPairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Encodes support pairs.

        Args:
            pairs: Their vectors.
            labels: float32 [B, S], 1 for a click and 0 for none.
            support_mask: bool [B, S], False for padding.
            training: Whether units are dropped.

        Returns:
            float32 [B, D], a context as wide as a pair.
        """
        inputs = self._encoder_inputs(pairs, labels, support_mask, training)
        return self.encoder(*inputs, training)

    @property
    def can_advance(self) -> bool:
        """Whether `advance` adds pairs to a memory of the pairs before them."""
        return self.encoder.can_advance

    def advance(
        self,
        memory: tf.Tensor,
        pairs: VectorPairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> tf.Tensor:
        """Adds support pairs to what the encoder remembers.

        Args:
            memory: float32 [B, encoder.memory_dim], zeros before the first pair.
            pairs: Vectors of the support pairs.
            labels: float32 [B, S], 1 for a click and 0 for none.
            support_mask: bool [B, S], False for padding.

        Returns:
            The memory after them.
        """
        inputs = self._encoder_inputs(pairs, labels, support_mask, training=False)
        return self.encoder.advance(memory, *inputs)

    def recall(self, memory: tf.Tensor) -> tf.Tensor:
        """Returns the context after the pairs that a memory was advanced by."""
        return self.encoder.read(memory)

    def _encoder_inputs(
        self,
        pairs: VectorPairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool,
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """Returns parts of pairs, signs of labels and the mask for the encoder."""
        labels = tf.where(support_mask, labels, 0.0)
        if not self.sees_negatives:
            support_mask &= labels > 0.5
        return self._parts(pairs, training), 2.0 * labels - 1.0, support_mask

    def modulated_score(
        self, context: tf.Tensor, pairs: VectorPairs, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs with the backbone bent by the context.

        Args:
            context: float32 [B, D], as `encode` returns it.
            pairs: Vectors of the query pairs.
            training: Whether units are dropped.

        Returns:
            float32 [B, Q].
        """
        parts = self._parts(pairs, training)
        modulation = self.modulation(self.hybrid(context, parts))
        scores = self.backbone(parts, modulation)
        if self.has_prior:
            return self.prior(context, pairs) + self.backbone_scale * scores
        return scores

    def prior(self, context: tf.Tensor, pairs: VectorPairs) -> tf.Tensor:
        """Returns what the backbone adds to, float32 [B, Q]; arguments as above."""
        del context
        if self.has_prior:
            return self.prior_scale * dot_product(pairs)
        return tf.zeros(tf.shape(pairs.item)[:-1])

    def modulate(self, context: tf.Tensor, pairs: VectorPairs) -> ModulationValues:
        """Returns what the context changes of the backbone, pair by pair, as values.

        Args:
            context: float32 [B, D], as `encode` returns it.
            pairs: Vectors of the query pairs.

        Returns:
            The values of the modulation network, each [B, Q, ...], or [B, 1, ...] if
            alike for all pairs of a task: see `models.parts.modulation`.
        """
        return self.modulation(self.hybrid(context, self._parts(pairs, training=False)))

    def _parts(self, pairs: VectorPairs, training: bool) -> list[tf.Tensor]:
        """Parts of the pair embedding, float32 [B, S, D_i] each, of unit size."""
        user, item = pairs.user * self.user_scale, pairs.item * self.item_scale
        parts = [user, item]
        if self.has_product:
            parts.append(user * item)
        parts = [self.dropout(part, training=training) for part in parts]
        if self.has_prior:
            parts.append(dot_product(pairs)[..., tf.newaxis])
        return parts


def build_scenario_cmml(
    vectors: Vectors,
    options: ScenarioOptions,
    *,
    loss: RankingLoss | None = None,
    query_negatives: int = 1,
    seed: int = 0,
) -> ScenarioCMML:
    """Assembles a CMML with fresh weights; arguments as of `ScenarioCMML`."""
    tf.keras.utils.set_random_seed(seed)
    model = ScenarioCMML(
        vectors, options, loss=loss, query_negatives=query_negatives, seed=seed
    )
    model(one_empty_episode())
    return model


def _scale(table: np.ndarray, name: str) -> tf.Variable:
    """Returns what brings the units of vectors to a root mean square of 1."""
    return tf.Variable(one_over_rms(table[0, 1:]), trainable=False, name=name)
