"""CMML: a recommender that adapts to a task by one forward pass over its support."""

from typing import NamedTuple, TypeAlias

from models.episode_model import EpisodeModel
from models.legacy_keras import tf
from models.objectives.objective import Objective
from models.options import MemberOptions
from models.pairs.pair_embedding import PairEmbedding, Pairs
from models.parts.family import build_members
from models.parts.modulation import ModulationValues
from models.recommender import Episode

# Parts of pairs, surprises of labels and mask, as context encoders take them.
EncoderInputs: TypeAlias = tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]


class TaskState(NamedTuple):
    """What is known of each task after its support set.

    Attributes:
        context: float32 [B, D], the context embedding, as wide as a pair.
        user_factors: float32 [B, K], solved from the support set; K is 0 where there
            are none to be solved for.
    """

    context: tf.Tensor
    user_factors: tf.Tensor


class CMML(EpisodeModel):
    """Contextual modulation meta-learning.

    `adapt` turns a support set into a context, `score` modulates the backbone with it
    for each query pair; no gradient step is taken at adaptation time. The backbone adds
    to what the prior expects of the pair.

    Args:
        pairs: Looks pairs up, embeds them and has the prior.
        objective: What is learned.
        options: Members, sizes and switches.
        seed: Seed of the backbone.

    Call arguments:
        episode: A batch of episodes.

    Returns:
        float32 [B, Q], in the unit of the labels; of clicks, only the order within a
        task means something.

    Source:
        CMML (arXiv:2108.10511) Fig. 1, Eq. 1-5. Deviations: labels and scores are
        standardised inside; the prior, unless it is constant.
    """

    def __init__(
        self,
        pairs: PairEmbedding,
        objective: Objective,
        options: MemberOptions,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(objective, name="cmml")
        self.pairs = pairs
        self.sees_negatives = options.negatives
        members = build_members(options, pairs.width, seed)
        self.encoder, self.hybrid, self.modulation, self.backbone = members

    def adapt(self, support: Episode, training: bool = False) -> TaskState:
        """Encodes each support set."""
        pairs = self.pairs.support_pairs(support, training)
        labels, mask = support["support_label"], support["support_mask"]
        return self.encode(pairs, labels, mask, training)

    def score(
        self, state: TaskState, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs given the state of their task, float32 [B, Q]."""
        pairs = self.pairs.query_pairs(query, training)
        return self.modulated_score(state, pairs, training)

    def encode(
        self,
        pairs: Pairs,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> TaskState:
        """Encodes support pairs.

        Args:
            pairs: Support pairs, as `pairs` looks them up.
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
        return self.encoder.can_advance and not self.pairs.num_factors

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
            pairs: Support pairs.
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
    ) -> tuple[tf.Tensor, EncoderInputs]:
        """Returns user factors, and what the encoder takes."""
        # Padding may be NaN.
        labels = tf.where(support_mask, labels, self.objective.neutral_label)
        user_factors = self.pairs.solve(pairs, labels, support_mask)
        parts, prior = self.pairs.embed(user_factors, pairs, training)
        if self.pairs.detaches_support:
            parts = [tf.stop_gradient(part) for part in parts]
        if not self.sees_negatives:
            support_mask &= self.objective.is_positive(labels)
        surprise = self.objective.surprise(labels, prior)
        return user_factors, (parts, surprise, support_mask)

    def modulated_score(
        self, state: TaskState, pairs: Pairs, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs with the backbone modulated by the context.

        Args:
            state: As `encode` returns it.
            pairs: Query pairs, as `pairs` looks them up.
            training: Whether units are dropped.

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        parts, prior = self.pairs.embed(state.user_factors, pairs, training)
        modulation = self.modulation(self.hybrid(state.context, parts))
        return prior + self.pairs.backbone_scale * self.backbone(parts, modulation)

    def prior(self, state: TaskState, pairs: Pairs) -> tf.Tensor:
        """Returns what the backbone adds to, float32 [B, Q]; arguments as above."""
        return self.pairs.expect(state.user_factors, pairs)

    def modulate(self, state: TaskState, pairs: Pairs) -> ModulationValues:
        """Returns what the context changes of the backbone, pair by pair, as values.

        Args:
            state: As `encode` returns it.
            pairs: Query pairs.

        Returns:
            The values of the modulation network, each [B, Q, ...], or [B, 1, ...] if
            alike for all pairs of a task: see `models.parts.modulation`.
        """
        parts, _ = self.pairs.embed(state.user_factors, pairs)
        return self.modulation(self.hybrid(state.context, parts))
